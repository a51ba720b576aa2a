#include "background.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace skein {

namespace {

// The first byte of what is told. Behind kFailed comes the reason.
constexpr char kReady = 'R';
constexpr char kFailed = 'F';
constexpr int kSignalled = 128;  // what shells add to a signal's number

void print(std::string_view text) { [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size()); }

int exit_code_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 1;
  }
  if (WIFSIGNALED(status)) return kSignalled + WTERMSIG(status);
  // Asked to end before it was ready, it may have done so in order; ready it never was.
  return WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1;
}

[[noreturn]] void wait_for(pid_t child, int descriptor) {
  std::array<char, 1024> piece;
  for (bool first = true;;) {
    const ssize_t size = ::read(descriptor, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    std::string_view text(piece.data(), static_cast<std::size_t>(size));
    if (std::exchange(first, false)) {
      if (text[0] == kReady) std::_Exit(0);
      text.remove_prefix(1);
    }
    print(text);
  }
  std::_Exit(exit_code_of(child));
}

void tell(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // it has not waited
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void close_inherited_descriptors() { ::close_range(3, ~0U, 0); }

Starter::~Starter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Starter::Starter(Starter&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Starter& Starter::operator=(Starter&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void Starter::tell_ready() {
  if (descriptor_ < 0) return;
  tell(descriptor_, std::string_view(&kReady, 1));
  ::close(std::exchange(descriptor_, -1));
}

void Starter::tell_failure(std::string_view why) {
  if (descriptor_ < 0) return;
  tell(descriptor_, fmt::format("{}{}\n", kFailed, why));
  ::close(std::exchange(descriptor_, -1));
}

Result<Starter> daemonize() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error(fmt::format("Can't go into the background: {}", std::strerror(errno)));
  const pid_t child = ::fork();
  if (child < 0) return Error(fmt::format("Can't go into the background: {}", std::strerror(errno)));
  if (child > 0) {
    ::close(ends[1]);
    wait_for(child, ends[0]);
  }
  ::close(ends[0]);
  Starter starter(ends[1]);
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR);
  if (null < 0) return starter;
  for (int descriptor = 0; descriptor < 3; ++descriptor) ::dup2(null, descriptor);
  if (null > 2) ::close(null);
  return starter;
}

}  // namespace skein
