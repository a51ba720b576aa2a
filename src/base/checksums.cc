#include <skein/base/checksums.h>

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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
#pragma GCC unroll 8
      for (std::size_t i = 0; i < 8; ++i) next ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
      crc = next;
    }
    for (; left > 0; ++p, --left) crc = zero_byte(crc ^ static_cast<unsigned char>(*p), kTables[0]);
    return crc;
  }
};

using Crc32c = Reflected<std::uint32_t, 0x82f63b78>;

constexpr std::uint64_t kPoly64 = 0x95ac9329ac4bc9b5;
using Crc64 = Reflected<std::uint64_t, kPoly64>;

#if defined(__x86_64__)

// x^n modulo the polynomial, in the reflected form: the highest bit is x^0.
constexpr std::uint64_t power_of_x(int n) {
  std::uint64_t power = std::uint64_t{1} << 63;
  for (; n > 0; --n) power = (power & 1) != 0 ? (power >> 1) ^ kPoly64 : power >> 1;
  return power;
}

// Carry-less multiplication moves 16 bytes of the message over any distance with two products, so
// that four lanes run beside each other and are brought together at the end. A product of two
// reflected numbers comes out one power too high, which the constants make up for.
template <int kBits>
[[gnu::target("pclmul,sse4.1")]] inline __m128i moved_by(__m128i lane) {
  const __m128i factors = _mm_set_epi64x(static_cast<long long>(power_of_x(kBits - 1)),
                                         static_cast<long long>(power_of_x(kBits + 63)));
  return _mm_xor_si128(_mm_clmulepi64_si128(lane, factors, 0x00), _mm_clmulepi64_si128(lane, factors, 0x11));
}

// At least 64 bytes; whole steps of 64 are taken off the front of `bytes`.
[[gnu::target("pclmul,sse4.1")]] std::uint64_t crc64_by_lanes(std::uint64_t crc, std::string_view& bytes) {
  const auto load = [](const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); };
  const char* p = bytes.data();
  const char* const end = p + bytes.size() / 64 * 64;
  // What was summed up before is as good as a change to the first eight bytes.
  __m128i a = _mm_xor_si128(load(p), _mm_cvtsi64_si128(static_cast<long long>(crc)));
  __m128i b = load(p + 16);
  __m128i c = load(p + 32);
  __m128i d = load(p + 48);
  for (p += 64; p != end; p += 64) {
    a = _mm_xor_si128(moved_by<512>(a), load(p));
    b = _mm_xor_si128(moved_by<512>(b), load(p + 16));
    c = _mm_xor_si128(moved_by<512>(c), load(p + 32));
    d = _mm_xor_si128(moved_by<512>(d), load(p + 48));
  }
  b = _mm_xor_si128(b, moved_by<128>(a));
  c = _mm_xor_si128(c, moved_by<128>(b));
  d = _mm_xor_si128(d, moved_by<128>(c));
  // Sixteen bytes are left that sum up to the same.
  std::array<char, 16> rest;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest.data()), d);
  bytes.remove_prefix(static_cast<std::size_t>(end - bytes.data()));
  return Crc64::update(0, {rest.data(), rest.size()});
}

// The processor knows this polynomial. Whole words are taken off the front of `bytes`.
[[gnu::target("sse4.2")]] std::uint32_t crc32c_by_words(std::uint32_t crc, std::string_view& bytes) {
  std::uint64_t sum = crc;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    sum = _mm_crc32_u64(sum, word);
  }
  return static_cast<std::uint32_t>(sum);
}

bool has_carryless_multiplication() {
  static const bool has = __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;
  return has;
}

#endif

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
#if defined(__x86_64__)
  // Below this the tables are as fast.
  if (bytes.size() >= 128 && has_carryless_multiplication()) crc = crc64_by_lanes(crc, bytes);
#endif
  return Crc64::update(crc, bytes);
}

std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) {
  crc = ~crc;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2") != 0) crc = crc32c_by_words(crc, bytes);
#endif
  return ~Crc32c::update(crc, bytes);
}

}  // namespace skein
