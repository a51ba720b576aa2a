#include "disk.h"

#include <skein/base/assert.h>

#include <algorithm>
#include <utility>

namespace skein::sim {

void Disk::write(std::string_view name, Content content) {
  auto found = current_.find(name);
  if (found == current_.end()) {
    found = current_.emplace(std::string(name), std::make_shared<File>()).first;
    steps_.push_back(current_);
  }
  found->second->current = std::move(content);
  found->second->is_synced = false;
}

void Disk::sync(std::string_view name) {
  const auto found = current_.find(name);
  SKEIN_ASSERT(found != current_.end());
  found->second->durable = found->second->current;
  found->second->is_synced = true;
}

void Disk::rename(std::string_view from, std::string_view to) {
  const auto found = current_.find(from);
  SKEIN_ASSERT(found != current_.end());
  const auto file = found->second;
  current_.erase(found);
  current_[std::string(to)] = file;
  steps_.push_back(current_);
}

void Disk::sync_directory() {
  durable_ = current_;
  steps_.clear();
}

std::optional<std::string> Disk::read(std::string_view name) const {
  const auto found = current_.find(name);
  if (found == current_.end()) return std::nullopt;
  return found->second->current.text();
}

bool Disk::has_unsynced() const {
  const auto is_unsynced = [](const auto& entry) { return !entry.second->is_synced; };
  return !steps_.empty() || std::any_of(current_.begin(), current_.end(), is_unsynced);
}

void Disk::lose_power(Random& random) {
  if (const auto kept = random.below(steps_.size() + 1); kept > 0) durable_ = steps_[kept - 1];
  steps_.clear();
  for (auto& [name, file] : durable_) {
    if (file->is_synced) continue;
    // Torn: the new bytes up to anywhere, or the old ones untouched.
    if (random.one_in(2)) {
      const std::string& text = file->current.text();
      file->durable = Content(text.substr(0, random.below(text.size() + 1)));
    }
    file->current = file->durable;
    file->is_synced = true;
  }
  current_ = durable_;
}

}  // namespace skein::sim
