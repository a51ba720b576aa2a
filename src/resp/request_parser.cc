#include <skein/resp/request_parser.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include <skein/base/text.h>

namespace skein {

namespace {

constexpr std::int64_t kUnauthenticatedArguments = 10;
constexpr std::int64_t kUnauthenticatedBulk = 16 * 1024;

// The number between the type byte and the carriage return. Short ones, nearly all there
// are, take a few steps without a call.
std::optional<std::int64_t> parse_length(const char* at, const char* end) {
  const auto size = static_cast<std::size_t>(end - at);
  if (size >= 1 && size <= 4 && *at != '0') {
    std::int64_t value = 0;
    for (; at != end; ++at) {
      const auto digit = static_cast<unsigned>(*at - '0');
      if (digit > 9) return parse_int64({end - size, size});
      value = value * 10 + digit;
    }
    return value;
  }
  return parse_int64({at, size});
}

// "$5\r\n", "*3\r\n" and "$16\r\n", which nearly all heads are, without a search.
struct ShortHead {
  std::int64_t value = 0;
  std::size_t size = 0;  // of the head; 0: not so short, or not complete
};
ShortHead short_head(const char* at, std::size_t rest) {
  if (rest < 5) return {};
  const auto first = static_cast<unsigned>(at[1] - '0');
  if (first > 9) return {};
  if (at[2] == '\r') return {first, 4};
  const auto second = static_cast<unsigned>(at[2] - '0');
  if (first == 0 || second > 9 || at[3] != '\r') return {};
  return {first * 10 + second, 5};
}

// Redis looks for a line's end as C strings are searched: a zero byte hides what follows
// it, and such a line never ends.
bool never_ends(const char* at, const char* end) {
  return std::memchr(at, '\0', static_cast<std::size_t>(end - at)) != nullptr;
}

}  // namespace

void RequestParser::start_over() {
  position_ = 0;
  left_ = 0;
  bulk_size_ = -1;
  resumable_ = false;
  pending_.clear();
  if (pending_.capacity() > kKeptPending) std::vector<Pending>().swap(pending_);
}

RequestParser::Status RequestParser::parse(std::string_view input, const RequestLimits& limits,
                                           Arguments& arguments, SetAsides asides) {
  wanted_ = 0;
  if (!resumable_) {
    position_ = 0;
    bulk_size_ = -1;
    left_ = 0;
    if (input.empty()) return Status::kNeedMore;
    inline_ = input[0] != '*';
    if (inline_) return parse_inline(input, arguments);
  }
  return parse_array(input, limits, arguments, asides);
}

void RequestParser::keep(std::string_view input, std::string_view argument, bool aside) {
  if (pending_.capacity() == 0) pending_.reserve(kKeptPending);
  const std::uint64_t place = aside ? reinterpret_cast<std::uintptr_t>(argument.data())
                                    : static_cast<std::uint64_t>(argument.data() - input.data());
  pending_.push_back({.place = place & (UINT64_MAX >> 1), .aside = aside ? 1U : 0U, .size = argument.size()});
}

// The first time, what was found so far is remembered; later on arguments are as they are found, so that each
// is touched twice however many pieces the request comes in.
RequestParser::Status RequestParser::suspend(std::string_view input, Arguments& arguments, std::size_t first,
                                             SetAsides asides) {
  if (!resumable_) {
    for (std::size_t i = first; i < arguments.size(); ++i) {
      const std::string_view argument = arguments[i];
      const bool aside = !asides.list.empty() && (argument.data() < input.data() || argument.data() >= input.data() + input.size());
      keep(input, argument, aside);
    }
    arguments.resize(first);
    resumable_ = true;
  }
  return Status::kNeedMore;
}

void RequestParser::complete(std::string_view input, Arguments& arguments) {
  arguments.reserve(arguments.size() + pending_.size());
  for (const Pending& each : pending_) {
    const char* const at = each.aside != 0 ? reinterpret_cast<const char*>(static_cast<std::uintptr_t>(each.place))
                                           : input.data() + each.place;
    arguments.emplace_back(at, each.size);
  }
}

RequestParser::Status RequestParser::fail(Arguments& arguments, std::size_t first, std::string text) {
  arguments.resize(first);
  start_over();
  error_ = std::make_unique<std::string>("ERR Protocol error: " + text);
  return Status::kError;
}

RequestParser::Status RequestParser::parse_array(std::string_view input, const RequestLimits& limits,
                                                 Arguments& arguments, SetAsides asides) {
  const std::size_t first = arguments.size();
  const char* const data = input.data();
  if (position_ == 0) {
    const ShortHead head = short_head(data, input.size());
    if (head.size == 4 && head.value > 0) {
      position_ = head.size;
      left_ = head.value;
    }
  }
  if (position_ == 0) {
    const auto* end = static_cast<const char*>(std::memchr(data, '\r', input.size()));
    const auto count = end != nullptr ? parse_length(data + 1, end) : std::nullopt;
    if (end == nullptr || (!count && never_ends(data, end))) {
      if (input.size() > kMaxInline) return fail(arguments, first, "too big mbulk count string");
      return Status::kNeedMore;
    }
    if (static_cast<std::size_t>(end - data) + 2 > input.size()) return Status::kNeedMore;
    if (!count || *count > INT_MAX) return fail(arguments, first, "invalid multibulk length");
    if (*count > kUnauthenticatedArguments && limits.unauthenticated) {
      return fail(arguments, first, "unauthenticated multibulk length");
    }
    position_ = static_cast<std::size_t>(end - data) + 2;
    if (*count <= 0) return Status::kNothing;
    left_ = *count;
  }
  while (left_ > 0) {
    if (bulk_size_ < 0 && position_ < input.size() && data[position_] == '$') {
      const ShortHead head = short_head(data + position_, input.size() - position_);
      if (head.size != 0 && static_cast<std::uint64_t>(head.value) <= limits.max_bulk) {
        bulk_size_ = head.value;
        position_ += head.size;
      }
    }
    if (bulk_size_ < 0) {
      const std::size_t rest = input.size() - position_;
      const char* const at = data + position_;
      const auto* end = rest == 0 ? nullptr : static_cast<const char*>(std::memchr(at, '\r', std::min<std::size_t>(rest, 32)));
      if (end == nullptr && rest > 32) end = static_cast<const char*>(std::memchr(at, '\r', rest));
      const auto size = end != nullptr && *at == '$' ? parse_length(at + 1, end) : std::nullopt;
      if (end == nullptr || (!size && never_ends(at, end))) {
        if (rest > kMaxInline) return fail(arguments, first, "too big bulk count string");
        return suspend(input, arguments, first, asides);
      }
      if (static_cast<std::size_t>(end - at) + 2 > rest) return suspend(input, arguments, first, asides);
      if (*at != '$') return fail(arguments, first, std::string("expected '$', got '") + *at + "'");
      if (!size || *size < 0 || static_cast<std::uint64_t>(*size) > limits.max_bulk) {
        return fail(arguments, first, "invalid bulk length");
      }
      if (*size > kUnauthenticatedBulk && limits.unauthenticated) {
        return fail(arguments, first, "unauthenticated bulk length");
      }
      bulk_size_ = *size;
      position_ += static_cast<std::size_t>(end - at) + 2;
    }
    const auto size = static_cast<std::size_t>(bulk_size_);
    const SetAside* const aside = asides.list.empty() ? nullptr : asides.find(position_);
    // In the input then only the line's end is left of it.
    const std::size_t here = aside == nullptr ? size : 0;
    if (input.size() - position_ < here + 2 || (aside != nullptr && !aside->complete())) {
      wanted_ = position_ + here + 2;
      return suspend(input, arguments, first, asides);
    }
    const std::string_view argument = aside == nullptr ? std::string_view{data + position_, size} : aside->view();
    if (resumable_) {
      keep(input, argument, aside != nullptr);
    } else {
      arguments.push_back(argument);
    }
    position_ += here + 2;
    bulk_size_ = -1;
    --left_;
  }
  const std::size_t consumed = position_;
  if (resumable_) {
    complete(input, arguments);
    start_over();
  }
  position_ = consumed;
  return Status::kRequest;
}

RequestParser::Status RequestParser::parse_inline(std::string_view input, Arguments& arguments) {
  const std::size_t first = arguments.size();
  const std::size_t newline = input.find('\n');
  if (newline == std::string_view::npos || never_ends(input.data(), input.data() + newline)) {
    if (input.size() > kMaxInline) return fail(arguments, first, "too big inline request");
    return Status::kNeedMore;
  }
  std::string_view line = input.substr(0, newline);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  auto words = split_words(line);
  if (!words) return fail(arguments, first, "unbalanced quotes in request");
  position_ = newline + 1;
  if (words->empty()) return Status::kNothing;
  inline_words_ = std::make_unique<std::vector<std::string>>(std::move(*words));
  for (const auto& word : *inline_words_) arguments.emplace_back(word);
  return Status::kRequest;
}

}  // namespace skein
