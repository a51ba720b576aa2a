#include "nodes_file.h"

#include <utility>

namespace skein {

Result<NodesFile::Loaded> NodesFile::load(const std::string& path) {
  auto file = LockedFile::open(path);
  if (!file) return file.error();
  const auto text = (*file).read();
  if (!text) return text.error();
  Loaded loaded;
  if (!(*text).empty()) {
    auto saved = parse_nodes_conf(*text);
    if (!saved) {
      return saved.error().within("damaged cluster configuration file " + (*file).path());
    }
    loaded.saved = std::move(*saved);
  }
  loaded.file = std::make_unique<NodesFile>(std::move(*file));
  return loaded;
}

Result<void> NodesFile::save(const std::string& text) {
  const std::lock_guard hold(mutex_);
  return file_.replace(text);
}

const Result<void>& PendingSave::finish() {
  const std::lock_guard hold(mutex_);
  if (!outcome_) outcome_ = file_.save(text_);
  return *outcome_;
}

}  // namespace skein
