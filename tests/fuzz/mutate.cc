#include "mutate.h"

#include <algorithm>
#include <array>

namespace skein::fuzz {

namespace {

// So that copies of copies do not grow without end.
constexpr std::size_t kLongest = 80UL * 1024;

constexpr std::array<std::string_view, 15> kEdgeNumbers{
    "0", "-1", "1", "10", "127", "256", "16383", "16384", "65536", "2147483647", "-2147483648", "4294967296",
    "9223372036854775807", "-9223372036854775808", "18446744073709551616"};

constexpr std::array<std::string_view, 24> kWords{
    "\r\n", "\n", " ", "\"", "'", "\\", "\\x", "#", "*", "$", "[", "]", ",", "-", "%", "yes", "include ", "KEYS",
    "STORE", "STREAMS", "NUMKEYS", "myself", "slave", "[5->-"};

std::size_t place(std::string_view bytes, Random& random) { return random.below(bytes.size() + 1); }

void change_byte(std::string& bytes, Random& random) {
  if (bytes.empty()) return;
  const std::size_t at = random.below(bytes.size());
  constexpr std::string_view kEdges("\0\1\x7f\x80\xff\n\r ", 8);
  const char edge = kEdges[random.below(kEdges.size())];
  bytes[at] = random.one_in(2) ? edge : static_cast<char>(bytes[at] ^ (1 << random.below(8)));
}

void erase_range(std::string& bytes, Random& random) {
  const std::size_t at = place(bytes, random);
  bytes.erase(at, 1 + random.below(random.one_in(4) ? bytes.size() + 1 : 8));
}

void repeat_range(std::string& bytes, Random& random) {
  const std::size_t at = place(bytes, random);
  const std::string range = bytes.substr(at, 1 + random.below(random.one_in(4) ? bytes.size() + 1 : 16));
  bytes.insert(place(bytes, random), range);
}

void insert_word(std::string& bytes, Random& random) {
  bytes.insert(place(bytes, random), kWords[random.below(kWords.size())]);
}

// Puts an edge where a number stands, or anywhere when there is none.
void change_number(std::string& bytes, Random& random) {
  const auto number = kEdgeNumbers[random.below(kEdgeNumbers.size())];
  const std::size_t first = bytes.find_first_of("0123456789", place(bytes, random));
  if (first == std::string::npos) {
    bytes.insert(place(bytes, random), number);
    return;
  }
  const std::size_t end = std::min(bytes.find_first_not_of("0123456789", first), bytes.size());
  bytes.replace(first, end - first, number);
}

void take_from(std::string& bytes, std::string_view other, Random& random) {
  const std::size_t from = place(other, random);
  const auto part = other.substr(from, 1 + random.below(other.size() + 1));
  if (random.one_in(2)) {
    bytes.insert(place(bytes, random), part);
  } else {
    const std::size_t at = place(bytes, random);
    bytes.replace(at, std::min(part.size(), bytes.size() - at), part);
  }
}

// A big-endian number of the bus.
void change_binary_number(std::string& bytes, Random& random) {
  constexpr std::array<std::uint64_t, 8> kEdges{0, 1, 2, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, ~0ULL};
  const std::size_t width = std::size_t{1} << random.below(4);
  if (bytes.size() < width) return;
  const std::size_t at = random.below(bytes.size() - width + 1);
  std::uint64_t value = kEdges[random.below(kEdges.size())];
  for (std::size_t i = width; i-- > 0; value >>= 8) bytes[at + i] = static_cast<char>(value & 0xff);
}

}  // namespace

std::string mutate(std::string_view input, std::string_view other, Random& random) {
  std::string bytes(input);
  for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
    switch (random.below(8)) {
      case 0:
      case 1: change_byte(bytes, random); break;
      case 2: erase_range(bytes, random); break;
      case 3: repeat_range(bytes, random); break;
      case 4: insert_word(bytes, random); break;
      case 5: change_number(bytes, random); break;
      case 6: take_from(bytes, other, random); break;
      default: change_binary_number(bytes, random); break;
    }
  }
  if (bytes.size() > kLongest) bytes.resize(kLongest);
  return bytes;
}

}  // namespace skein::fuzz
