#include "stop_signals.h"

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "process.h"

namespace skein {

namespace {

enum Stage : std::sig_atomic_t { kServing, kAsked, kWaiting, kOver };

// What a signal handler may read: globals, one process having one handler.
volatile std::sig_atomic_t stage = kServing;
int signal_descriptor = -1;
std::array<char, PATH_MAX> half_written{};
volatile std::sig_atomic_t is_half_written = 0;

// Only what is safe in a handler: unlink, write, _Exit.
[[noreturn]] void give_up() {
  if (is_half_written != 0) ::unlink(half_written.data());
  write_to_log("You insist... exiting now.\n");
  std::_Exit(1);
}

// Runs whatever the node thread is busy with, so that INT helps where nothing else does.
void on_signal(int signal) {
  const int error = errno;
  if (signal != SIGHUP) {
    if (stage == kAsked && signal == SIGINT) give_up();
    if (stage == kAsked || stage == kOver || (stage == kWaiting && signal != SIGINT)) return;
    stage = kAsked;
  }
  const char byte = static_cast<char>(signal);
  [[maybe_unused]] const auto written = ::write(signal_descriptor, &byte, 1);
  errno = error;
}

}  // namespace

Result<int> catch_signals() {
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return Error(std::strerror(errno));
  signal_descriptor = ends[1];
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) {
    sigaddset(&action.sa_mask, signal);  // none of them in the middle of another
  }
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) sigaction(signal, &action, nullptr);
  return ends[0];
}

void serve_on() { stage = kServing; }
void wait_to_stop() { stage = kWaiting; }
void save_to_stop() {
  if (stage == kWaiting) stage = kAsked;
}
void stop_for_good() { stage = kOver; }

HalfWritten::HalfWritten(const std::string& path) {
  if (path.size() >= half_written.size()) return;
  std::memcpy(half_written.data(), path.c_str(), path.size() + 1);
  is_half_written = 1;
}

HalfWritten::~HalfWritten() { is_half_written = 0; }

}  // namespace skein
