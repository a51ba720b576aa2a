#include "nodes_file.h"

#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace skein {

namespace {

// It was made by this node and for this run alone: found later, it would be an identity out of date.
void remove_and_release(const LockedFile& file) { ::unlink(file.path().c_str()); }

// The file at `path`, for the node whose present one is `from` and whose text is `text`.
Result<LockedFile> take_over(const std::string& path, const std::string& from, const std::string& text) {
  struct stat there{};
  const bool is_new = ::stat(path.c_str(), &there) != 0;
  auto file = LockedFile::open(path);
  if (!file) return file.error();
  const auto give_up = [&](Error error) {
    if (is_new) ::unlink(path.c_str());
    return error;
  };
  const auto content = (*file).read();
  if (!content) return give_up(content.error());
  if (!content->empty()) {
    const auto saved = parse_nodes_conf(*content);
    if (!saved) return saved.error().within("damaged cluster configuration file " + path);
    const auto own = parse_nodes_conf(text);
    if (!own || own->topology.self().id != saved->topology.self().id) {
      return Error(fmt::format("{} holds the identity of another node, {}; this node's is in {}", path,
                               saved->topology.self().id.view(), from));
    }
  }
  if (auto written = (*file).replace(text); !written) return give_up(written.error());
  return std::move(*file);
}

}  // namespace

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
    : file_(std::move(file)),
      note_(std::make_unique<NoteFile>(file_.path())),
      content_(NoteFile::fingerprint(content)),
      announced_(content_) {}

Result<void> NodesFile::save(const std::string& text, std::uint64_t notes) {
  const std::lock_guard hold(mutex_);
  if (of_start_) {
    struct stat there{};
    if (::stat(of_start_->path().c_str(), &there) != 0 && errno == ENOENT) {
      of_start_.reset();  // its folder has gone, and no start finds it
    } else if (auto kept = of_start_->replace(text); !kept) {
      return kept.error().within("which is kept until the configuration file is rewritten");
    }
  }
  auto done = file_.replace(text);
  if (!done) return done;
  const std::lock_guard hold_notes(note_mutex_);
  content_ = NoteFile::fingerprint(text);
  // What has been noted since is newer.
  if (notes_ == notes) note_->clear();
  return done;
}

Result<void> NodesFile::move_to(const std::string& path, const std::string& text) {
  const std::lock_guard hold(mutex_);
  const std::string where = LockedFile::resolve(path);
  if (where == file_.path()) return {};
  if (of_start_ && where == of_start_->path()) {
    if (auto saved = of_start_->replace(text); !saved) return saved;
    std::swap(file_, *of_start_);
    remove_and_release(*of_start_);
    of_start_.reset();
  } else {
    auto fresh = take_over(where, file_.path(), text);
    if (!fresh) return fresh.error();
    std::swap(file_, *fresh);
    if (of_start_) {
      remove_and_release(*fresh);
    } else {
      of_start_ = std::move(*fresh);
    }
  }
  const std::lock_guard hold_notes(note_mutex_);
  note_->clear();
  note_ = std::make_unique<NoteFile>(file_.path());
  note_->clear();
  content_ = announced_ = NoteFile::fingerprint(text);
  keeps_two_ = of_start_.has_value();
  return {};
}

void NodesFile::settle() {
  const std::lock_guard hold(mutex_);
  of_start_.reset();
  const std::lock_guard hold_notes(note_mutex_);
  keeps_two_ = false;
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
  if (keeps_two_) return Error("another file is kept as well");
  ++notes_;
  const std::uint64_t follows[] = {content_, announced_};
  return note_->write(text, follows);
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
