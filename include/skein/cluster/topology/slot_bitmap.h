// A set of slots in the form the bus carries: slot s is bit s % 8 of byte s / 8.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include <skein/base/ids.h>

namespace skein {

class SlotBitmap {
 public:
  static constexpr std::size_t kBytes = kSlotCount / 8;

  constexpr SlotBitmap() = default;
  // `wire` holds kBytes bytes.
  static SlotBitmap from_wire(std::string_view wire);

  [[nodiscard]] bool has(Slot slot) const { return (bytes_[slot.value / 8] >> (slot.value % 8) & 1) != 0; }
  void set(Slot slot) { bytes_[slot.value / 8] |= static_cast<std::uint8_t>(1u << (slot.value % 8)); }
  void reset(Slot slot) { bytes_[slot.value / 8] &= static_cast<std::uint8_t>(~(1u << (slot.value % 8))); }
  [[nodiscard]] std::size_t count() const;
  [[nodiscard]] bool empty() const { return count() == 0; }
  [[nodiscard]] std::string_view wire() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

  // Calls `visit(Slot)` for every member, rising. Empty stretches cost an eighth of a step a slot.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t byte = 0; byte < kBytes; ++byte) {
      for (unsigned bits = bytes_[byte]; bits != 0; bits &= bits - 1) {
        visit(Slot{static_cast<std::uint16_t>(byte * 8 + static_cast<unsigned>(std::countr_zero(bits)))});
      }
    }
  }

  friend bool operator==(const SlotBitmap&, const SlotBitmap&) = default;

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

// A bitmap kept small: its unbroken runs, first and last. Comparing one with the bytes of a
// header costs less than expanding them, and a thousand of them fit where a thousand
// bitmaps do not.
class SlotRuns {
 public:
  SlotRuns() = default;
  explicit SlotRuns(std::string_view wire);
  [[nodiscard]] bool equals(std::string_view wire) const;
  [[nodiscard]] bool has(Slot slot) const;
  [[nodiscard]] const std::vector<std::pair<Slot, Slot>>& ranges() const { return ranges_; }

 private:
  std::vector<std::pair<Slot, Slot>> ranges_;
};

}  // namespace skein
