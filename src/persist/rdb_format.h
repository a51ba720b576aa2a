// The numbers of the RDB format; docs/rdb.md tells what they mean. Value types are in rdb_types.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace skein::rdb {

inline constexpr std::string_view kMagic = "REDIS";
inline constexpr std::size_t kHeaderSize = 9;  // magic and four digits
inline constexpr int kOldestVersion = 1;
inline constexpr int kNewestVersion = 11;
inline constexpr int kWrittenVersion = 10;
// Since then a file ends with a checksum.
inline constexpr int kChecksumVersion = 5;
inline constexpr std::size_t kChecksumSize = 8;

namespace opcode {
inline constexpr std::uint8_t kSlotInfo = 244;
inline constexpr std::uint8_t kFunction = 245;
inline constexpr std::uint8_t kFunctionPreRelease = 246;
inline constexpr std::uint8_t kModuleAux = 247;
inline constexpr std::uint8_t kIdle = 248;
inline constexpr std::uint8_t kFrequency = 249;
inline constexpr std::uint8_t kAux = 250;
inline constexpr std::uint8_t kResizeDb = 251;
inline constexpr std::uint8_t kExpiryMillis = 252;
inline constexpr std::uint8_t kExpirySeconds = 253;
inline constexpr std::uint8_t kSelectDb = 254;
inline constexpr std::uint8_t kEof = 255;
}  // namespace opcode

// The first byte of a length: what its two high bits mean.
inline constexpr unsigned kLength6 = 0;
inline constexpr unsigned kLength14 = 1;
inline constexpr unsigned kLengthLong = 2;  // the byte is one of the next two
inline constexpr unsigned kSpecial = 3;     // no length: the low bits tell how a string is coded
inline constexpr std::uint8_t kLength32 = 0x80;
inline constexpr std::uint8_t kLength64 = 0x81;

inline constexpr std::uint8_t kInt8 = 0;
inline constexpr std::uint8_t kInt16 = 1;
inline constexpr std::uint8_t kInt32 = 2;
inline constexpr std::uint8_t kLzf = 3;

// Strings up to this size are worth trying as a 32-bit integer, and those above the other as LZF.
inline constexpr std::size_t kLongestInteger = 11;
inline constexpr std::size_t kShortestCompressed = 21;

}  // namespace skein::rdb
