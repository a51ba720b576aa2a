// The request parser gives the same requests however the bytes arrive, and keeps its limits.
#include <skein/base/checksums.h>
#include <skein/base/random.h>
#include <skein/resp/request_parser.h>

#include <algorithm>
#include <vector>

#include "targets.h"

namespace skein::fuzz {

namespace {

using Status = RequestParser::Status;

// Beyond this it matters how much of an endless line has come when it is given up.
constexpr std::size_t kLongLine = 64UL * 1024;

struct Outcome {
  std::vector<std::vector<std::string>> requests;
  std::string error;
  std::size_t consumed = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void check_request(const RequestParser& parser, const RequestLimits& limits, const Arguments& arguments,
                   std::string_view input) {
  expect(!arguments.empty(), "a request has at least one word");
  expect(parser.consumed() > 0 && parser.consumed() <= input.size(), "a request takes what has come");
  if (parser.was_inline()) return;
  expect(!limits.unauthenticated || arguments.size() <= 10, "ten arguments before AUTH");
  for (const auto argument : arguments) {
    expect(argument.size() <= limits.max_bulk, "no bulk beyond the limit");
    expect(!limits.unauthenticated || argument.size() <= 16 * 1024, "16 KiB an argument before AUTH");
    expect(argument.data() >= input.data() && argument.data() + argument.size() <= input.data() + input.size(),
           "arguments lie in the input");
  }
}

// Feeds `input` in pieces of `next_piece()` bytes, each time in another place of memory.
template <typename NextPiece>
Outcome parse_all(std::string_view input, const RequestLimits& limits, NextPiece&& next_piece) {
  Outcome outcome;
  RequestParser parser;
  std::string waiting;
  for (std::size_t taken = 0; taken < input.size();) {
    const std::size_t piece = std::min<std::size_t>(std::max<std::size_t>(next_piece(), 1), input.size() - taken);
    waiting += input.substr(taken, piece);
    taken += piece;
    const ExactBytes buffer(waiting);
    std::string_view rest = buffer.view();
    while (!rest.empty()) {
      Arguments arguments;
      const Status status = parser.parse(rest, limits, arguments);
      if (status != Status::kRequest) expect(arguments.empty(), "arguments of a request only");
      if (status == Status::kError) {
        expect(parser.error().starts_with("ERR Protocol error: "), "the error is a whole reply");
        outcome.error = parser.error();
        return outcome;
      }
      if (status == Status::kNeedMore) {
        expect(parser.wanted() == 0 || parser.wanted() > rest.size(), "more is wanted than there is");
        break;
      }
      if (status == Status::kRequest) {
        check_request(parser, limits, arguments, rest);
        outcome.requests.emplace_back(arguments.begin(), arguments.end());
      }
      expect(parser.consumed() > 0 && parser.consumed() <= rest.size(), "progress, and not beyond the end");
      outcome.consumed += parser.consumed();
      rest.remove_prefix(parser.consumed());
    }
    waiting.assign(rest);
  }
  return outcome;
}

void check_splits(std::string_view bytes, const RequestLimits& limits) {
  const Outcome whole = parse_all(bytes, limits, [&] { return bytes.size(); });
  Random random(crc64(0, bytes));
  for (int i = 0; i < 2; ++i) {
    const std::uint64_t longest = i == 0 ? 7 : 1 + bytes.size() / 2;
    if (bytes.size() / longest > 4096) continue;  // work grows with the pieces
    const Outcome split = parse_all(bytes, limits, [&] { return 1 + random.below(longest); });
    expect(bytes.size() > kLongLine || split == whole, "the same requests however they arrive");
  }
}

}  // namespace

void fuzz_resp(Input input) {
  const std::string_view bytes = text_of(input);
  check_splits(bytes, {});
  check_splits(bytes, {.unauthenticated = true});
  check_splits(bytes, {.max_bulk = 64});
}

}  // namespace skein::fuzz
