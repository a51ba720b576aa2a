#include <skein/commands/table.h>

#include <vector>

#include "families.h"

namespace skein {

std::span<const CommandSpec* const> all_command_specs() {
  static const std::vector<const CommandSpec*> all = [] {
    std::vector<const CommandSpec*> specs;
    for (const SpecList family :
         {string_commands(), key_commands(), dump_commands(), migrate_commands(), connection_commands(),
          transaction_commands(), server_commands(), introspection_commands(), cluster_commands(), replicaof_commands(),
          replication_stream_commands(), persistence_commands()}) {
      specs.insert(specs.end(), family.begin(), family.end());
    }
    return specs;
  }();
  return all;
}

}  // namespace skein
