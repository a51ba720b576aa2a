// Holds back the next full sync of a replica that could not finish the last one: it took it slower
// than the node writes, and would only do so again and again.
//
// Replicas are known by where they come from, as each attempt is a connection of its own, and only so many of them. What is done while
// one is held back (it has to be kept waiting, or it would ask elsewhere or give up) is server's.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <skein/base/time.h>

namespace skein {

class SyncBackoff {
 public:
  // Its full sync was given up. Each time in a row the next one waits twice as long, a minute at most.
  void on_given_up(std::string_view who, MonoTime now);
  // It has caught up: what was before counts no more.
  void on_caught_up(std::string_view who);
  // When it may have a full sync; MonoTime{}: at once.
  [[nodiscard]] MonoTime may_begin_at(std::string_view who) const;

 private:
  struct Record {
    int times = 0;
    MonoTime not_before{};
  };
  std::map<std::string, Record, std::less<>> records_;
};

}  // namespace skein
