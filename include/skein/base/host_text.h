// How a host may be written, before anybody has tried to resolve it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace skein {

// As many as redis's buffers for one hold.
constexpr std::size_t kLongestHost = 255;

// No control bytes and no blanks: hosts stand in log lines, in INFO's fields, in nodes.conf and on the wire. No
// commas, which part the fields there. Whether there is such a host is another question.
[[nodiscard]] inline bool is_host_text(std::string_view text) {
  return !text.empty() && text.size() <= kLongestHost && std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' && byte != 0x7f && c != ',';
  });
}

// What the cluster bus has room for in a packet's header and in gossip, as redis 7.0 sends it: 46 bytes, the last a NUL.
inline constexpr std::size_t kMaxHostText = 45;

// An IPv4 or IPv6 address as text, and nothing else.
[[nodiscard]] bool is_ip_address(std::string_view text);

// What a node may announce as its address, and others write into their files, replies and commands: an IP address, or a
// name of letters, digits, hyphens, underscores and dots. A text that only looks like an address is no name: it was one
// before it was damaged.
[[nodiscard]] bool is_host(std::string_view text);

}  // namespace skein
