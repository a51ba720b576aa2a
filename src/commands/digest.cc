#include "digest.h"

#include <fmt/format.h>
#include <openssl/sha.h>

namespace skein {

namespace {

template <std::size_t N>
std::string to_hex(const std::array<std::uint8_t, N>& bytes) {
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

const unsigned char* raw(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// Numbers in the digest are 32 bits, high byte first.
std::array<char, 4> big_endian(std::uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
          static_cast<char>(number)};
}

void mix_number(Digest& digest, std::uint32_t number) {
  const auto bytes = big_endian(number);
  digest.mix({bytes.data(), bytes.size()});
}

}  // namespace

void Digest::add(std::string_view bytes) {
  std::array<std::uint8_t, 20> sum{};
  SHA1(raw(bytes), bytes.size(), sum.data());
  for (std::size_t i = 0; i < sum.size(); ++i) bytes_[i] ^= sum[i];
}

void Digest::mix(std::string_view bytes) {
  add(bytes);
  std::array<std::uint8_t, 20> sum{};
  SHA1(bytes_.data(), bytes_.size(), sum.data());
  bytes_ = sum;
}

std::string Digest::hex() const { return to_hex(bytes_); }

void mix_value(Digest& digest, const Entry& entry) {
  // The numbers of types are those of snapshots' and of ValueType alike.
  mix_number(digest, static_cast<std::uint32_t>(entry.type()));
  Entry::Scratch scratch;
  digest.mix(entry.bytes(scratch));
  if (entry.has_expiry()) digest.add("!!expire!!");
}

Digest digest_of(const Keyspace& keyspace) {
  Digest all;
  for (int i = 0; i < keyspace.count(); ++i) {
    const Database& db = keyspace.db(i);
    if (db.size() == 0) continue;
    mix_number(all, static_cast<std::uint32_t>(i));
    db.for_each([&](const Entry& entry) {
      Digest one;
      one.mix(entry.key());
      mix_value(one, entry);
      all.add(one);
    });
  }
  return all;
}

std::string sha256_hex(std::string_view text) {
  std::array<std::uint8_t, 32> sum{};
  SHA256(raw(text), text.size(), sum.data());
  return to_hex(sum);
}

}  // namespace skein
