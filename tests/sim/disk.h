// One machine's disk: what a process wrote, and what of it a power loss leaves.
//
// A killed process loses nothing it wrote: the kernel still has it. A power loss takes
// whatever was not synced, and may leave a part of it: a file's unsynced bytes are cut
// anywhere, and of the unsynced renames the first few stand.
#pragma once

#include <skein/base/random.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skein::sim {

class Disk {
 public:
  // Replaces the whole content; durable only after sync.
  void write(std::string_view name, std::string_view bytes);
  void sync(std::string_view name);
  // Durable only after sync_directory. Creating a file is the same.
  void rename(std::string_view from, std::string_view to);
  void sync_directory();

  // What a process would read now.
  [[nodiscard]] std::optional<std::string> read(std::string_view name) const;
  // What is certain to be there after a power loss.
  [[nodiscard]] bool has_unsynced() const;

  void lose_power(Random& random);

 private:
  struct File {
    std::string durable;
    std::string current;
    bool is_synced = false;
  };
  using Directory = std::map<std::string, std::shared_ptr<File>, std::less<>>;

  Directory durable_;
  Directory current_;
  std::vector<Directory> steps_;  // the directory after each unsynced change, oldest first
};

}  // namespace skein::sim
