#include "migration_exchange.h"

#include <utility>

#include <fmt/format.h>

namespace skein {

namespace {

// An error is one line; more than this without an end is none.
constexpr std::size_t kLongestLine = 64UL * 1024;

void add_bulk(std::string& out, std::string_view word) { out += fmt::format("${}\r\n{}\r\n", word.size(), word); }

}  // namespace

MigrationExchange::MigrationExchange(const Migration& migration, std::optional<std::int64_t> selected)
    : migration_(migration) {
  if (migration.password) {
    head_ += migration.user ? "*3\r\n" : "*2\r\n";
    add_bulk(head_, "AUTH");
    if (migration.user) add_bulk(head_, *migration.user);
    add_bulk(head_, *migration.password);
    ++head_answers_;
  }
  if (selected != migration.target_db) {
    head_ += "*2\r\n";
    add_bulk(head_, "SELECT");
    add_bulk(head_, fmt::format("{}", migration.target_db));
    ++head_answers_;
  }
  arrived_.reserve(migration.keys.size());
}

MigrationExchange::State MigrationExchange::read(std::string_view bytes) {
  constexpr std::string_view kOk = "+OK\r\n";
  while (!bytes.empty() && answered_ < migration_.keys.size()) {
    if (partial_.empty() && head_answers_ == 0 && !head_refused_ && bytes.starts_with(kOk)) {
      arrived_.push_back(migration_.keys[answered_++]);
      bytes.remove_prefix(kOk.size());
      continue;
    }
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      partial_ += bytes;
      return partial_.size() > kLongestLine ? State::kNotUnderstood : State::kGoesOn;
    }
    partial_ += bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(partial_, {});
    if (line.size() < 2 || line.back() != '\r') return State::kNotUnderstood;
    if (!read_line(std::string_view(line).substr(0, line.size() - 1))) return State::kNotUnderstood;
  }
  if (answered_ < migration_.keys.size()) return State::kGoesOn;
  // More than was asked for would be taken for answers to what is asked next.
  return bytes.empty() ? State::kComplete : State::kNotUnderstood;
}

// False for what is neither an OK nor an error: nothing but these two says what has become of a key.
bool MigrationExchange::read_line(std::string_view line) {
  const bool refused = line[0] == '-';
  if (!refused && line[0] != '+') return false;
  if (refused && refusal_.empty()) refusal_ = line.substr(1);
  if (head_answers_ > 0) {
    --head_answers_;
    head_refused_ = head_refused_ || refused;
    return true;
  }
  const KeyRef& key = migration_.keys[answered_++];
  // Behind a SELECT that was refused it has arrived somewhere else.
  if (!refused && !head_refused_) arrived_.push_back(key);
  return true;
}

std::optional<std::int64_t> MigrationExchange::selected() const {
  if (!refusal_.empty()) return std::nullopt;
  return migration_.target_db;
}

}  // namespace skein
