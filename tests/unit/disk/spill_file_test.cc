#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include <skein/base/random.h>
#include <skein/disk/file_reader.h>
#include <skein/disk/spill_file.h>

namespace skein {
namespace {

std::string front(const SpillFile& file, std::size_t most) {
  std::string bytes(most, '\0');
  const auto got = file.peek(bytes);
  EXPECT_TRUE(got);
  bytes.resize(got ? *got : 0);
  return bytes;
}

TEST(SpillFile, IsAQueue) {
  auto file = SpillFile::create(testing::TempDir());
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->empty());
  ASSERT_TRUE(file->append("one"));
  ASSERT_TRUE(file->append("two"));
  EXPECT_EQ(file->size(), 6U);
  EXPECT_EQ(front(*file, 4), "onet");
  EXPECT_EQ(front(*file, 4), "onet") << "a look takes nothing";
  file->consume(4);
  EXPECT_EQ(front(*file, 100), "wo");
  file->consume(2);
  EXPECT_TRUE(file->empty());
  ASSERT_TRUE(file->append("three"));
  EXPECT_EQ(front(*file, 100), "three");
}

TEST(SpillFile, KeepsTheOrderOfALot) {
  auto file = SpillFile::create(testing::TempDir());
  ASSERT_TRUE(file);
  Random random(3);
  std::string written;
  std::string read;
  while (written.size() < 48U * 1024 * 1024) {
    const std::string piece(random.below(3'000'000), static_cast<char>('a' + random.below(26)));
    ASSERT_TRUE(file->append(piece));
    written += piece;
    const std::string got = front(*file, random.below(2'500'000));
    file->consume(got.size());
    read += got;
  }
  while (!file->empty()) {
    const std::string got = front(*file, 1'000'000);
    file->consume(got.size());
    read += got;
  }
  EXPECT_TRUE(read == written);
}

TEST(SpillFile, LeavesNoNameBehind) {
  const std::string folder = testing::TempDir() + "/spill_file_test";
  std::filesystem::create_directory(folder);
  const auto file = SpillFile::create(folder);
  ASSERT_TRUE(file);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  EXPECT_FALSE(SpillFile::create(folder + "/nowhere"));
  std::filesystem::remove(folder);
}

TEST(FileReader, ReadsFromAnywhere) {
  EXPECT_FALSE(FileReader::open("/nowhere/at/all"));
  const auto file = FileReader::open(SKEIN_SOURCE_DIR "/cmake/layers.cmake");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), std::filesystem::file_size(SKEIN_SOURCE_DIR "/cmake/layers.cmake"));
  char bytes[5];
  const auto got = file->read_at(2, bytes);
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 5U);
  EXPECT_EQ(*file->read_at(file->size(), bytes), 0U);
}

}  // namespace
}  // namespace skein
