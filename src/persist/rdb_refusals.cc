#include "rdb_refusals.h"

#include <algorithm>

#include <fmt/format.h>

#include <skein/base/text.h>

namespace skein::rdb {

namespace {

constexpr std::string_view kValkeyMagic = "VALKEY";

std::string refuse_unbuilt(const Framer& framer, std::string_view record, std::uint64_t offset) {
  Scratch scratch;
  Reader reader(record.substr(1, framer.value_at() - 1), scratch);
  const auto key = reader.text();
  const TypeRow& type = *framer.type();
  return fmt::format("RDB file, at offset {}: key {} is of type {} ({}), which is not supported", offset,
                     key ? show_key(*key) : "that cannot be read", type.type, type.name);
}

}  // namespace

Result<int> judge_header(std::string_view header) {
  const bool valkey = header.starts_with(kValkeyMagic);
  if (!valkey && !header.starts_with(kMagic)) {
    return Error("RDB file, at offset 0: it does not begin with REDIS and a version");
  }
  int version = 0;
  const std::size_t digits_at = valkey ? kValkeyMagic.size() : kMagic.size();
  for (const char digit : header.substr(digits_at)) {
    if (digit < '0' || digit > '9') {
      return Error(fmt::format("RDB file, at offset {}: there is no version where one belongs", digits_at));
    }
    version = version * 10 + (digit - '0');
  }
  if (valkey || version < kOldestVersion || version > kNewestVersion) {
    return Error(fmt::format("RDB file, at offset {}: version {}{} is not supported, those from {} to {} are", digits_at,
                             valkey ? "of Valkey " : "", version, kOldestVersion, kNewestVersion));
  }
  return version;
}

bool names_a_version(std::string_view header) {
  std::string_view digits;
  for (const std::string_view magic : {kValkeyMagic, std::string_view(kMagic)}) {
    if (header.starts_with(magic)) digits = header.substr(magic.size());
  }
  return !digits.empty() && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string show_key(std::string_view key) {
  constexpr std::size_t kShown = 128;
  return quote(key.substr(0, kShown)) + (key.size() > kShown ? "..." : "");
}

std::string refuse_record(const Framer& framer, Framer::Look look, std::string_view record, std::uint64_t offset) {
  const auto code = static_cast<std::uint8_t>(record[0]);
  switch (look) {
    case Framer::Look::kUnknown:
      return fmt::format("RDB file, at offset {}: {} is neither a type nor an opcode that is supported", offset, code);
    case Framer::Look::kNotBuilt: return refuse_unbuilt(framer, record, offset);
    default: break;
  }
  const TypeRow* type = framer.type();
  return fmt::format("RDB file, at offset {}: damaged, in {} that begins at {}", offset + framer.extent().at,
                     type != nullptr ? fmt::format("a key or value of type {} ({})", type->type, type->name)
                                     : fmt::format("{}", opcode_name(code)),
                     offset);
}

std::string refuse_value(const TypeRow& type, std::string_view key, std::string_view problem) {
  return fmt::format("key {} of type {} ({}): {}", show_key(key), type.type, type.name, problem);
}

std::string refuse_module(std::uint64_t id) {
  // Nine characters of six bits each above ten bits of version.
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string name;
  for (int shift = 58; shift >= 10; shift -= 6) name.push_back(kAlphabet[(id >> shift) & 63]);
  return fmt::format("data of the module type {}, and modules are not supported", quote(name));
}

}  // namespace skein::rdb
