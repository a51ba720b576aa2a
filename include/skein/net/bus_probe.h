// One question on somebody else's bus, and where this node can be reached: what a node
// finds out before it serves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <skein/base/time.h>

namespace skein {

struct BusQuestion {
  std::string host;  // an IP address, or a name that is looked up
  std::uint16_t port = 0;
  std::string source_address;  // bind-source-addr; empty: the system's choice
  std::string packet;
  milliseconds timeout{1000};
};

// Sends the packet and waits for one in return; blocks, for twice the timeout where a name is to be looked up. Nothing
// when none comes in time.
[[nodiscard]] std::optional<std::string> ask_bus(const BusQuestion& question);

// The addresses of this machine that listening on `bind` means: those named, or those of
// all interfaces for "*" and "::*".
[[nodiscard]] std::vector<std::string> listening_ips(const std::vector<std::string>& bind);

}  // namespace skein
