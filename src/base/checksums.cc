#include <skein/base/checksums.h>

#include <array>
#include <cstring>

namespace skein {

namespace {

// tables[k][b]: the effect of byte b followed by k zero bytes.
template <typename Word, std::size_t N, typename Step>
constexpr std::array<std::array<Word, 256>, N> slicing_tables(Step first, Step next) {
  std::array<std::array<Word, 256>, N> tables{};
  for (std::size_t b = 0; b < 256; ++b) tables[0][b] = first(static_cast<Word>(b), tables[0]);
  for (std::size_t k = 1; k < N; ++k) {
    for (std::size_t b = 0; b < 256; ++b) tables[k][b] = next(tables[k - 1][b], tables[0]);
  }
  return tables;
}

using Table16 = std::array<std::uint16_t, 256>;
constexpr std::uint16_t crc16_of_byte(std::uint16_t byte, const Table16&) {
  auto crc = static_cast<std::uint16_t>(byte << 8);
  for (int bit = 0; bit < 8; ++bit) {
    crc = static_cast<std::uint16_t>((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
  }
  return crc;
}
constexpr std::uint16_t crc16_zero_byte(std::uint16_t crc, const Table16& t) {
  return static_cast<std::uint16_t>((crc << 8) ^ t[crc >> 8]);
}
constexpr auto kCrc16 =
    slicing_tables<std::uint16_t, 8, std::uint16_t (*)(std::uint16_t, const Table16&)>(crc16_of_byte, crc16_zero_byte);

// The reflected form of a CRC of `Word` bits whose reversed polynomial is `Poly`.
template <typename Word, Word Poly>
struct Reflected {
  using Table = std::array<Word, 256>;
  static constexpr Word of_byte(Word byte, const Table&) {
    Word crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ Poly : crc >> 1;
    return crc;
  }
  static constexpr Word zero_byte(Word crc, const Table& t) { return (crc >> 8) ^ t[crc & 0xff]; }
  static constexpr auto kTables = slicing_tables<Word, 8, Word (*)(Word, const Table&)>(of_byte, zero_byte);

  static Word update(Word crc, std::string_view bytes) {
    const char* p = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; p += 8, left -= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, p, 8);
      word ^= crc;
      Word next = 0;
      for (std::size_t i = 0; i < 8; ++i) next ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
      crc = next;
    }
    for (; left > 0; ++p, --left) crc = zero_byte(crc ^ static_cast<unsigned char>(*p), kTables[0]);
    return crc;
  }
};

}  // namespace

std::uint16_t crc16(std::string_view bytes) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  std::uint16_t crc = 0;
  for (; left >= 8; p += 8, left -= 8) {
    crc = static_cast<std::uint16_t>(kCrc16[7][p[0] ^ (crc >> 8)] ^ kCrc16[6][p[1] ^ (crc & 0xff)] ^
                                     kCrc16[5][p[2]] ^ kCrc16[4][p[3]] ^ kCrc16[3][p[4]] ^ kCrc16[2][p[5]] ^
                                     kCrc16[1][p[6]] ^ kCrc16[0][p[7]]);
  }
  for (; left > 0; ++p, --left) crc = static_cast<std::uint16_t>((crc << 8) ^ kCrc16[0][(crc >> 8) ^ *p]);
  return crc;
}

std::uint64_t crc64(std::uint64_t crc, std::string_view bytes) {
  return Reflected<std::uint64_t, 0x95ac9329ac4bc9b5>::update(crc, bytes);
}

std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) {
  return ~Reflected<std::uint32_t, 0x82f63b78>::update(~crc, bytes);
}

}  // namespace skein
