#include "nodes_file.h"

#include <utility>

namespace skein {

Result<NodesFile::Loaded> NodesFile::load(const std::string& path) {
  auto file = LockedFile::open(path);
  if (!file) return file.error();
  const auto text = (*file).read();
  if (!text) return text.error();
  // What was promised last, and could not be saved any more.
  NoteFile note_file((*file).path());
  const auto noted = note_file.read(*text);
  if (noted) {
    if (auto replaced = (*file).replace(*noted); !replaced) return replaced.error();
  }
  // An operator may bring back the very content that an old one follows.
  note_file.clear();
  const std::string& content = noted ? *noted : *text;
  Loaded loaded;
  if (!content.empty()) {
    auto saved = parse_nodes_conf(content);
    if (!saved) {
      return saved.error().within("damaged cluster configuration file " + (*file).path());
    }
    loaded.saved = std::move(*saved);
  }
  loaded.file = std::make_unique<NodesFile>(std::move(*file), content);
  return loaded;
}

NodesFile::NodesFile(LockedFile file, const std::string& content)
    : file_(std::move(file)), note_(file_.path()), content_(NoteFile::fingerprint(content)), announced_(content_) {}

Result<void> NodesFile::save(const std::string& text, std::uint64_t notes) {
  const std::lock_guard hold(mutex_);
  auto done = file_.replace(text);
  if (!done) return done;
  const std::lock_guard hold_notes(note_mutex_);
  content_ = NoteFile::fingerprint(text);
  // What has been noted since is newer.
  if (notes_ == notes) note_.clear();
  return done;
}

std::uint64_t NodesFile::notes() {
  const std::lock_guard hold(note_mutex_);
  return notes_;
}

void NodesFile::announce(const std::string& text) {
  const std::uint64_t fingerprint = NoteFile::fingerprint(text);
  const std::lock_guard hold(note_mutex_);
  announced_ = fingerprint;
}

Result<void> NodesFile::note(const std::string& text) {
  const std::lock_guard hold(note_mutex_);
  ++notes_;
  const std::uint64_t follows[] = {content_, announced_};
  return note_.write(text, follows);
}

const std::string& PendingSave::text() {
  std::call_once(worded_, [this] {
    text_ = state_->text();
    file_.announce(text_);
  });
  return text_;
}

const Result<void>& PendingSave::finish() {
  const std::lock_guard hold(mutex_);
  if (!outcome_) outcome_ = file_.save(text(), notes_);
  return *outcome_;
}

}  // namespace skein
