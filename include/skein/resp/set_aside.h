// A large argument that is not in the input: it is received into memory of its own, and in
// the input only its head and the end of its line are left.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include <skein/base/owned_bytes.h>

namespace skein {

struct SetAside {
  std::size_t at = 0;        // where in the input its first byte would stand
  std::size_t size = 0;      // as its head announces it
  std::size_t received = 0;
  OwnedBytes bytes;          // grows as bytes come; empty once somebody has taken them
  [[nodiscard]] bool complete() const { return received == size; }
  [[nodiscard]] std::string_view view() const { return {bytes.data(), received}; }
};

// Those of an input that begins `origin` bytes before the part that is parsed, in the order of their places.
struct SetAsides {
  std::span<const SetAside> list;
  std::size_t origin = 0;
  [[nodiscard]] const SetAside* find(std::size_t position) const {
    const auto found = std::lower_bound(list.begin(), list.end(), origin + position,
                                        [](const SetAside& each, std::size_t at) { return each.at < at; });
    return found != list.end() && found->at == origin + position ? &*found : nullptr;
  }
};

}  // namespace skein
