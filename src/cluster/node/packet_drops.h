// Packets that a check has thrown away: who hears of it, and how often.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/time.h>

namespace skein {

// Each cause is told once for each peer. There are few of them kept: those of members, which somebody has to look
// at, do not make room for those of strangers, and when there are many already no more are told.
class PacketDrops {
 public:
  static constexpr std::size_t kKept = 16;
  static constexpr seconds kMemory{3600};

  // True when it is to be told.
  bool note(std::string_view peer, bool is_member, std::string_view reason, MonoTime now);

 private:
  struct Drop {
    std::string peer;
    bool is_member = false;
    std::string_view reason;
    MonoTime last;
  };
  std::vector<Drop> drops_;  // the oldest first
};

}  // namespace skein
