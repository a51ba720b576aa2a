// The kinds of packet on the cluster bus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace skein {

enum class MessageType : std::uint16_t {
  kPing = 0,
  kPong = 1,
  kMeet = 2,
  kFail = 3,
  kPublish = 4,
  kAuthRequest = 5,
  kAuthAck = 6,
  kUpdate = 7,
  kMfStart = 8,
  kModule = 9,
  kPublishShard = 10
};
inline constexpr std::size_t kMessageTypes = 11;

// Those that carry gossip.
[[nodiscard]] constexpr bool is_heartbeat(MessageType type) {
  return type == MessageType::kPing || type == MessageType::kPong || type == MessageType::kMeet;
}

// As CLUSTER INFO counts them: "ping", "auth-req", "publishshard"...
[[nodiscard]] std::string_view message_type_name(MessageType type);

}  // namespace skein
