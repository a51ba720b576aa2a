#include "process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <execinfo.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

#include <skein/base/memory.h>

extern char** environ;

namespace skein {

namespace {

// The server's own descriptors: listeners, bus, files, pipes.
constexpr rlim_t kOwnDescriptors = 32;

struct TitleSpace {
  char* begin = nullptr;
  std::size_t size = 0;
};
// The kernel shows what stands in this memory, which is one per process.
TitleSpace title_space;
int report_descriptor = 2;
std::string build_name = SKEIN_VERSION;

void write_text(std::string_view text) {
  [[maybe_unused]] const auto written = ::write(report_descriptor, text.data(), text.size());
}

void write_number(unsigned long value, unsigned base) {
  std::array<char, 24> digits;
  std::size_t at = digits.size();
  do {
    digits[--at] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  write_text({digits.data() + at, digits.size() - at});
}

// Only what is safe in a signal handler: write, backtrace (loaded beforehand), raise.
void report_crash(int signal, siginfo_t* info, void*) {
  write_text("\n=== SKEIN BUG REPORT: ");
  write_text(build_name);
  write_text(" crashed by signal: ");
  write_number(static_cast<unsigned long>(signal), 10);
  if (info != nullptr && (signal == SIGSEGV || signal == SIGBUS)) {
    write_text(", accessing address 0x");
    write_number(reinterpret_cast<unsigned long>(info->si_addr), 16);
  }
  write_text(" ===\n------ STACK TRACE ------\n");
  std::array<void*, 64> frames;
  const int count = backtrace(frames.data(), static_cast<int>(frames.size()));
  backtrace_symbols_fd(frames.data(), count, report_descriptor);
  write_text("=== END OF SKEIN BUG REPORT. Please send it to the maintainers. ===\n");
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// In a log line's shape but for the time, which could not be worked out without allocating.
void report_out_of_memory(std::size_t size) {
  write_number(static_cast<unsigned long>(::getpid()), 10);
  write_text(":M # Out of memory: an allocation of ");
  write_number(size, 10);
  write_text(" bytes failed. Exiting.\n");
  std::_Exit(1);
}

}  // namespace

std::string detect_supervisor(Supervised wanted) {
  const bool upstart = std::getenv("UPSTART_JOB") != nullptr;
  const bool systemd = std::getenv("NOTIFY_SOCKET") != nullptr;
  if (upstart && (wanted == Supervised::kUpstart || wanted == Supervised::kAuto)) return "upstart";
  if (systemd && (wanted == Supervised::kSystemd || wanted == Supervised::kAuto)) return "systemd";
  return "no";
}

void notify_supervisor(std::string_view supervisor, std::string_view message) {
  if (supervisor == "upstart") {
    // It counts a process as started once it has stopped itself.
    if (message.starts_with("READY")) std::raise(SIGSTOP);
    return;
  }
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (supervisor != "systemd" || path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t size = std::min(std::strlen(path), sizeof address.sun_path - 1);
  std::memcpy(address.sun_path, path, size);
  if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
  ::sendto(descriptor, message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
  ::close(descriptor);
}

DescriptorRoom raise_descriptor_limit(std::uint32_t clients) {
  DescriptorRoom room{.clients = clients, .wanted = rlim_t{clients} + kOwnDescriptors, .granted = 0, .error = {}};
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return room;
  room.granted = limit.rlim_cur;
  if (limit.rlim_cur >= room.wanted) return room;
  const auto raise_to = [&](rlim_t attempt) {
    const rlimit raised{attempt, std::max(attempt, limit.rlim_max)};
    return ::setrlimit(RLIMIT_NOFILE, &raised) == 0;
  };
  if (raise_to(room.wanted)) {
    room.granted = room.wanted;
    return room;
  }
  room.error = std::strerror(errno);
  // As much as there is: the hard limit, which root can pass up to what the kernel allows.
  for (rlim_t refused = room.wanted; refused - room.granted > 1;) {
    const rlim_t attempt = room.granted + (refused - room.granted) / 2;
    (raise_to(attempt) ? room.granted : refused) = attempt;
  }
  room.clients = room.granted > kOwnDescriptors ? static_cast<std::uint32_t>(room.granted - kOwnDescriptors) : 0;
  return room;
}

std::uint64_t descriptor_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : UINT64_MAX;
}

void prepare_title(int argc, char** argv) {
  char* end = argv[0];
  for (int i = 0; i < argc; ++i) {
    if (argv[i] == end) end = argv[i] + std::strlen(argv[i]) + 1;
  }
  std::size_t variables = 0;
  for (char** variable = environ; *variable != nullptr; ++variable, ++variables) {
    if (*variable == end) end = *variable + std::strlen(*variable) + 1;
  }
  // The environment moves elsewhere, because the title will overwrite it.
  auto** moved = static_cast<char**>(std::calloc(variables + 1, sizeof(char*)));
  for (std::size_t i = 0; i < variables; ++i) moved[i] = ::strdup(environ[i]);
  environ = moved;
  title_space = {argv[0], static_cast<std::size_t>(end - argv[0])};
}

void set_title(std::string_view title) {
  if (title_space.size < 2) return;
  const std::size_t size = std::min(title.size(), title_space.size - 1);
  std::memcpy(title_space.begin, title.data(), size);
  std::memset(title_space.begin + size, 0, title_space.size - size);
}

void name_build(std::string text) { build_name = std::move(text); }

void write_to_log(std::string_view text) { write_text(text); }

void install_out_of_memory() { on_out_of_memory(report_out_of_memory); }

void install_crash_reports(int descriptor, bool enabled) {
  report_descriptor = descriptor;
  // The first backtrace loads a library, which must not happen in the handler.
  std::array<void*, 4> frames;
  (void)backtrace(frames.data(), static_cast<int>(frames.size()));
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    struct sigaction action{};
    if (enabled) {
      action.sa_sigaction = report_crash;
      action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESETHAND;
    } else {
      action.sa_handler = SIG_DFL;
    }
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace skein
