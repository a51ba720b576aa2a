#include <skein/persist/dump_payload.h>

#include "rdb_bed.h"

namespace skein {
namespace {

using namespace std::string_literals;

std::string dump(std::string_view value, bool compress = true) {
  return dump_value(*OwnedEntry(Entry::create("k", value, std::nullopt)), compress);
}

std::string with_footer(std::string_view body, std::uint16_t version = 10) {
  const std::string bytes = std::string(body) + little_endian(version, 2);
  return bytes + little_endian(crc64(0, bytes), 8);
}

TEST(DumpPayload, HasTheBytesThatRedisGives) {
  EXPECT_EQ(dump("v"), "\x00\x01\x76\x0a\x00\x91\x08\xce\xb2\x19\x38\x8a\xce"s);
  EXPECT_EQ(dump("5"), "\x00\xc0\x05\x0a\x00\x63\x2f\x5f\x66\x83\x2f\xb3\x51"s);
  EXPECT_EQ(dump(std::string(100, 'x')),
            "\x00\xc3\x09\x40\x64\x01xx\xe0\x57\x00\x01xx\x0a\x00\x5d\xb7\xf6\x63\xbb\x08\x62\x5f"s);
  EXPECT_EQ(dump(std::string(100, 'x'), false), with_footer("\x00\x40\x64"s + std::string(100, 'x')));
}

TEST(DumpPayload, ComesBack) {
  for (const std::size_t size : {0, 1, 20, 21, 63, 64, 255, 16384, 300000}) {
    const std::string value(size, 'x');
    for (const bool compress : {true, false}) {
      const std::string payload = dump(value, compress);
      ASSERT_TRUE(is_dump_payload(payload));
      const auto entry = restore_value(payload, "another key", kNow);
      ASSERT_TRUE(entry);
      Entry::Scratch scratch;
      EXPECT_EQ((*entry)->bytes(scratch), value);
      EXPECT_EQ((*entry)->key(), "another key");
      EXPECT_EQ((*entry)->expiry(), kNow);
    }
  }
}

TEST(DumpPayload, SaysHowLargeItIsUnpacked) {
  EXPECT_EQ(3'000'000U, unpacked_size(dump(std::string(3'000'000, 'x'))));
  const std::string plain = dump(std::string(3'000'000, 'x'), false);
  EXPECT_EQ(plain.size(), unpacked_size(plain));
  const std::string number = dump("5");
  EXPECT_EQ(number.size(), unpacked_size(number));
}

TEST(DumpPayload, NoChangeOfABitIsAccepted) {
  const std::string payload = dump(std::string(50, 'x') + "tail");
  for (std::size_t at = 0; at < payload.size(); ++at) {
    EXPECT_FALSE(is_dump_payload(payload.substr(0, at)));
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = payload;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      EXPECT_FALSE(is_dump_payload(damaged)) << at << " " << bit;
    }
  }
}

TEST(DumpPayload, VersionsUpToThatOfFilesAreTaken) {
  EXPECT_TRUE(is_dump_payload(with_footer("\0\1v"s, 0)));
  EXPECT_TRUE(is_dump_payload(with_footer("\0\1v"s, 11)));
  EXPECT_FALSE(is_dump_payload(with_footer("\0\1v"s, 12)));
  EXPECT_FALSE(is_dump_payload(with_footer("\0\1v"s, 80)));
}

TEST(DumpPayload, ASumSaysNothingOfTheValueWhichIsCheckedByItself) {
  const auto refused = [](std::string_view body) {
    const std::string payload = with_footer(body);
    EXPECT_TRUE(is_dump_payload(payload));
    const auto entry = restore_value(payload, "k", std::nullopt);
    EXPECT_FALSE(entry);
    return entry ? "" : entry.error().message();
  };
  EXPECT_EQ(refused(""), "the payload holds no value");
  EXPECT_EQ(refused("\x12\1x"), "type 18 (list of listpacks) is not supported");
  EXPECT_EQ(refused("\xfc\1x"), "there is no type 252");
  EXPECT_EQ(refused("\0"s), "key \"k\" of type 0 (string): it ends in the middle of a string");
  EXPECT_EQ(refused("\0\2v"s), "key \"k\" of type 0 (string): it ends in the middle of a string");
  EXPECT_EQ(refused("\0\1vv"s), "key \"k\" of type 0 (string): more bytes follow the value");
  EXPECT_EQ(refused("\0\xc3\x05\x0b\x00z\xe0\x00\x00"s),
            "key \"k\" of type 0 (string): a compressed string does not unpack to its length");
}

}  // namespace
}  // namespace skein
