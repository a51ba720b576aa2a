// Where each field lies in a packet: Redis 7.0's layout, pinned.
//
// All members are bytes, so the structs have no padding and may be laid over any address;
// numbers are big-endian.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace skein::wire {

template <std::size_t N>
using Bytes = std::array<char, N>;

struct Header {
  Bytes<4> signature;
  Bytes<4> total_length;
  Bytes<2> version;
  Bytes<2> port;
  Bytes<2> type;
  Bytes<2> count;
  Bytes<8> current_epoch;
  Bytes<8> config_epoch;
  Bytes<8> offset;
  Bytes<40> sender;
  Bytes<2048> slots;
  Bytes<40> replica_of;
  Bytes<46> ip;
  Bytes<2> extensions;
  Bytes<4> mark;      // the first eight of thirty reserved bytes are Skein's
  Bytes<4> checksum;
  Bytes<22> reserved;
  Bytes<2> plain_port;
  Bytes<2> bus_port;
  Bytes<2> flags;
  Bytes<1> state;
  Bytes<3> message_flags;
};
static_assert(sizeof(Header) == 2256);
static_assert(offsetof(Header, signature) == 0);
static_assert(offsetof(Header, total_length) == 4);
static_assert(offsetof(Header, version) == 8);
static_assert(offsetof(Header, port) == 10);
static_assert(offsetof(Header, type) == 12);
static_assert(offsetof(Header, count) == 14);
static_assert(offsetof(Header, current_epoch) == 16);
static_assert(offsetof(Header, config_epoch) == 24);
static_assert(offsetof(Header, offset) == 32);
static_assert(offsetof(Header, sender) == 40);
static_assert(offsetof(Header, slots) == 80);
static_assert(offsetof(Header, replica_of) == 2128);
static_assert(offsetof(Header, ip) == 2168);
static_assert(offsetof(Header, extensions) == 2214);
static_assert(offsetof(Header, mark) == 2216);
static_assert(offsetof(Header, checksum) == 2220);
static_assert(offsetof(Header, reserved) == 2224);
static_assert(offsetof(Header, plain_port) == 2246);
static_assert(offsetof(Header, bus_port) == 2248);
static_assert(offsetof(Header, flags) == 2250);
static_assert(offsetof(Header, state) == 2252);
static_assert(offsetof(Header, message_flags) == 2253);

struct Gossip {
  Bytes<40> id;
  Bytes<4> ping_sent;
  Bytes<4> pong_received;
  Bytes<46> ip;
  Bytes<2> port;
  Bytes<2> bus_port;
  Bytes<2> flags;
  Bytes<2> plain_port;
  Bytes<2> reserved;
};
static_assert(sizeof(Gossip) == 104);
static_assert(offsetof(Gossip, ping_sent) == 40);
static_assert(offsetof(Gossip, pong_received) == 44);
static_assert(offsetof(Gossip, ip) == 48);
static_assert(offsetof(Gossip, port) == 94);
static_assert(offsetof(Gossip, bus_port) == 96);
static_assert(offsetof(Gossip, flags) == 98);
static_assert(offsetof(Gossip, plain_port) == 100);

struct ExtensionHead {
  Bytes<4> length;  // of head and value, a multiple of eight
  Bytes<2> type;
  Bytes<2> unused;
};
static_assert(sizeof(ExtensionHead) == 8);

struct Forgotten {
  Bytes<40> id;
  Bytes<8> ban_seconds;
};
static_assert(sizeof(Forgotten) == 48);

// Behind it `count` slots of two bytes each.
struct OpenSlots {
  Bytes<40> other;
  Bytes<1> arrives;
  Bytes<3> unused;
  Bytes<4> count;
};
static_assert(sizeof(OpenSlots) == 48);

struct Update {
  Bytes<8> config_epoch;
  Bytes<40> node;
  Bytes<2048> slots;
};
static_assert(sizeof(Update) == 2096);

struct PublishHead {
  Bytes<4> channel_length;
  Bytes<4> message_length;
};
static_assert(sizeof(PublishHead) == 8);

struct ModuleHead {
  Bytes<8> module;
  Bytes<4> length;
  Bytes<1> type;
};
static_assert(sizeof(ModuleHead) == 13);

inline constexpr std::string_view kSignature = "RCmb";
inline constexpr std::string_view kSkeinMark = "SkCR";
inline constexpr std::uint16_t kVersion = 1;

// Skein's own have numbers far above those that Redis and Valkey give out in turn.
enum class Extension : std::uint16_t { kHostname = 0, kForgotten = 2, kOpenSlots = 0x5301 };

// Bits of the first message flag byte.
inline constexpr std::uint8_t kPaused = 1;
inline constexpr std::uint8_t kForceAck = 2;
inline constexpr std::uint8_t kExtensionData = 4;

template <std::size_t N>
std::uint64_t number(const Bytes<N>& bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

template <std::size_t N>
void set_number(Bytes<N>& bytes, std::uint64_t value) {
  for (std::size_t i = N; i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value & 0xff);
}

template <std::size_t N>
std::string_view text(const Bytes<N>& bytes) {
  return {bytes.data(), N};
}

// `value` must fit.
template <std::size_t N>
void set_text(Bytes<N>& bytes, std::string_view value) {
  std::copy(value.begin(), value.end(), bytes.begin());
}

// The struct at the start of `bytes`, which must be long enough.
template <typename T>
const T& view(std::string_view bytes) {
  static_assert(alignof(T) == 1);
  return *reinterpret_cast<const T*>(bytes.data());
}

}  // namespace skein::wire
