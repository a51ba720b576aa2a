// What may be taken for the name or address of a host before anybody has tried to resolve it.
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

}  // namespace skein
