// DEBUG DIGEST's arithmetic: equal data gives equal digests on every server that computes
// it, whatever the order of keys.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <skein/keyspace/keyspace.h>

namespace skein {

class Digest {
 public:
  // Order does not matter: for the members of an unordered collection.
  void add(std::string_view bytes);
  // Order matters.
  void mix(std::string_view bytes);
  void add(const Digest& other) { add(other.view()); }
  [[nodiscard]] std::string hex() const;

 private:
  [[nodiscard]] std::string_view view() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
  std::array<std::uint8_t, 20> bytes_{};
};

// Of a value with its expiry, without its key.
void mix_value(Digest& digest, const Entry& entry);
// Of everything.
[[nodiscard]] Digest digest_of(const Keyspace& keyspace);

// SHA-256 as 64 lower-case characters: how passwords are shown.
[[nodiscard]] std::string sha256_hex(std::string_view text);

}  // namespace skein
