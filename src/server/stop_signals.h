// The signals an operator or a service manager sends: TERM, INT and QUIT ask for the end, HUP for a new log.
//
//   serving --TERM, INT, QUIT--> asked --it waits for replicas--> waiting --the last save--> asked --> over
//
// Whoever stops a service may say so twice (systemd sends TERM behind its ExecStop), and must not lose the data by
// that: once it has been asked, TERM and QUIT change nothing. INT is a person at a terminal: while it waits it waits no
// longer, which the node thread decides; while it works, the process ends at once, and what is half-written goes.
#pragma once

#include <string>

#include <skein/base/result.h>

namespace skein {

// From now on each of them that is to be decided on the node thread comes as one byte, its number, out of the
// descriptor returned. Once in a process.
[[nodiscard]] Result<int> catch_signals();

// How far the end is. Asked is what a signal alone brings about.
void serve_on();        // it could not be ended: the next of them asks again
void wait_to_stop();    // whoever sends INT is heard by the node thread
void save_to_stop();    // ... and is not any more
void stop_for_good();   // everything is saved: nothing changes that

// A file this process writes beside the one it is to replace: an INT that gives up removes it. One at a time.
class HalfWritten {
 public:
  explicit HalfWritten(const std::string& path);
  ~HalfWritten();
  HalfWritten(const HalfWritten&) = delete;
  HalfWritten& operator=(const HalfWritten&) = delete;
};

}  // namespace skein
