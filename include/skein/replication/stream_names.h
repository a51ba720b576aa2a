// What commands are called in this node's stream, where that is not their original name.
//
// rename-command is meant for all servers of a shard alike: what a primary sends has to be understood by replicas
// that know a command by its new name alone. A command that was removed has no other name than its original one.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skein {

class StreamNames {
 public:
  void rename(std::string_view original, std::string_view called);
  [[nodiscard]] bool empty() const { return names_.empty(); }
  // The letters' case does not matter.
  [[nodiscard]] std::string_view of(std::string_view original) const;

 private:
  std::vector<std::pair<std::string, std::string>> names_;  // a handful at most
};

}  // namespace skein
