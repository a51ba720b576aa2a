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
  // Whichever was written last.
  [[nodiscard]] std::string last_place() const {
    const std::string places[] = {path_ + ".pending", path_ + ".pending-2"};
    if (!std::filesystem::exists(places[0])) return places[1];
    if (!std::filesystem::exists(places[1])) return places[0];
    return number_in(places[0]) > number_in(places[1]) ? places[0] : places[1];
  }
  static int number_in(const std::string& place) {
    std::string mark;
    int number = 0;
    std::ifstream(place) >> mark >> number;
    return number;
  }
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
  const std::string place = last_place();
  const auto whole = std::filesystem::file_size(place);
  for (std::uintmax_t size = 0; size < whole; ++size) {
    std::filesystem::resize_file(place, size);
    EXPECT_EQ(NoteFile(path_).read("old"), std::nullopt) << size;
    ASSERT_TRUE(NoteFile(path_).write("some lines\nof a file\n", follows));
  }
  std::ofstream(place, std::ios::in | std::ios::out).seekp(-3, std::ios::end).put('X');
  EXPECT_EQ(NoteFile(path_).read("old"), std::nullopt);
}

// What was noted before it has been promised.
TEST_F(NoteFiles, OneThatIsTornLeavesTheOneBefore) {
  const std::uint64_t follows[] = {of("old")};
  NoteFile note(path_);
  for (const char* text : {"first", "second", "third", "fourth"}) {
    const auto before = NoteFile(path_).read("old");
    ASSERT_TRUE(note.write(text, follows));
    const std::string place = last_place();
    std::ifstream file(place);
    const std::string whole{std::istreambuf_iterator<char>(file), {}};
    for (std::size_t size = 0; size < whole.size(); ++size) {
      std::ofstream(place) << whole.substr(0, size);
      EXPECT_EQ(NoteFile(path_).read("old"), before) << text << ", torn at " << size;
    }
    std::ofstream(place) << whole;
    EXPECT_EQ(NoteFile(path_).read("old"), text);
  }
}

TEST_F(NoteFiles, ClearingForgetsWhatWasWrittenBeforeThisStart) {
  const std::uint64_t follows[] = {of("old")};
  {
    NoteFile note(path_);
    for (const char* text : {"first", "second"}) ASSERT_TRUE(note.write(text, follows));
  }
  NoteFile(path_).clear();
  EXPECT_EQ(NoteFile(path_).read("old"), std::nullopt);
}

TEST_F(NoteFiles, WhereNothingCanBeWrittenThatIsSaid) {
  const std::uint64_t follows[] = {of("old")};
  EXPECT_FALSE(NoteFile((folder_ / "none" / "nodes.conf").string()).write("text", follows));
}

}  // namespace
}  // namespace skein
