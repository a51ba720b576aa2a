// What is known about a node, as the bits the bus carries and the words CLUSTER NODES shows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <skein/base/result.h>

namespace skein {

enum class NodeFlag : std::uint16_t {
  kPrimary = 1,
  kReplica = 2,
  kPfail = 4,        // this node suspects it
  kFail = 8,         // most primaries agree that it is down
  kMyself = 16,
  kHandshake = 32,   // met, but its first PONG has not come
  kNoAddress = 64,   // where it listens is not known
  kMeet = 128,       // its first packet is to be a MEET
  kMigrateTo = 256,  // had replicas, so it may be given an orphaned one
  kNoFailover = 512  // a replica that stands for no election
};

class NodeFlags {
 public:
  constexpr NodeFlags() = default;
  constexpr NodeFlags(NodeFlag flag) : bits_(static_cast<std::uint16_t>(flag)) {}  // NOLINT(google-explicit-constructor)
  // Bits this version does not know are left out.
  static constexpr NodeFlags from_wire(std::uint16_t bits) {
    NodeFlags flags;
    flags.bits_ = bits & kKnownBits;
    return flags;
  }

  [[nodiscard]] constexpr std::uint16_t wire() const { return bits_; }
  [[nodiscard]] constexpr bool has(NodeFlag flag) const { return (bits_ & static_cast<std::uint16_t>(flag)) != 0; }
  [[nodiscard]] constexpr bool has_any(NodeFlags others) const { return (bits_ & others.bits_) != 0; }

  constexpr NodeFlags& set(NodeFlags others) {
    bits_ |= others.bits_;
    return *this;
  }
  constexpr NodeFlags& clear(NodeFlags others) {
    bits_ &= static_cast<std::uint16_t>(~others.bits_);
    return *this;
  }

  friend constexpr NodeFlags operator|(NodeFlags a, NodeFlags b) { return a.set(b); }
  friend constexpr bool operator==(NodeFlags, NodeFlags) = default;

 private:
  static constexpr std::uint16_t kKnownBits = 0x3ff;
  std::uint16_t bits_ = 0;
};

constexpr NodeFlags operator|(NodeFlag a, NodeFlag b) { return NodeFlags(a) | NodeFlags(b); }

// "myself,master", "slave,fail?", "noflags": the flags CLUSTER NODES shows, in redis's order.
[[nodiscard]] std::string format_node_flags(NodeFlags flags);
// The same words back. Refuses a word it does not know.
[[nodiscard]] Result<NodeFlags> parse_node_flags(std::string_view text);

}  // namespace skein
