// Cuts requests out of what a client sent: RESP arrays of bulk strings, or inline lines.
//
// The parser never copies: arguments are views into the input. An incomplete request is
// remembered by positions, so that the owner may move its bytes to another buffer and go
// on when more have come, and no byte is looked at twice: what a receive costs does not grow
// with what came before it. Large arguments may lie beside the input (set_aside.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <skein/resp/set_aside.h>

namespace skein {

struct RequestLimits {
  std::uint64_t max_bulk = 512ULL * 1024 * 1024;  // proto-max-bulk-len
  // Until a client has authenticated it may send ten arguments of 16 KiB.
  bool unauthenticated = false;
};

using Arguments = std::vector<std::string_view>;

class RequestParser {
 public:
  enum class Status : std::uint8_t {
    kRequest,   // `arguments` holds one; consumed() bytes belong to it
    kNothing,   // an empty line or array; consumed() bytes to skip
    kNeedMore,  // incomplete: call again with the same bytes and more
    kError,     // error() is the reply; the connection closes after it
  };

  // An inline request's arguments live here and end with the next call: whoever parses a
  // pipeline ahead stops after one (was_inline). All others are views into `input`.
  //
  // `input` starts where the last request ended (or where this incomplete one began).
  // Arguments are appended to `arguments`; on anything but kRequest nothing is left there.
  Status parse(std::string_view input, const RequestLimits& limits, Arguments& arguments, SetAsides asides = {});

  // Forgets an incomplete request; the next call starts with its first byte again.
  void start_over();

  [[nodiscard]] std::size_t consumed() const { return position_; }
  // The whole error reply without `-`: "ERR Protocol error: ...".
  [[nodiscard]] const std::string& error() const { return *error_; }
  // After kNeedMore: how long the input must be at least for the next step to succeed, or 0.
  [[nodiscard]] std::size_t wanted() const { return wanted_; }
  // After kNeedMore: the argument whose bytes have not all come; its size is 0 if it waits for something else.
  struct Missing {
    std::size_t at = 0;
    std::size_t size = 0;
  };
  [[nodiscard]] Missing missing() const {
    return resumable_ && bulk_size_ > 0 ? Missing{position_, static_cast<std::size_t>(bulk_size_)} : Missing{};
  }
  // What it remembers of an incomplete request of many arguments takes so many bytes.
  [[nodiscard]] std::size_t memory() const {
    return pending_.capacity() > kKeptPending ? pending_.capacity() * sizeof(Pending) : 0;
  }
  [[nodiscard]] bool was_inline() const { return inline_; }
  [[nodiscard]] bool in_request() const { return resumable_; }

 private:
  static constexpr std::size_t kMaxInline = 64 * 1024;
  // Arguments of an incomplete request whose memory is kept for the next one.
  static constexpr std::size_t kKeptPending = 8;

  // An argument of an incomplete request: where it stands in the input, or, set aside, in memory.
  struct Pending {
    std::uint64_t place : 63;
    std::uint64_t aside : 1;
    std::size_t size;
  };

  Status parse_inline(std::string_view input, Arguments& arguments);
  Status parse_array(std::string_view input, const RequestLimits& limits, Arguments& arguments, SetAsides asides);
  void keep(std::string_view input, std::string_view argument, bool aside);
  Status suspend(std::string_view input, Arguments& arguments, std::size_t first, SetAsides asides);
  void complete(std::string_view input, Arguments& arguments);
  Status fail(Arguments& arguments, std::size_t first, std::string text);

  std::size_t position_ = 0;
  std::size_t wanted_ = 0;
  std::int64_t left_ = 0;        // arguments still to come
  std::int64_t bulk_size_ = -1;  // of the argument being read; -1: its head comes next
  bool resumable_ = false;
  bool inline_ = false;
  std::vector<Pending> pending_;  // arguments of an incomplete request
  // Rare, and every client has a parser.
  std::unique_ptr<std::vector<std::string>> inline_words_;  // unquoted words of an inline request
  std::unique_ptr<std::string> error_;
};

}  // namespace skein
