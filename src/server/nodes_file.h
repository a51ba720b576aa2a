// nodes.conf on disk: found and locked at start, replaced on the node thread or on the
// helper thread, whichever comes first.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <skein/base/result.h>
#include <skein/cluster/node/saved_state.h>
#include <skein/disk/safe_file.h>

namespace skein {

class NodesFile {
 public:
  struct Loaded {
    std::unique_ptr<NodesFile> file;
    std::optional<SavedState> saved;  // nothing: no file yet, or one of no bytes
  };
  // Refuses when another process has the file or it is damaged, naming file, line and reason.
  static Result<Loaded> load(const std::string& path);

  // Waits for a save that is under way on the other thread.
  Result<void> save(const std::string& text);

  [[nodiscard]] const std::string& path() const { return file_.path(); }

  explicit NodesFile(LockedFile file) : file_(std::move(file)) {}

 private:
  std::mutex mutex_;
  LockedFile file_;
};

// A save that whoever gets to it first carries out: the helper thread in its turn, or the
// node thread when an operator's answer waits for it.
class PendingSave {
 public:
  PendingSave(NodesFile& file, std::string text) : file_(file), text_(std::move(text)) {}

  // Saves, or waits until the other thread has; the outcome either way.
  const Result<void>& finish();

 private:
  NodesFile& file_;
  std::string text_;
  std::mutex mutex_;
  std::optional<Result<void>> outcome_;
};

}  // namespace skein
