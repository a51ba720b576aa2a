#include <skein/disk/safe_file.h>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace skein {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class SafeFile : public testing::Test {
 protected:
  SafeFile() {
    std::string name = (fs::temp_directory_path() / "skein-file-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~SafeFile() override {
    fs::permissions(folder_, fs::perms::owner_all);
    fs::remove_all(folder_);
  }
  [[nodiscard]] std::string path() const { return (folder_ / "nodes.conf").string(); }
  [[nodiscard]] std::string content() const {
    std::ifstream in(path());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }

  fs::path folder_;
};

TEST_F(SafeFile, MakesAnEmptyOneAndReplacesIt) {
  auto file = LockedFile::open(path());
  ASSERT_TRUE(file);
  EXPECT_EQ(*file->read(), "");
  ASSERT_TRUE(file->replace("one"));
  EXPECT_EQ(content(), "one");
  ASSERT_TRUE(file->replace("two and more"));
  ASSERT_TRUE(file->replace("3"));
  EXPECT_EQ(content(), "3");
  EXPECT_EQ(*file->read(), "3");
  EXPECT_EQ(files(), 1U) << "no temporary file stays";
}

// The lock is held from the first moment to the last, over every replacement.
TEST_F(SafeFile, BelongsToOneAtATime) {
  auto file = LockedFile::open(path());
  ASSERT_TRUE(file);
  auto second = LockedFile::open(path());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr(path()));
  ASSERT_TRUE(file->replace("one"));
  EXPECT_FALSE(LockedFile::open(path()));
  {
    const LockedFile gone = std::move(*file);
  }
  auto third = LockedFile::open(path());
  ASSERT_TRUE(third);
  EXPECT_EQ(*third->read(), "one");
}

TEST_F(SafeFile, KeepsPermissionsAndLinks) {
  const auto real = folder_ / "real.conf";
  std::ofstream(real) << "old";
  fs::permissions(real, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink(real, path());
  auto file = LockedFile::open(path());
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->replace("new"));
  EXPECT_TRUE(fs::is_symlink(path()));
  EXPECT_EQ(content(), "new");
  EXPECT_EQ(fs::status(real).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(SafeFile, StaysWhereItWasWhenTheDirectoryChanges) {
  const auto before = fs::current_path();
  fs::current_path(folder_);
  auto file = LockedFile::open("nodes.conf");
  fs::current_path(before);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->replace("here"));
  EXPECT_EQ(content(), "here");
}

TEST_F(SafeFile, ALeftOverTemporaryFileIsNoObstacle) {
  auto file = LockedFile::open(path());
  ASSERT_TRUE(file);
  std::ofstream(path() + ".tmp-" + std::to_string(::getpid())) << "half a";
  ASSERT_TRUE(file->replace("whole"));
  EXPECT_EQ(content(), "whole");
  EXPECT_EQ(files(), 1U);
}

// As in a container into which only the file is mounted: the folder allows nothing. Root may
// write everywhere, so the test becomes somebody else first.
TEST_F(SafeFile, IsOverwrittenInPlaceWhereItCannotBeReplaced) {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_root = ::geteuid() == 0;
    if (is_root && (::chown(folder_.c_str(), 65534, 65534) != 0 || ::seteuid(65534) != 0)) ::_exit(3);
    auto file = LockedFile::open(path());
    if (!file || !file->replace("a rather long first text\n")) ::_exit(4);
    if (::chmod(folder_.c_str(), 0555) != 0) ::_exit(5);
    struct stat before {};
    struct stat after {};
    (void)::stat(path().c_str(), &before);
    const bool replaced = file->replace("short\n").has_value() && file->replace("longer again\n").has_value();
    (void)::stat(path().c_str(), &after);
    ::_exit(replaced && before.st_ino == after.st_ino ? 0 : 6);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  fs::permissions(folder_, fs::perms::owner_all);
  EXPECT_EQ(content(), "longer again\n");
}

TEST_F(SafeFile, SaysWhatIsWrong) {
  const auto missing = LockedFile::open((folder_ / "no" / "such.conf").string());
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("No such file or directory"));
}


TEST_F(SafeFile, AFailureIsReportedAndTheOldContentStays) {
  auto file = LockedFile::open(path());
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->replace("old"));
  const std::string temporary = path() + ".tmp-" + std::to_string(::getpid());
  fs::create_directory(temporary);  // neither made nor removed like a file
  const auto result = file->replace("new");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr(path()));
  EXPECT_EQ(content(), "old");
}

}  // namespace
}  // namespace skein
