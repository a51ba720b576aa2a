#include <skein/replication/stream.h>

#include <fmt/format.h>

#include <skein/base/assert.h>

namespace skein {

namespace {

constexpr std::string_view kMulti = "*1\r\n$5\r\nMULTI\r\n";
constexpr std::string_view kExec = "*1\r\n$4\r\nEXEC\r\n";

// "<sign><number>\r\n".
void put_head(std::string& to, char sign, std::size_t number) {
  char text[24];
  char* const end = text + sizeof text;
  char* at = end - 2;
  at[0] = '\r';
  at[1] = '\n';
  do {
    *--at = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  *--at = sign;
  to.append(at, static_cast<std::size_t>(end - at));
}

}  // namespace

void StreamWriter::put_words(std::span<const std::string_view> words) {
  put_head(scratch_, '*', words.size());
  for (const std::string_view word : words) {
    put_head(scratch_, '$', word.size());
    scratch_.append(word);
    scratch_.append("\r\n", 2);
  }
}

void StreamWriter::put(int db, std::span<const std::string_view> arguments) {
  if (db != selected_) {
    const std::string number = fmt::format("{}", db);
    const std::string_view select[] = {"SELECT", number};
    put_words(select);
    selected_ = db;
  }
  put_words(arguments);
}

void StreamWriter::add(int db, std::span<const std::string_view> arguments) {
  if (in_unit_ && in_unit_count_++ == 1) scratch_.insert(0, kMulti);
  put(db, arguments);
  if (in_unit_) return;
  log_.append(scratch_);
  scratch_.clear();
}

void StreamWriter::begin_unit() {
  SKEIN_ASSERT(!in_unit_);
  in_unit_ = true;
  in_unit_count_ = 0;
}

void StreamWriter::end_unit() {
  in_unit_ = false;
  if (in_unit_count_ > 1) scratch_.append(kExec);
  log_.append(scratch_);
  scratch_.clear();
}

void StreamWriter::add_bare(std::span<const std::string_view> arguments) {
  SKEIN_ASSERT(!in_unit_);
  put_words(arguments);
  log_.append(scratch_);
  scratch_.clear();
}

}  // namespace skein
