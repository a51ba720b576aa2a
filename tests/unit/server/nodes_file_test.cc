#include "nodes_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <fmt/format.h>

namespace skein {
namespace {

// States are told apart by their current epoch.
class NodesFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    open();
    ASSERT_TRUE(file_->save(text({1}), file_->notes()));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::shared_ptr<const UnsavedState> state(Epoch epoch) {
    Node self{.id = *NodeId::parse(std::string(40, 'a')),
              .address = {.ip = "127.0.0.1", .port = 7000, .bus_port = 17000},
              .flags = NodeFlags{}.set(NodeFlag::kMyself | NodeFlag::kPrimary)};
    return std::make_shared<const UnsavedState>(
        UnsavedState{{Topology(std::move(self)), epoch, {}}, {LineFacts{.connected = true}}});
  }
  static std::string text(Epoch epoch) { return state(epoch)->text(); }

  void open() {
    auto loaded = NodesFile::load((folder_ / "nodes.conf").string());
    ASSERT_TRUE(loaded) << loaded.error().message();
    file_ = std::move(loaded->file);
    saved_ = std::move(loaded->saved);
  }
  // What the next process finds.
  Epoch found() {
    file_.reset();
    open();
    return saved_ ? saved_->current_epoch : Epoch{};
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("skein-nodes-{}", static_cast<long>(::getpid()));
  std::unique_ptr<NodesFile> file_;
  std::optional<SavedState> saved_;
};

TEST_F(NodesFiles, ASaveIsFound) {
  EXPECT_TRUE(PendingSave(*file_, state({2}), file_->notes()).finish());
  EXPECT_EQ(found(), Epoch{2});
}

TEST_F(NodesFiles, ANoteIsFoundWhetherOrNotTheSaveBeforeItWasMade) {
  for (const bool is_made : {false, true}) {
    PendingSave pending(*file_, state({2}), file_->notes());
    pending.announce();
    ASSERT_TRUE(file_->note(text({3})));
    if (is_made) {
      EXPECT_TRUE(pending.finish());
    }
    EXPECT_EQ(found(), Epoch{3}) << is_made;
  }
}

TEST_F(NodesFiles, ALaterSaveIsNewerThanTheNote) {
  ASSERT_TRUE(file_->note(text({3})));
  PendingSave pending(*file_, state({4}), file_->notes());
  EXPECT_TRUE(pending.finish());
  EXPECT_EQ(found(), Epoch{4});
}

// A full disk: the save is made much later than its state was taken.
TEST_F(NodesFiles, ASaveThatIsTriedAgainIsStillOlderThanTheNote) {
  const std::uint64_t notes = file_->notes();
  PendingSave(*file_, state({2}), notes).announce();
  ASSERT_TRUE(file_->note(text({3})));
  EXPECT_TRUE(PendingSave(*file_, state({2}), notes).finish());
  EXPECT_EQ(found(), Epoch{3});
}

class MovedNodesFiles : public NodesFiles {
 protected:
  void SetUp() override {
    NodesFiles::SetUp();
    std::filesystem::create_directories(folder_ / "new");
    std::filesystem::create_directories(folder_ / "third");
  }
  // What a start in that folder finds; it does not last.
  Epoch in(const std::string& folder) {
    const auto path = folder_ / folder / "nodes.conf";
    if (!std::filesystem::exists(path)) return {};
    std::ifstream file(path);
    const auto saved = parse_nodes_conf(std::string(std::istreambuf_iterator<char>(file), {}));
    return saved ? saved->current_epoch : Epoch{};
  }
  [[nodiscard]] std::string path(const std::string& folder) const { return (folder_ / folder / "nodes.conf").string(); }
};

TEST_F(MovedNodesFiles, BothAreSavedUntilTheConfigurationNamesTheNewOne) {
  ASSERT_TRUE(file_->move_to(path("new"), text({2})));
  EXPECT_EQ(in("new"), Epoch{2});
  ASSERT_TRUE(file_->save(text({3}), file_->notes()));
  EXPECT_EQ(in("new"), Epoch{3});
  EXPECT_EQ(in(""), Epoch{3});
  EXPECT_FALSE(file_->note(text({4}))) << "a note would reach one of them only";
  file_->settle();
  ASSERT_TRUE(file_->save(text({5}), file_->notes()));
  EXPECT_EQ(in("new"), Epoch{5});
  EXPECT_EQ(in(""), Epoch{3});
  EXPECT_TRUE(file_->note(text({6})));
}

TEST_F(MovedNodesFiles, BothAreLocked) {
  ASSERT_TRUE(file_->move_to(path("new"), text({2})));
  EXPECT_FALSE(NodesFile::load(path("new")));
  EXPECT_FALSE(NodesFile::load(path("")));
  file_->settle();
  EXPECT_TRUE(NodesFile::load(path("")));
}

TEST_F(MovedNodesFiles, BackAgainLeavesNothingBehind) {
  ASSERT_TRUE(file_->move_to(path("new"), text({2})));
  ASSERT_TRUE(file_->move_to(path("third"), text({3})));
  EXPECT_FALSE(std::filesystem::exists(path("new")));
  ASSERT_TRUE(file_->move_to(path(""), text({4})));
  EXPECT_FALSE(std::filesystem::exists(path("third")));
  EXPECT_EQ(in(""), Epoch{4});
  EXPECT_TRUE(file_->note(text({5})));
}

TEST_F(MovedNodesFiles, TheIdentityOfAnotherNodeIsNotOverwritten) {
  const std::string id(40, 'b');
  std::ofstream(path("new")) << text({9}).replace(text({9}).find(std::string(40, 'a')), 40, id);
  const auto moved = file_->move_to(path("new"), text({2}));
  ASSERT_FALSE(moved);
  EXPECT_NE(moved.error().message().find(id), std::string::npos) << moved.error().message();
  EXPECT_EQ(in("new"), Epoch{9});
  // An older one of this node's own is replaced.
  std::ofstream(path("third")) << text({1});
  ASSERT_TRUE(file_->move_to(path("third"), text({2})));
  EXPECT_EQ(in("third"), Epoch{2});
}

TEST_F(MovedNodesFiles, AFolderThatIsGoneKeepsNobodyFromSaving) {
  ASSERT_TRUE(file_->move_to(path("new"), text({2})));
  std::filesystem::remove(path(""));
  EXPECT_TRUE(file_->save(text({3}), file_->notes()));
  EXPECT_EQ(in("new"), Epoch{3});
  EXPECT_FALSE(file_->move_to(path("nosuch"), text({4})));
  EXPECT_TRUE(file_->save(text({5}), file_->notes()));
  EXPECT_EQ(in("new"), Epoch{5});
}

}  // namespace
}  // namespace skein
