// Short forms for what specs declare: elements of a grammar, key uses that come up often.
#pragma once

#include <string_view>

#include <skein/command/spec.h>

namespace skein {

constexpr ArgSpec key_arg(std::string_view name = "key", int key_spec = 0) {
  return {.name = name, .type = ArgType::kKey, .key_spec = key_spec};
}
constexpr ArgSpec text_arg(std::string_view name, std::string_view token = {}) {
  return {.name = name, .type = ArgType::kString, .token = token};
}
constexpr ArgSpec int_arg(std::string_view name, std::string_view token = {}) {
  return {.name = name, .type = ArgType::kInteger, .token = token};
}
constexpr ArgSpec time_arg(std::string_view name, std::string_view token = {}) {
  return {.name = name, .type = ArgType::kUnixTime, .token = token};
}
constexpr ArgSpec pattern_arg(std::string_view name, std::string_view token = {}) {
  return {.name = name, .type = ArgType::kPattern, .token = token};
}
// A word that stands for itself.
constexpr ArgSpec word_arg(std::string_view name, std::string_view token) {
  return {.name = name, .type = ArgType::kPureToken, .token = token};
}
constexpr ArgSpec one_of(std::string_view name, std::span<const ArgSpec> choices) {
  return {.name = name, .type = ArgType::kOneOf, .arguments = choices};
}
constexpr ArgSpec block_arg(std::string_view name, std::span<const ArgSpec> parts) {
  return {.name = name, .type = ArgType::kBlock, .arguments = parts};
}

constexpr ArgSpec optional(ArgSpec arg) {
  arg.flags |= arg_flag::kOptional;
  return arg;
}
constexpr ArgSpec multiple(ArgSpec arg) {
  arg.flags |= arg_flag::kMultiple;
  return arg;
}
constexpr ArgSpec since(std::string_view version, ArgSpec arg) {
  arg.since = version;
  return arg;
}

}  // namespace skein
