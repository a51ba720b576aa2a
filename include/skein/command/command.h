// A spec at run time: what a node derives from it once, and finds by name for each call.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/result.h>
#include <skein/command/spec.h>

namespace skein {

struct Command {
  const CommandSpec* spec = nullptr;
  Handler handler = nullptr;
  int arity = 0;
  std::uint32_t gates = 0;   // skein/session/gates.h: those this command has to pass
  std::uint16_t index = 0;   // into statistics
  std::uint16_t first_key = 0;  // argument position of the first key by a plain position; 0: none or not plain
  bool single_key = false;      // exactly the one key at first_key
  bool changes_connection = false;
  Command* container = nullptr;
  std::string name;       // lower case, "get" or "config|get": as redis shows it
  std::string called;     // what clients have to type (rename-command), lower case
  std::vector<Command*> subcommands;

  [[nodiscard]] bool is(std::uint32_t flags) const { return (spec->flags & flags) != 0; }
  // Whether a call may have so many arguments, the name included.
  [[nodiscard]] bool takes(std::size_t count) const {
    return arity >= 0 ? count == static_cast<std::size_t>(arity) : count >= static_cast<std::size_t>(-arity);
  }
};

// All commands of a node. Immutable once built, but for rename-command at start.
class CommandTable {
 public:
  // Every spec must outlive the table.
  explicit CommandTable(std::span<const CommandSpec* const> specs);

  // By the name a client typed, any case; containers are found, not their subcommands. Null if unknown.
  [[nodiscard]] const Command* find(std::string_view name) const;
  // The subcommand a container's second argument names, or null.
  [[nodiscard]] static const Command* find_sub(const Command& container, std::string_view name);
  // The command a call means: the subcommand where there is one. Null when there is no such command.
  [[nodiscard]] const Command* resolve(std::span<const std::string_view> arguments) const;
  // The same, but that a command which was renamed or removed is also known by its original name, where no other has taken
  // that. For servers that speak to us; clients are not to find it.
  [[nodiscard]] const Command* resolve_original(std::span<const std::string_view> arguments) const;
  // By the name redis shows, "config|get".
  [[nodiscard]] const Command* find_full(std::string_view full_name) const;

  // An empty new name removes the command.
  Result<void> rename(std::string_view name, std::string_view to);

  // Containers and plain commands, without subcommands, in a stable order.
  [[nodiscard]] std::span<const Command* const> top_level() const { return top_level_; }
  // Those of them that clients have to call otherwise, or cannot call.
  [[nodiscard]] std::span<const Command* const> renamed() const { return renamed_; }
  // Everything that can be executed or counted; `index` points here.
  [[nodiscard]] std::span<const std::unique_ptr<Command>> all() const { return all_; }

 private:
  struct Cell {
    std::uint64_t low = 0;  // the name's first sixteen bytes in lower case
    std::uint64_t high = 0;
    std::uint32_t size = 0;
    bool whole = false;  // the two words say all: up to sixteen letters
    const Command* command = nullptr;
  };
  Command* add(const CommandSpec& spec, Command* container);
  [[nodiscard]] static const Command* within(const Command* command, std::span<const std::string_view> arguments);
  void rebuild_index();

  std::vector<std::unique_ptr<Command>> all_;
  std::vector<const Command*> top_level_;
  std::vector<const Command*> renamed_;
  std::vector<Cell> cells_;
  std::uint64_t cell_mask_ = 0;
};

}  // namespace skein
