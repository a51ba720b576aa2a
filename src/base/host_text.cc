#include <skein/base/host_text.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace skein {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

bool is_number(std::string_view label) { return !label.empty() && std::all_of(label.begin(), label.end(), is_digit); }

// Its last part is a number, which resolvers take for an address, or its first two are.
bool looks_like_an_address(std::string_view text) {
  if (is_number(text.substr(text.rfind('.') + 1))) return true;
  const auto first = text.find('.');
  if (first == std::string_view::npos) return false;
  const auto second = text.substr(first + 1);
  return is_number(text.substr(0, first)) && is_number(second.substr(0, second.find('.')));
}

}  // namespace

bool is_ip_address(std::string_view text) {
  // What follows a zero byte would not be looked at.
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return false;
  std::array<char, INET6_ADDRSTRLEN> name{};
  std::copy(text.begin(), text.end(), name.begin());
  std::array<char, sizeof(in6_addr)> address;
  return inet_pton(AF_INET, name.data(), address.data()) == 1 || inet_pton(AF_INET6, name.data(), address.data()) == 1;
}

bool is_host(std::string_view text) {
  if (is_ip_address(text)) return true;
  // A hyphen in front would be an option of the commands that cures consist of.
  if (text.empty() || text.size() > kMaxHostText || text.front() == '-') return false;
  return std::all_of(text.begin(), text.end(), is_name_character) && !looks_like_an_address(text);
}

}  // namespace skein
