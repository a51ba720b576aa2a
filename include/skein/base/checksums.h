// The checksums of the formats we share with others.
#pragma once

#include <cstdint>
#include <string_view>

#include <skein/base/ids.h>

namespace skein {

// CRC-16/XMODEM (poly 0x1021, init 0): "123456789" -> 0x31C3. Eight bytes a step.
[[nodiscard]] std::uint16_t crc16(std::string_view bytes);

// CRC-64/Jones (poly 0xad93d23594c935a9 reflected, init 0, no final xor), continued from `crc`:
// "123456789" -> 0xe9c6d914c4b8d9ca.
[[nodiscard]] std::uint64_t crc64(std::uint64_t crc, std::string_view bytes);

// CRC-32C (Castagnoli), as iSCSI: "123456789" -> 0xE3069283. `crc` continues an earlier sum.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes);

// The part of a key that decides its slot: between the first `{` and the next `}` when
// that is not empty, else the whole key.
[[nodiscard]] inline std::string_view hash_tag(std::string_view key) {
  const auto* open = static_cast<const char*>(key.empty() ? nullptr : memchr(key.data(), '{', key.size()));
  if (open == nullptr) return key;
  const std::size_t start = static_cast<std::size_t>(open - key.data()) + 1;
  const std::size_t close = key.find('}', start);
  if (close == std::string_view::npos || close == start) return key;
  return key.substr(start, close - start);
}

[[nodiscard]] inline Slot slot_of_key(std::string_view key) {
  return {static_cast<std::uint16_t>(crc16(hash_tag(key)) & (kSlotCount - 1))};
}

}  // namespace skein
