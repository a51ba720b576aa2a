// One MIGRATE as its target sees it: what it is sent first, and what its answers mean.
//
// Knows no socket: it is asked what to send and told what has come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <skein/commands/migration_actions.h>

namespace skein {

class MigrationExchange {
 public:
  // `selected` is the database that the connection stands in, if that is known.
  MigrationExchange(const Migration& migration, std::optional<std::int64_t> selected);

  // AUTH and SELECT, where they are needed. Then the migration's requests follow.
  [[nodiscard]] std::string_view head() const { return head_; }

  enum class State : std::uint8_t { kGoesOn, kComplete, kNotUnderstood };
  State read(std::string_view bytes);

  // Of the keys, how many have been answered in order, and which of them have arrived.
  [[nodiscard]] std::size_t answered() const { return answered_; }
  [[nodiscard]] const std::vector<KeyRef>& arrived() const { return arrived_; }
  [[nodiscard]] std::vector<KeyRef> take_arrived() { return std::move(arrived_); }
  // The first error that came, without the `-`; empty: none.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  // The database that the connection stands in afterwards. An error leaves that open.
  [[nodiscard]] std::optional<std::int64_t> selected() const;

 private:
  bool read_line(std::string_view line);

  const Migration& migration_;
  std::string head_;
  std::size_t head_answers_ = 0;  // still to come
  bool head_refused_ = false;
  std::size_t answered_ = 0;
  std::vector<KeyRef> arrived_;
  std::string refusal_;
  std::string partial_;  // of a line
};

}  // namespace skein
