#include <skein/disk/child.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/buffer.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <fmt/format.h>

#include <skein/base/clock.h>
#include <skein/base/memory.h>

namespace skein {

namespace {

constexpr std::chrono::seconds kReportEvery{1};
// Counting private memory walks the page tables: at most a hundredth of the child's time.
constexpr int kCountingShare = 100;
constexpr std::size_t kLongestError = 1024;

// What goes through the pipe: this, then `text_size` bytes of an error.
struct Record {
  std::uint64_t done = 0;
  std::uint64_t private_bytes = 0;
  std::uint32_t text_size = 0;
  std::uint32_t failed = 0;
};

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Whether anybody has the other end of a pipe open.
bool has_reader(int descriptor) {
  pollfd asked{.fd = descriptor, .events = 0, .revents = 0};
  return ::poll(&asked, 1, 0) <= 0 || (asked.revents & POLLERR) == 0;
}

// Private_Dirty of all mappings together, without the heap.
std::uint64_t private_bytes() {
  const int descriptor = ::open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(descriptor, buffer.data(), buffer.size() - 1);
  ::close(descriptor);
  if (got <= 0) return 0;
  buffer[static_cast<std::size_t>(got)] = '\0';
  const char* line = std::strstr(buffer.data(), "Private_Dirty:");
  return line == nullptr ? 0 : std::strtoull(line + std::strlen("Private_Dirty:"), nullptr, 10) * 1024;
}

void close_all_but(std::span<const int> keeps) {
  std::vector<int> kept(keeps.begin(), keeps.end());
  std::sort(kept.begin(), kept.end());
  unsigned next = 3;
  for (const int descriptor : kept) {
    const auto number = static_cast<unsigned>(descriptor);
    if (number < next) continue;
    if (number > next) ::close_range(next, number - 1, 0);
    next = number + 1;
  }
  ::close_range(next, ~0U, 0);
}

// A terminal sends INT, QUIT and HUP to the whole group: what becomes of the child is then
// its parent's decision. TERM is meant for it alone and ends it.
void take_own_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
}

[[noreturn]] void be_child(std::span<const int> keeps, int report_descriptor, const Child::Work& work) {
  take_own_signals();
  std::vector<int> kept(keeps.begin(), keeps.end());
  kept.push_back(report_descriptor);
  close_all_but(kept);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  // The log is closed here; that the child ended with nothing to tell is its parent's to say.
  on_out_of_memory([](std::size_t) { ::_exit(1); });
  ChildReport report(report_descriptor);
  const Result<void> outcome = work(report);
  report.finish(outcome);
  ::_exit(outcome ? 0 : 1);
}

}  // namespace

bool ChildReport::note(std::uint64_t done) {
  done_ = done;
  heard_ = heard_ && has_reader(descriptor_);
  if (!heard_) return false;
  const MonoTime now = read_boot_clock();
  if (now < next_) return true;
  heard_ = tell({});
  const MonoTime after = read_boot_clock();
  next_ = after + std::max<nanoseconds>(kReportEvery, (after - now) * kCountingShare);
  return heard_;
}

void ChildReport::finish(const Result<void>& outcome) {
  if (heard_) tell(outcome ? std::string_view{} : outcome.error().message());
}

bool ChildReport::tell(std::string_view error) {
  error = error.substr(0, kLongestError);
  const Record record{.done = done_,
                      .private_bytes = private_bytes(),
                      .text_size = static_cast<std::uint32_t>(error.size()),
                      .failed = error.empty() ? 0U : 1U};
  std::string bytes(reinterpret_cast<const char*>(&record), sizeof record);
  bytes += error;
  return write_all(descriptor_, bytes);
}

class Child::State : public std::enable_shared_from_this<State> {
 public:
  State(asio::io_context& loop, pid_t pid, int descriptor, microseconds fork_time, Hooks hooks)
      : pid_(pid), fork_time_(fork_time), pipe_(loop, descriptor), hooks_(std::move(hooks)) {}

  void read() {
    pipe_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](const asio::error_code& error,
                                                                             std::size_t size) {
      // Killed in between: an outcome that was on its way is none any more.
      if (self->ended_) return;
      if (error) {
        self->end();
        return;
      }
      self->take({self->buffer_.data(), size});
      if (!self->ended_) self->read();
    });
  }

  void kill() {
    if (std::exchange(ended_, true)) return;
    ::kill(pid_, SIGKILL);
    (void)reap();
    asio::error_code ignored;
    pipe_.close(ignored);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] microseconds fork_time() const { return fork_time_; }
  [[nodiscard]] const ChildProgress& progress() const { return progress_; }

 private:
  void take(std::string_view bytes) {
    pending_ += bytes;
    Record record;
    while (pending_.size() >= sizeof record) {
      std::memcpy(&record, pending_.data(), sizeof record);
      if (pending_.size() < sizeof record + record.text_size) return;
      if (record.failed != 0) error_ = pending_.substr(sizeof record, record.text_size);
      pending_.erase(0, sizeof record + record.text_size);
      progress_ = {.done = record.done, .private_bytes = record.private_bytes};
      if (hooks_.on_progress) hooks_.on_progress(progress_);
      if (ended_) return;
    }
  }

  // Its end of the pipe is closed, which is among the last things a process does.
  void end() {
    ended_ = true;
    const auto status = reap();
    Ending ending;
    if (!status) {
      // Somebody else has, and nobody knows how it went.
      ending.outcome = Error(fmt::format("waitpid: {}", std::strerror(errno)));
    } else if (WIFSIGNALED(*status)) {
      ending.signal = WTERMSIG(*status);
      ending.outcome = Error(fmt::format("terminated by signal {}", ending.signal));
    } else if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0) {
      ending.outcome = Error(error_.empty() ? fmt::format("ended with {}", WEXITSTATUS(*status)) : error_);
    }
    // The owner may let go of the child from inside.
    const auto self = shared_from_this();
    if (hooks_.on_end) hooks_.on_end(std::move(ending));
  }

  // What waitpid says of it.
  [[nodiscard]] std::optional<int> reap() const {
    for (;;) {
      int status = 0;
      if (::waitpid(pid_, &status, 0) >= 0) return status;
      if (errno != EINTR) return std::nullopt;
    }
  }

  pid_t pid_;
  microseconds fork_time_;
  asio::posix::stream_descriptor pipe_;
  Hooks hooks_;
  ChildProgress progress_;
  std::array<char, 4096> buffer_{};
  std::string pending_;
  std::string error_;
  bool ended_ = false;
};

Result<std::unique_ptr<Child>> Child::start(asio::io_context& loop, std::span<const int> keeps, const Work& work,
                                            Hooks hooks) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error(fmt::format("pipe: {}", std::strerror(errno)));
  // No handler of ours may run in the child, not even before its first line.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const MonoTime begun = read_boot_clock();
  const pid_t pid = ::fork();
  if (pid == 0) be_child(keeps, ends[1], work);
  const int fork_error = errno;
  const auto took = std::chrono::duration_cast<microseconds>(read_boot_clock() - begun);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return Error(fmt::format("fork: {}", std::strerror(fork_error)));
  }
  auto state = std::make_shared<State>(loop, pid, ends[0], took, std::move(hooks));
  state->read();
  return std::unique_ptr<Child>(new Child(std::move(state)));
}

Child::~Child() { kill(); }

void Child::kill() { state_->kill(); }
pid_t Child::pid() const { return state_->pid(); }
microseconds Child::fork_time() const { return state_->fork_time(); }
const ChildProgress& Child::progress() const { return state_->progress(); }

}  // namespace skein
