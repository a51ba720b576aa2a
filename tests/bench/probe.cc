// What a bystander sees of a server while others work it: `ping` sends PING over and over on
// one connection and reports the waits; `idle` holds many connections open that have each
// done one GET. Both say `ready`, go on until their standard input ends, and then print
// one line of JSON.
//
// `ping` also watches the machine: on every core a thread that outranks everything sleeps and
// wakes. When it wakes late, nobody ran there but the kernel or the host, and waits of that
// moment are not the server's.

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tcp_client.h"

namespace skein::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Waits at most `patience` for standard input to end.
bool told_to_stop(std::chrono::nanoseconds patience) {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  const timespec wait{.tv_sec = patience.count() / 1'000'000'000, .tv_nsec = patience.count() % 1'000'000'000};
  return ::ppoll(&input, 1, &wait, nullptr) > 0;
}

void say_ready() {
  fmt::print("ready\n");
  std::fflush(stdout);
}

void ask(int fd, std::string_view request) {
  send_all(fd, request);
  char reply[64];
  if (::recv(fd, reply, sizeof reply, 0) <= 0) give_up("recv");
}

struct Span {
  SteadyClock::time_point from;
  SteadyClock::time_point to;
  [[nodiscard]] double milliseconds() const { return std::chrono::duration<double, std::milli>(to - from).count(); }
  [[nodiscard]] bool overlaps(const Span& other) const { return from < other.to && other.from < to; }
};

class Witness {
 public:
  explicit Witness(int core) : thread_([this, core] { watch(core); }) {}
  ~Witness() { thread_.join(); }
  // The times its core stood still, once `stop` was set.
  [[nodiscard]] const std::vector<Span>& stalls() const { return stalls_; }
  static inline std::atomic<bool> stop{false};

 private:
  static constexpr std::chrono::microseconds kNap{200};
  static constexpr std::chrono::microseconds kLate{500};

  void watch(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    const sched_param first{.sched_priority = 99};
    if (::sched_setaffinity(0, sizeof cores, &cores) != 0 || ::sched_setscheduler(0, SCHED_FIFO, &first) != 0) return;
    while (!stop) {
      const auto due = SteadyClock::now() + kNap;
      std::this_thread::sleep_until(due);
      const auto now = SteadyClock::now();
      if (now - due > kLate) stalls_.push_back({due, now});
    }
  }

  std::vector<Span> stalls_;
  std::thread thread_;
};

double worst_of(const std::vector<Span>& spans) {
  double worst = 0;
  for (const Span& span : spans) worst = std::max(worst, span.milliseconds());
  return worst;
}

int ping(const std::string& host, std::uint16_t port) {
  // The load generator shares this core; its turns must not count as the server's waits.
  const sched_param urgent{.sched_priority = 10};
  if (::sched_setscheduler(0, SCHED_FIFO, &urgent) != 0) fmt::print(stderr, "running at normal priority\n");
  const int fd = connect_to(host, port);
  std::vector<Span> waits;
  Witness witnesses[] = {Witness(0), Witness(1)};
  say_ready();
  while (!told_to_stop(std::chrono::microseconds(100))) {
    const auto start = SteadyClock::now();
    ask(fd, "PING\r\n");
    waits.push_back({start, SteadyClock::now()});
  }
  Witness::stop = true;
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  if (waits.empty()) return 1;
  std::vector<Span> stalls = witnesses[0].stalls();
  stalls.insert(stalls.end(), witnesses[1].stalls().begin(), witnesses[1].stalls().end());
  std::sort(waits.begin(), waits.end(),
            [](const Span& a, const Span& b) { return a.milliseconds() < b.milliseconds(); });
  const auto own = std::find_if(waits.rbegin(), waits.rend(), [&](const Span& wait) {
    return std::none_of(stalls.begin(), stalls.end(), [&](const Span& stall) { return stall.overlaps(wait); });
  });
  const auto at = [&](double share) { return waits[static_cast<std::size_t>(share * (waits.size() - 1))].milliseconds(); };
  fmt::print("{{\"pings\": {}, \"median_ms\": {:.4f}, \"p999_ms\": {:.4f}, \"max_ms\": {:.4f}, "
             "\"own_max_ms\": {:.4f}, \"machine_ms\": {:.4f}, \"machine_stalls\": {}}}\n",
             waits.size(), at(0.5), at(0.999), waits.back().milliseconds(),
             own == waits.rend() ? 0.0 : own->milliseconds(), worst_of(stalls), stalls.size());
  return 0;
}

int idle(const std::string& host, std::uint16_t port, int count) {
  raise_descriptor_limit();
  for (int i = 0; i < count; ++i) ask(connect_to(host, port), "*2\r\n$3\r\nGET\r\n$4\r\nnone\r\n");
  say_ready();
  while (!told_to_stop(std::chrono::seconds(1))) {
  }
  fmt::print("{{\"connections\": {}}}\n", count);
  return 0;
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 4 && words[1] == "ping") {
    return ping(words[2], static_cast<std::uint16_t>(std::stoi(words[3])));
  }
  if (words.size() == 5 && words[1] == "idle") {
    return idle(words[2], static_cast<std::uint16_t>(std::stoi(words[3])), std::stoi(words[4]));
  }
  fmt::print(stderr, "skein-probe ping <host> <port>\nskein-probe idle <host> <port> <connections>\n");
  return 2;
}

}  // namespace
}  // namespace skein::bench

int main(int argc, char** argv) { return skein::bench::run({argv, argv + argc}); }
