#include "log_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <fmt/format.h>

namespace skein {
namespace {

class LogFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    ASSERT_TRUE(log_.open());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::string text(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("skein-log-{}", static_cast<long>(::getpid()));
  std::filesystem::path path_ = folder_ / "log";
  LogFile log_{path_.string()};
  MonoTime now_{seconds{100}};
};

TEST_F(LogFiles, ARenamedOneIsLeftWithinASecond) {
  log_.write("a\n", now_);
  std::filesystem::rename(path_, folder_ / "log.1");
  log_.write("b\n", now_ + milliseconds{999});
  log_.write("c\n", now_ + milliseconds{1000});
  EXPECT_EQ(text(folder_ / "log.1"), "a\nb\n");
  EXPECT_EQ(text(path_), "c\n");
}

TEST_F(LogFiles, ARemovedOneIsMadeAgain) {
  std::filesystem::remove(path_);
  log_.write("a\n", now_);
  EXPECT_EQ(text(path_), "a\n");
}

TEST_F(LogFiles, AReplacedOneIsFollowed) {
  std::filesystem::rename(path_, folder_ / "log.1");
  std::ofstream(path_) << "theirs\n";
  log_.write("a\n", now_);
  EXPECT_EQ(text(path_), "theirs\na\n");
}

TEST_F(LogFiles, LinesGoToTheOldFileUntilTheFolderIsBack) {
  const auto moved = folder_.string() + "-moved";
  std::filesystem::rename(folder_, moved);
  log_.write("a\n", now_);
  std::filesystem::create_directories(folder_);
  log_.write("b\n", now_ + seconds{1});
  EXPECT_EQ(text(moved + "/log"), "a\n");
  EXPECT_EQ(text(path_), "b\n");
  std::filesystem::remove_all(moved);
}

// Its reader may not be there, and opening it would wait for one.
TEST_F(LogFiles, APipeInItsPlaceIsLeftAlone) {
  std::filesystem::rename(path_, folder_ / "log.1");
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  log_.write("a\n", now_);
  EXPECT_EQ(text(folder_ / "log.1"), "a\n");
}

TEST_F(LogFiles, TheDescriptorStaysTheSame) {
  const int descriptor = log_.descriptor();
  std::filesystem::remove(path_);
  log_.write("a\n", now_);
  EXPECT_TRUE(log_.move_to((folder_ / "other").string()));
  log_.write("b\n", now_);
  EXPECT_EQ(log_.descriptor(), descriptor);
  EXPECT_EQ(text(folder_ / "other"), "b\n");
  EXPECT_FALSE(log_.move_to("/nosuch/log"));
  log_.write("c\n", now_);
  EXPECT_EQ(text(folder_ / "other"), "b\nc\n");
}

TEST_F(LogFiles, TheUmaskAloneSaysWhoMayReadIt) {
  const mode_t before = ::umask(007);
  std::filesystem::remove(path_);
  log_.write("a\n", now_);
  ::umask(before);
  struct stat facts{};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0660U);
}

}  // namespace
}  // namespace skein
