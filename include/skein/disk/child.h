// The one place where a serving process forks.
//
// A child has a copy of the memory as it was at that moment and does one thing with it. It
// has none of its parent's descriptors but those it is given, none of its signal handlers and
// none of its threads: other threads may have held any lock when it was made, so it must not
// log, run the event loop or wait for a mutex. It may allocate, malloc sees to that. It tells
// its parent how far it is, and in the end why it failed, through a pipe.
//
// What the work is, is the caller's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <sys/types.h>

#include <asio/io_context.hpp>

#include <skein/base/result.h>
#include <skein/base/time.h>

namespace skein {

// How far a child is.
struct ChildProgress {
  std::uint64_t done = 0;           // in the work's own units
  std::uint64_t private_bytes = 0;  // memory that is no longer shared with the parent
};

// The child's side of the pipe.
class ChildReport {
 public:
  explicit ChildReport(int descriptor) : descriptor_(descriptor) {}

  // Cheap: what is told to the parent, and how often, is decided here. False when nobody
  // listens any more: the parent has died, and the work should end.
  bool note(std::uint64_t done);
  // The last word: `done` in the end, and the error if there is one.
  void finish(const Result<void>& outcome);

 private:
  bool tell(std::string_view error);

  int descriptor_;
  std::uint64_t done_ = 0;
  MonoTime next_{};
  bool heard_ = true;
};

class Child {
 public:
  // How a child has ended. What it was told to do is done when `outcome` says so.
  struct Ending {
    Result<void> outcome;
    int signal = 0;  // that killed it; 0: it left by itself
  };
  struct Hooks {
    std::function<void(const ChildProgress&)> on_progress;
    // Once, from the event loop; the child has been reaped, and may be destroyed from inside.
    std::function<void(Ending)> on_end;
  };
  // Runs in the child; its destructors run too, those of the parent's objects do not.
  using Work = std::function<Result<void>(ChildReport&)>;

  // Returns in the parent only. `keeps`: descriptors the work needs beside the standard three.
  static Result<std::unique_ptr<Child>> start(asio::io_context& loop, std::span<const int> keeps, const Work& work,
                                              Hooks hooks);
  // Ends the child if it still runs, without a call to on_end.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // SIGKILL; it is reaped when this returns. on_end is not called.
  void kill();
  [[nodiscard]] pid_t pid() const;
  // What the fork itself took, during which the parent did nothing else.
  [[nodiscard]] microseconds fork_time() const;
  [[nodiscard]] const ChildProgress& progress() const;

 private:
  class State;
  explicit Child(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;  // shared with the read under way
};

}  // namespace skein
