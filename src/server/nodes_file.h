// nodes.conf on disk: found and locked at start, replaced on the node thread or on the
// helper thread, whichever comes first. It follows the node into another folder.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <skein/base/result.h>
#include <skein/cluster/node/saved_state.h>
#include <skein/disk/note_file.h>
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

  // Waits for a save that is under way on the other thread. `notes` is how many there were when the text's state was
  // taken.
  Result<void> save(const std::string& text, std::uint64_t notes);
  // Another path is meant from now on: makes and locks the file there with this text, the newest. Refused when it is
  // in use, or holds the identity of another node. The file of the start, which the configuration on disk still
  // names, is saved with it: the next start may come before that is rewritten, and must not vote twice in an epoch.
  Result<void> move_to(const std::string& path, const std::string& text);
  // The configuration on disk names this file now: the one of the start is let go.
  void settle();
  // How many notes have been written.
  [[nodiscard]] std::uint64_t notes();
  // This text is going to be saved next.
  void announce(const std::string& text);
  // This text is found at the next start, unless the machine itself fails before it has been saved. Waits for nobody.
  // An error while two files are kept: only a save reaches both.
  Result<void> note(const std::string& text);

  [[nodiscard]] const std::string& path() const { return file_.path(); }

  NodesFile(LockedFile file, const std::string& content);

 private:
  std::mutex mutex_;
  LockedFile file_;
  std::optional<LockedFile> of_start_;  // when the node has moved on from it
  std::mutex note_mutex_;  // of what follows
  std::unique_ptr<NoteFile> note_;
  bool keeps_two_ = false;
  std::uint64_t content_ = 0;    // what the file holds, and what is saved next, as notes name them
  std::uint64_t announced_ = 0;
  std::uint64_t notes_ = 0;      // written so far
};

// A save that whoever gets to it first carries out: the helper thread in its turn, or the
// node thread when an operator's answer waits for it.
class PendingSave {
 public:
  // `notes` is how many had been written when the state was taken.
  PendingSave(NodesFile& file, std::shared_ptr<const UnsavedState> state, std::uint64_t notes)
      : file_(file), state_(std::move(state)), notes_(notes) {}

  // Announces its text: before a note that is written while this is pending, as it may follow either content.
  void announce() { (void)text(); }
  // Saves, or waits until the other thread has; the outcome either way.
  const Result<void>& finish();

 private:
  const std::string& text();

  NodesFile& file_;
  std::shared_ptr<const UnsavedState> state_;
  std::uint64_t notes_;
  std::once_flag worded_;
  std::string text_;
  std::mutex mutex_;
  std::optional<Result<void>> outcome_;
};

}  // namespace skein
