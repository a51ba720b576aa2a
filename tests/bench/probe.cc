// What a bystander sees of a server while others work it: `ping` sends PING over and over on
// one connection and reports the waits; `idle` holds many connections open that have each
// done one GET. Both say `ready`, go on until their standard input ends, and then print
// one line of JSON.

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
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

int ping(const std::string& host, std::uint16_t port) {
  // The load generator shares this core; its turns must not count as the server's waits.
  const sched_param urgent{.sched_priority = 10};
  if (::sched_setscheduler(0, SCHED_FIFO, &urgent) != 0) fmt::print(stderr, "running at normal priority\n");
  const int fd = connect_to(host, port);
  std::vector<double> waits;
  say_ready();
  while (!told_to_stop(std::chrono::microseconds(100))) {
    const auto start = SteadyClock::now();
    ask(fd, "PING\r\n");
    waits.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count());
  }
  if (waits.empty()) return 1;
  std::sort(waits.begin(), waits.end());
  const auto at = [&](double share) { return waits[static_cast<std::size_t>(share * (waits.size() - 1))]; };
  fmt::print("{{\"pings\": {}, \"median_ms\": {:.4f}, \"p999_ms\": {:.4f}, \"max_ms\": {:.4f}}}\n",
             waits.size(), at(0.5), at(0.999), waits.back());
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
