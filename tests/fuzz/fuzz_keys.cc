// The key finder refuses or finds positions that exist, for every command and any arguments.
#include <skein/base/checksums.h>
#include <skein/base/text.h>
#include <skein/command/key_finder.h>

#include <string>
#include <vector>

#include "../command/fixture.h"
#include "targets.h"

namespace skein::fuzz {

namespace {

using Words = std::vector<std::string_view>;

void check_finder(const Command& command, std::span<const std::string_view> arguments) {
  if (!command.takes(arguments.size())) return;
  std::vector<FoundKey> keys;
  if (!find_keys(command, arguments, keys)) return;
  expect(keys.size() <= arguments.size() * command.spec->keys.size(), "each spec finds an argument once");
  expect(keys.empty() || may_have_keys(command), "no keys where none are declared");
  for (const FoundKey& key : keys) {
    expect(key.position > 0 && key.position < arguments.size(), "a key is one of the arguments");
  }
}

// The line's words behind the name of every command there is.
void check_all_commands(const CommandTable& table, const Words& words) {
  Words arguments;
  for (const auto& command : table.all()) {
    arguments.clear();
    arguments.emplace_back(command->name);
    if (command->container != nullptr) arguments.emplace_back(command->name);
    arguments.insert(arguments.end(), words.begin(), words.end());
    check_finder(*command, arguments);
  }
}

// The way a client gets there. The reply holds bytes the client sent, so a look at its
// head has to do.
void check_getkeys(CommandBed& bed, const Words& words, std::string_view subcommand) {
  Words call{"COMMAND", subcommand};
  call.insert(call.end(), words.begin(), words.end());
  const std::string reply = bed.client().run(std::span<const std::string_view>(call));
  expect(reply.ends_with("\r\n"), "a whole reply");
  expect(reply.starts_with("-ERR ") || reply.starts_with("*"), "an error or keys");
}

}  // namespace

void fuzz_keys(Input input) {
  static CommandBed bed;
  std::string_view rest = text_of(input);
  for (int lines = 0; lines < 16 && !rest.empty(); ++lines) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const auto parsed = split_words(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!parsed || parsed->empty() || parsed->size() > 4096) continue;
    const Words words(parsed->begin(), parsed->end());

    if (const Command* command = bed.commands.resolve(words)) check_finder(*command, words);
    check_all_commands(bed.commands, Words(words.begin() + 1, words.end()));
    check_getkeys(bed, words, "GETKEYS");
    check_getkeys(bed, words, "GETKEYSANDFLAGS");
  }
}

}  // namespace skein::fuzz
