// One machine's disk: what a process wrote, and what of it a power loss leaves.
//
// A killed process loses nothing it wrote: the kernel still has it. A power loss takes
// whatever was not synced, and may leave a part of it: a file's unsynced bytes are cut
// anywhere, and of the unsynced renames the first few stand.
#pragma once

#include <skein/base/random.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skein::sim {

// What a file holds, worded when it is first read: of a thousand saves hardly one ever is. Copies share it.
class Content {
 public:
  explicit Content(std::function<std::string()> word) : what_(std::make_shared<What>(std::move(word))) {}
  explicit Content(std::string text) : what_(std::make_shared<What>()) { what_->text = std::move(text); }

  [[nodiscard]] const std::string& text() const {
    if (what_->word) what_->text = std::exchange(what_->word, nullptr)();
    return what_->text;
  }

 private:
  struct What {
    std::function<std::string()> word;
    std::string text;
  };
  std::shared_ptr<What> what_;
};

class Disk {
 public:
  // Replaces the whole content; durable only after sync.
  void write(std::string_view name, Content content);
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
    Content durable{std::string()};
    Content current{std::string()};
    bool is_synced = false;
  };
  using Directory = std::map<std::string, std::shared_ptr<File>, std::less<>>;

  Directory durable_;
  Directory current_;
  std::vector<Directory> steps_;  // the directory after each unsynced change, oldest first
};

}  // namespace skein::sim
