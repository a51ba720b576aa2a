#include <skein/base/checksums.h>

namespace skein {
namespace {

constexpr std::string_view kCheck = "123456789";

TEST(Checksums, MatchTheirPublishedCheckValues) {
  EXPECT_EQ(crc16(kCheck), 0x31C3);
  EXPECT_EQ(crc64(0, kCheck), 0xe9c6d914c4b8d9caULL);
  EXPECT_EQ(crc32c(0, kCheck), 0xE3069283U);
}

TEST(Checksums, GoOnWhereTheyStopped) {
  EXPECT_EQ(crc64(crc64(0, "12345"), "6789"), crc64(0, kCheck));
  EXPECT_EQ(crc32c(crc32c(0, "12345"), "6789"), crc32c(0, kCheck));
}

TEST(Checksums, OfAnySizeAreThoseOfTheirBytes) {
  std::string bytes;
  std::uint64_t by_bytes = 0;
  std::uint32_t by_bytes_32c = 0;
  for (std::size_t size = 0; size < 2000; ++size) {
    ASSERT_EQ(crc64(0, bytes), by_bytes) << size;
    ASSERT_EQ(crc32c(0, bytes), by_bytes_32c) << size;
    if (size >= 300) {
      ASSERT_EQ(crc64(crc64(0, {bytes.data(), 77}), {bytes.data() + 77, size - 77}), by_bytes);
    }
    bytes.push_back(static_cast<char>(size * 2654435761U >> 7));
    by_bytes = crc64(by_bytes, {&bytes.back(), 1});
    by_bytes_32c = crc32c(by_bytes_32c, {&bytes.back(), 1});
  }
}

TEST(Checksums, KnownSlots) {
  EXPECT_EQ(slot_of_key("k1").value, 12706);
  EXPECT_EQ(slot_of_key("k2").value, 449);
  EXPECT_EQ(slot_of_key("foo").value, 12182);
  EXPECT_EQ(slot_of_key("key1").value, 9189);
  EXPECT_EQ(slot_of_key("{foo}anything longer than eight").value, 12182);
}

TEST(HashTag, OnlyTheFirstPairOfBracesCounts) {
  EXPECT_EQ(hash_tag("{a}{b}"), "a");
  EXPECT_EQ(hash_tag("{}a"), "{}a");
  EXPECT_EQ(hash_tag("x{a"), "x{a");
  EXPECT_EQ(hash_tag("x{{a}}"), "{a");
  EXPECT_EQ(hash_tag(""), "");
}

}  // namespace
}  // namespace skein
