#include <skein/cluster/topology/slot_bitmap.h>

#include <algorithm>
#include <iterator>

#include <skein/base/assert.h>

namespace skein {

namespace {

static_assert(std::endian::native == std::endian::little, "words of a bitmap are compared as little-endian");

constexpr std::size_t kWords = SlotBitmap::kBytes / 8;

std::uint64_t word_at(std::string_view wire, std::size_t index) {
  std::uint64_t word;
  std::memcpy(&word, wire.data() + index * 8, 8);
  return word;
}

// The first slot at or after `from` whose bit equals `wanted`; kSlotCount when none is left.
std::size_t find_bit(std::string_view wire, std::size_t from, bool wanted) {
  std::size_t index = from / 64;
  if (index >= kWords) return kSlotCount;
  const std::uint64_t flip = wanted ? 0 : ~std::uint64_t{0};
  std::uint64_t word = (word_at(wire, index) ^ flip) & (~std::uint64_t{0} << (from % 64));
  while (word == 0) {
    if (++index == kWords) return kSlotCount;
    word = word_at(wire, index) ^ flip;
  }
  return index * 64 + static_cast<std::size_t>(std::countr_zero(word));
}

}  // namespace

SlotBitmap SlotBitmap::from_wire(std::string_view wire) {
  SKEIN_ASSERT(wire.size() == kBytes);
  SlotBitmap bitmap;
  std::memcpy(bitmap.bytes_.data(), wire.data(), kBytes);
  return bitmap;
}

std::size_t SlotBitmap::count() const {
  std::size_t total = 0;
  for (std::size_t i = 0; i < kWords; ++i) total += static_cast<std::size_t>(std::popcount(word_at(wire(), i)));
  return total;
}

SlotRuns::SlotRuns(std::string_view wire) {
  SKEIN_ASSERT(wire.size() == SlotBitmap::kBytes);
  std::size_t first = find_bit(wire, 0, true);
  while (first < kSlotCount) {
    const std::size_t end = find_bit(wire, first, false);
    ranges_.emplace_back(Slot{static_cast<std::uint16_t>(first)}, Slot{static_cast<std::uint16_t>(end - 1)});
    first = find_bit(wire, end, true);
  }
}

bool SlotRuns::has(Slot slot) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), slot,
                                      [](Slot at, const std::pair<Slot, Slot>& run) { return at < run.first; });
  return after != ranges_.begin() && slot <= std::prev(after)->second;
}

bool SlotRuns::equals(std::string_view wire) const {
  SKEIN_ASSERT(wire.size() == SlotBitmap::kBytes);
  std::size_t position = 0;
  for (const auto& [first, last] : ranges_) {
    if (find_bit(wire, position, true) != first.value) return false;
    position = find_bit(wire, first.value, false);
    if (position != std::size_t{last.value} + 1) return false;
  }
  return find_bit(wire, position, true) == kSlotCount;
}

}  // namespace skein
