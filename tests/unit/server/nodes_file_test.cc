#include "nodes_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
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

}  // namespace
}  // namespace skein
