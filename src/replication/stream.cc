#include <skein/replication/stream.h>

#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <skein/base/assert.h>

namespace skein {

namespace {

// A word this long is copied into the log at once, not by way of the scratch.
constexpr std::size_t kLongWord = 4096;
// A scratch that grew for a large unit is not kept.
constexpr std::size_t kKept = 1024UL * 1024;
// "<sign><number>\r\n" with the largest number, and the line end behind a word.
constexpr std::size_t kHead = 24;
constexpr std::size_t kTail = 2;

char* write_line_end(char* to) {
  std::memcpy(to, "\r\n", kTail);
  return to + kTail;
}

char* write_long_number(char* to, std::size_t number) {
  std::size_t digits = 3;
  for (std::size_t rest = number / 1000; rest != 0; rest /= 10) ++digits;
  for (std::size_t i = digits; i-- > 0; number /= 10) to[i] = static_cast<char>('0' + number % 10);
  return to + digits;
}

// "<sign><number>\r\n". Returns where it ends.
inline char* write_head(char* to, char sign, std::size_t number) {
  *to++ = sign;
  if (number >= 100) [[unlikely]] return write_line_end(write_long_number(to, number));
  if (number >= 10) *to++ = static_cast<char>('0' + number / 10);
  *to++ = static_cast<char>('0' + number % 10);
  return write_line_end(to);
}

inline char* write_word(char* to, std::string_view word) {
  to = write_head(to, '$', word.size());
  if (!word.empty()) std::memcpy(to, word.data(), word.size());
  return write_line_end(to + word.size());
}

void put_head(std::string& to, char sign, std::size_t number) {
  char text[kHead];
  to.append(text, static_cast<std::size_t>(write_head(text, sign, number) - text));
}

void put_word(std::string& to, std::string_view word) {
  put_head(to, '$', word.size());
  to.append(word);
  to.append("\r\n", kTail);
}

std::string alone(std::string_view name) {
  std::string bytes;
  put_head(bytes, '*', 1);
  put_word(bytes, name);
  return bytes;
}

}  // namespace

void StreamWriter::set_names(StreamNames names) {
  names_ = std::move(names);
  multi_ = alone(names_.of("MULTI"));
  exec_ = alone(names_.of("EXEC"));
  select_ = names_.of("SELECT");
}

// Most effects fit into the block that is being filled, and are written once.
bool StreamWriter::write_straight(std::string_view name, std::span<const std::string_view> arguments) {
  std::size_t most = kHead + (kHead + kTail) * arguments.size() + name.size();
  for (const std::string_view word : arguments.subspan(1)) most += word.size();
  char* const begin = log_.room(most);
  if (begin == nullptr) return false;
  char* at = write_word(write_head(begin, '*', arguments.size()), name);
  for (const std::string_view word : arguments.subspan(1)) at = write_word(at, word);
  log_.grow(static_cast<std::size_t>(at - begin));
  return true;
}

void StreamWriter::put_words(std::string_view name, std::span<const std::string_view> arguments) {
  put_head(scratch_, '*', arguments.size());
  put_word(scratch_, name);
  for (const std::string_view word : arguments.subspan(1)) {
    if (in_unit_ || word.size() < kLongWord) {
      put_word(scratch_, word);
      continue;
    }
    put_head(scratch_, '$', word.size());
    append_scratch();
    log_.append(word);
    scratch_.append("\r\n", kTail);
  }
}

void StreamWriter::append_scratch() {
  log_.append(scratch_);
  scratch_.clear();
  if (scratch_.capacity() > kKept) scratch_.shrink_to_fit();
}

void StreamWriter::put_select(int db) {
  const std::string number = fmt::format("{}", db);
  put_head(scratch_, '*', 2);
  put_word(scratch_, select_);
  put_word(scratch_, number);
  selected_ = db;
}

void StreamWriter::put(int db, std::string_view name, std::span<const std::string_view> arguments) {
  if (in_unit_ && in_unit_count_++ == 1) scratch_.insert(0, multi_);
  if (db != selected_) [[unlikely]] put_select(db);
  if (!in_unit_ && scratch_.empty() && write_straight(name, arguments)) return;
  put_words(name, arguments);
  if (!in_unit_) append_scratch();
}

void StreamWriter::add(int db, std::span<const std::string_view> arguments) {
  put(db, names_.empty() ? arguments[0] : names_.of(arguments[0]), arguments);
}

void StreamWriter::add_call(int db, std::span<const std::string_view> arguments) { put(db, arguments[0], arguments); }

void StreamWriter::begin_unit() {
  SKEIN_ASSERT(!in_unit_);
  in_unit_ = true;
  in_unit_count_ = 0;
}

void StreamWriter::end_unit() {
  in_unit_ = false;
  if (in_unit_count_ > 1) scratch_.append(exec_);
  append_scratch();
}

void StreamWriter::add_bare(std::span<const std::string_view> arguments) {
  SKEIN_ASSERT(!in_unit_);
  put_words(names_.of(arguments[0]), arguments);
  append_scratch();
}

}  // namespace skein
