#include <skein/base/clock.h>

#include <ctime>

namespace skein {

namespace {
timespec read(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return t;
}
}  // namespace

MonoTime read_boot_clock() {
  const timespec t = read(CLOCK_BOOTTIME);
  return MonoTime{seconds{t.tv_sec} + nanoseconds{t.tv_nsec}};
}

UnixMillis read_wall_clock() { return {read_wall_micros() / 1000}; }

std::int64_t read_wall_micros() {
  const timespec t = read(CLOCK_REALTIME);
  return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
}

}  // namespace skein
