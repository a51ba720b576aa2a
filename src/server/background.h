// Going into the background, and what whoever started the server hears of it.
#pragma once

#include <string_view>

#include <skein/base/result.h>

namespace skein {

// All but the standard ones. What its starter left open (a lock, a pipe somebody reads to its
// end) a daemon would hold for as long as it lives. Before anything of our own is open.
void close_inherited_descriptors();

// The process that started the daemon. It waits until it is told that the daemon is ready, and ends with 0 then;
// otherwise as the daemon has ended: a script, or systemd, that comes next may rely on either.
class Starter {
 public:
  Starter() = default;  // nobody waits
  explicit Starter(int descriptor) : descriptor_(descriptor) {}
  ~Starter();
  Starter(Starter&& other) noexcept;
  Starter& operator=(Starter&& other) noexcept;

  void tell_ready();
  // It prints this: the daemon's own output goes nowhere.
  void tell_failure(std::string_view why);

 private:
  int descriptor_ = -1;
};

// Only the child returns, unless there could be none. Before anything that a fork would tear: threads, the loop.
Result<Starter> daemonize();

}  // namespace skein
