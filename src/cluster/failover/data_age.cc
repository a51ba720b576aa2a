#include <skein/cluster/failover/data_age.h>

#include <algorithm>
#include <chrono>

namespace skein {

void DataAge::on_serving(MonoTime now) {
  current_at_ = now;
  in_step_ = false;
}

void DataAge::on_silence(milliseconds silence, MonoTime now) {
  if (silence != milliseconds::max()) {
    current_at_ = now - silence;
    in_step_ = true;
  } else if (in_step_) {
    on_lost();
  }
}

void DataAge::on_heir(nanoseconds dead_for, MonoTime now) {
  // Nobody wrote in that time, so nothing of it is missing.
  if (in_step_) current_at_ = std::min(now, *current_at_ + dead_for);
  in_step_ = false;
}

void DataAge::on_lost() {
  current_at_.reset();
  in_step_ = false;
}

milliseconds DataAge::at(MonoTime now) const {
  if (!current_at_) return milliseconds::max();
  return std::max(std::chrono::duration_cast<milliseconds>(now - *current_at_), milliseconds{0});
}

}  // namespace skein
