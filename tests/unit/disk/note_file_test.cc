#include <skein/disk/note_file.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

namespace skein {
namespace {

class NoteFiles : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::uint64_t of(std::string_view content) { return NoteFile::fingerprint(content); }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("skein-note-{}", static_cast<long>(::getpid()));
  std::string path_ = (folder_ / "nodes.conf").string();
  std::string pending_ = path_ + ".pending";
};

TEST_F(NoteFiles, IsFoundBehindWhatItFollowsAndNothingElse) {
  const std::uint64_t follows[] = {of("old"), of("being saved")};
  NoteFile note(path_);
  EXPECT_EQ(note.read("old"), std::nullopt);
  ASSERT_TRUE(note.write("new\nlines\n", follows));
  EXPECT_EQ(NoteFile(path_).read("old"), "new\nlines\n");
  EXPECT_EQ(NoteFile(path_).read("being saved"), "new\nlines\n");
  EXPECT_EQ(NoteFile(path_).read("something newer"), std::nullopt);
  note.clear();
  EXPECT_EQ(NoteFile(path_).read("old"), std::nullopt);
}

TEST_F(NoteFiles, TheLastOneCounts) {
  const std::uint64_t follows[] = {of("old")};
  NoteFile note(path_);
  ASSERT_TRUE(note.write("a rather long text that comes first", follows));
  ASSERT_TRUE(note.write("short", follows));
  EXPECT_EQ(NoteFile(path_).read("old"), "short");
}

TEST_F(NoteFiles, OneThatIsTornIsNone) {
  const std::uint64_t follows[] = {of("old")};
  ASSERT_TRUE(NoteFile(path_).write("some lines\nof a file\n", follows));
  const auto whole = std::filesystem::file_size(pending_);
  for (std::uintmax_t size = 0; size < whole; ++size) {
    std::filesystem::resize_file(pending_, size);
    EXPECT_EQ(NoteFile(path_).read("old"), std::nullopt) << size;
    ASSERT_TRUE(NoteFile(path_).write("some lines\nof a file\n", follows));
  }
  std::ofstream(pending_, std::ios::in | std::ios::out).seekp(-3, std::ios::end).put('X');
  EXPECT_EQ(NoteFile(path_).read("old"), std::nullopt);
}

TEST_F(NoteFiles, WhereNothingCanBeWrittenThatIsSaid) {
  const std::uint64_t follows[] = {of("old")};
  EXPECT_FALSE(NoteFile((folder_ / "none" / "nodes.conf").string()).write("text", follows));
}

}  // namespace
}  // namespace skein
