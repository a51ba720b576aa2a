// Files that stand for a running process: only its own are removed, and a live one's stay.
#include "append_only.h"
#include "pid_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace skein {
namespace {

namespace fs = std::filesystem;

class OwnedFiles : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "other");
    before_ = fs::current_path();
    fs::current_path(folder_);
  }
  void TearDown() override {
    fs::current_path(before_);
    fs::remove_all(folder_);
  }

  static std::string text(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder_ = fs::temp_directory_path() / fmt::format("skein-owned-{}", static_cast<long>(::getpid()));
  fs::path before_;
};

TEST_F(OwnedFiles, ThePidFileGoesWithTheProcess) {
  {
    auto file = PidFile::write("pid");
    ASSERT_TRUE(file);
    EXPECT_EQ(text("pid"), fmt::format("{}\n", ::getpid()));
  }
  EXPECT_FALSE(fs::exists("pid"));
}

TEST_F(OwnedFiles, APidFileThatSaysAnotherProcessStays) {
  {
    auto file = PidFile::write("pid");
    ASSERT_TRUE(file);
    std::ofstream("pid") << "1\n";
  }
  EXPECT_EQ(text("pid"), "1\n");
}

TEST_F(OwnedFiles, ThePidFileIsFoundFromAnotherDirectory) {
  {
    auto file = PidFile::write("pid");
    ASSERT_TRUE(file);
    std::ofstream("other/pid") << text("pid");
    fs::current_path("other");
  }
  EXPECT_FALSE(fs::exists(folder_ / "pid"));
  EXPECT_TRUE(fs::exists(folder_ / "other" / "pid"));
}

TEST_F(OwnedFiles, ThePidFilesModeIsTheUmasks) {
  const mode_t before = ::umask(007);
  auto file = PidFile::write("pid");
  ::umask(before);
  struct stat facts{};
  ASSERT_EQ(::stat("pid", &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0660U);
}

TEST_F(OwnedFiles, AnAppendOnlyFileStopsWhoeverReliesOnOne) {
  Settings settings;
  settings.appendonly = true;
  settings.appendfilename = "appendonly.aof";
  settings.appenddirname = "appendonlydir";
  EXPECT_TRUE(check_no_append_only_file(settings));
  fs::create_directory("appendonlydir");
  std::ofstream("appendonlydir/another.aof.manifest") << "x";
  EXPECT_TRUE(check_no_append_only_file(settings));
  std::ofstream("appendonlydir/appendonly.aof.1.incr.aof") << "x";
  EXPECT_FALSE(check_no_append_only_file(settings));
  fs::remove_all("appendonlydir");
  std::ofstream("appendonly.aof") << "x";
  const auto refused = check_no_append_only_file(settings);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find((fs::current_path() / "appendonly.aof").string()), std::string::npos);
  settings.appendonly = false;
  EXPECT_TRUE(check_no_append_only_file(settings));
}

}  // namespace
}  // namespace skein
