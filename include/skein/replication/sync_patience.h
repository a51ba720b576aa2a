// How long a replica waits for its next full sync after others were in vain.
//
// Each costs the primary a snapshot. What failed by chance heals by another try; what lies in the data, or in what the two
// servers call their commands, fails alike until somebody changes it. Nothing here knows a link: it is told what failed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <skein/base/time.h>

namespace skein {

enum class SyncTrouble : std::uint8_t {
  kInterrupted,   // the connection or our disk: another try may go well
  kDamaged,       // the bytes are not what a primary meant to send
  kCannotHold,    // they are sound, and of a kind this node has no place for
  kStreamBroken,  // the data set was taken, but what followed it is no command here
};

class SyncPatience {
 public:
  // As often as redis's cron tries. Far from the 20 a second that nobody may exceed.
  static constexpr seconds kShortest{1};

  void on_failed(SyncTrouble trouble, std::string_view why, MonoTime now);
  // A data set is in place. Failures of the stream behind it are forgotten only once it has been followed for long.
  void on_installed(MonoTime now);

  [[nodiscard]] int failures() const { return failures_; }  // in a row; 0: nothing is wrong
  [[nodiscard]] SyncTrouble trouble() const { return trouble_; }
  [[nodiscard]] const std::string& why() const { return why_; }
  // When the next one may be asked for, if that is later than links are made again anyway.
  [[nodiscard]] MonoTime not_before() const { return not_before_; }
  [[nodiscard]] nanoseconds gap(MonoTime now) const { return std::max(not_before_ - now, nanoseconds{0}); }
  // Whether what failed is past as far as anybody can tell.
  [[nodiscard]] bool is_over(MonoTime now) const;

 private:
  int failures_ = 0;
  std::array<int, 4> repeats_{};  // of each trouble
  SyncTrouble trouble_ = SyncTrouble::kInterrupted;
  std::string why_;
  MonoTime not_before_{};
  MonoTime installed_at_{};  // MonoTime{}: not since the last failure
};

}  // namespace skein
