// The numbers and names of the cluster protocol as types of their own, so that an offset
// cannot be passed for an epoch.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace skein {

inline constexpr std::uint16_t kSlotCount = 16384;

// One of the 16,384 hash slots.
struct Slot {
  std::uint16_t value = 0;
  friend constexpr auto operator<=>(Slot, Slot) = default;
};

// The cluster's logical clock: current epoch, or the version of one primary's claim.
struct Epoch {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(Epoch, Epoch) = default;
  [[nodiscard]] constexpr Epoch next() const { return {value + 1}; }
};

// A place in a replication history: how many bytes of it lie before. PSYNC's numbers are
// one more, as they name the next byte.
struct ReplOffset {
  std::int64_t value = 0;
  friend constexpr auto operator<=>(ReplOffset, ReplOffset) = default;
  friend constexpr ReplOffset operator+(ReplOffset at, std::int64_t bytes) { return {at.value + bytes}; }
  friend constexpr std::int64_t operator-(ReplOffset a, ReplOffset b) { return a.value - b.value; }
};

// 40 lower-case hexadecimal characters. All zeros stands for none.
template <typename Tag>
class HexId {
 public:
  static constexpr std::size_t kSize = 40;

  constexpr HexId() { chars_.fill('0'); }

  // Nothing unless `text` is exactly 40 of 0-9 and a-f.
  static std::optional<HexId> parse(std::string_view text) {
    if (text.size() != kSize) return std::nullopt;
    HexId id;
    for (std::size_t i = 0; i < kSize; ++i) {
      const char c = text[i];
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return std::nullopt;
      id.chars_[i] = c;
    }
    return id;
  }

  [[nodiscard]] std::string_view view() const { return {chars_.data(), kSize}; }
  [[nodiscard]] std::string str() const { return std::string(view()); }
  [[nodiscard]] bool is_none() const { return *this == HexId{}; }

  friend auto operator<=>(const HexId&, const HexId&) = default;

 private:
  std::array<char, kSize> chars_;
};

// A node's name for life.
using NodeId = HexId<struct NodeIdTag>;

// The name of one history of writes: all who have it at the same offset hold the same data.
using ReplicationId = HexId<struct ReplicationIdTag>;

}  // namespace skein

template <typename Tag>
struct std::hash<skein::HexId<Tag>> {
  std::size_t operator()(const skein::HexId<Tag>& id) const noexcept {
    return std::hash<std::string_view>{}(id.view());
  }
};
