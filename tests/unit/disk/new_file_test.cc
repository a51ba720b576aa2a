#include <skein/disk/new_file.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

namespace skein {
namespace {

namespace fs = std::filesystem;

class NewFileTest : public testing::Test {
 protected:
  NewFileTest() {
    std::string pattern = fs::temp_directory_path() / "skein-new-file-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~NewFileTest() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ostringstream all;
    all << std::ifstream(path(name)).rdbuf();
    return all.str();
  }
  void put(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(NewFileTest, GetsItsNameOnceItIsComplete) {
  put("dump", "old");
  auto file = NewFile::create(path("temp"), true);
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_TRUE(file->write("new "));
  ASSERT_TRUE(file->write("text"));
  EXPECT_EQ(content("dump"), "old");
  ASSERT_TRUE(file->commit(path("dump")));
  EXPECT_EQ(content("dump"), "new text");
  EXPECT_EQ(files(), 1U);
}

TEST_F(NewFileTest, LeavesNothingWhenItIsGivenUp) {
  put("dump", "old");
  {
    auto file = NewFile::create(path("temp"), true);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("half"));
    EXPECT_EQ(files(), 2U);
  }
  EXPECT_EQ(content("dump"), "old");
  EXPECT_EQ(files(), 1U);
}

TEST_F(NewFileTest, OverwritesWhatADeadProcessLeft) {
  put("temp", "a longer text of somebody who was killed");
  auto file = NewFile::create(path("temp"), false);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write("short"));
  ASSERT_TRUE(file->commit(path("dump")));
  EXPECT_EQ(content("dump"), "short");
}

TEST_F(NewFileTest, FollowsNoLink) {
  put("victim", "precious");
  fs::create_symlink("victim", path("temp"));
  EXPECT_FALSE(NewFile::create(path("temp"), false));
  EXPECT_EQ(content("victim"), "precious");
}

TEST_F(NewFileTest, SaysWhenThereIsNoFolder) {
  const auto file = NewFile::create(path("nowhere/temp"), false);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message().find("nowhere/temp: open: No such file"), std::string::npos)
      << file.error().message();
}

TEST_F(NewFileTest, ThatCannotBeNamedIsRemoved) {
  fs::create_directory(path("dump"));
  auto file = NewFile::create(path("temp"), false);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write("text"));
  EXPECT_FALSE(file->commit(path("dump")));
  { const auto gone = std::move(*file); }
  EXPECT_FALSE(fs::exists(path("temp")));
}

TEST_F(NewFileTest, SyncsOnTheWay) {
  auto file = NewFile::create(path("temp"), true);
  ASSERT_TRUE(file);
  const std::string piece(1024 * 1024, 'x');
  for (int i = 0; i < 13; ++i) ASSERT_TRUE(file->write(piece));
  ASSERT_TRUE(file->commit(path("dump")));
  EXPECT_EQ(fs::file_size(path("dump")), 13U * 1024 * 1024);
}

}  // namespace
}  // namespace skein
