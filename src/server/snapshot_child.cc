#include "snapshot_child.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <asio/posix/stream_descriptor.hpp>
#include <fmt/format.h>

#include <skein/disk/new_file.h>

#include "process.h"
#include "stop_signals.h"

namespace skein {

namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr int kPipeSize = 1024 * 1024;
// Pieces read before other events have their turn.
constexpr int kPiecesATurn = 4;

std::string temporary_name(pid_t pid) { return fmt::format("temp-{}.rdb", pid); }
// A snapshot that is made for replicas and has no name of its own.
std::string sync_name(pid_t pid) { return fmt::format("temp-sync-{}.rdb", pid); }

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

class FileSink final : public ByteSink {
 public:
  explicit FileSink(NewFile& file) : file_(file) {}
  Result<void> write(std::string_view bytes) override { return file_.write(bytes); }

 private:
  NewFile& file_;
};

class PipeSink final : public ByteSink {
 public:
  explicit PipeSink(int descriptor) : descriptor_(descriptor) {}
  Result<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return Error(fmt::format("write: {}", std::strerror(errno)));
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

 private:
  int descriptor_;
};

// Does what it is given while the parent listens: a child nobody waits for ends.
class HeardSink final : public ByteSink {
 public:
  HeardSink(ByteSink& to, const bool& heard) : to_(to), heard_(heard) {}
  Result<void> write(std::string_view bytes) override {
    if (!heard_) return Error("the server has gone");
    return to_.write(bytes);
  }

 private:
  ByteSink& to_;
  const bool& heard_;
};

void sleep_for(microseconds time) {
  timespec left{time.count() / 1'000'000, (time.count() % 1'000'000) * 1000};
  while (nanosleep(&left, &left) != 0) {
  }
}

// rdb-key-save-delay, in steps between which the child still says that it is there.
class KeyDelay {
 public:
  explicit KeyDelay(std::int64_t per_key) : per_key_(per_key) {}
  void wait(std::uint64_t keys, const std::function<bool()>& goes_on) {
    const auto more = static_cast<std::int64_t>(keys - waited_for_);
    waited_for_ = keys;
    if (per_key_ == 0) return;
    microseconds left{per_key_ > 0 ? more * per_key_ : more / -per_key_};
    while (left.count() > 0 && goes_on()) {
      const auto step = std::min<microseconds>(left, std::chrono::milliseconds{100});
      sleep_for(step);
      left -= step;
    }
  }

 private:
  std::int64_t per_key_;
  std::uint64_t waited_for_ = 0;
};

Result<void> write_in_child(const SnapshotPlan& plan, ByteSink& to, ChildReport& report) {
  bool heard = true;
  HeardSink sink(to, heard);
  KeyDelay delay(plan.key_delay);
  const auto note = [&](std::uint64_t keys) {
    heard = report.note(keys);
    delay.wait(keys, [&] { return heard = report.note(keys); });
  };
  RdbWriteOptions what = plan.what;
  what.progress = note;
  auto written = write_rdb(plan.keyspace, plan.facts, what, sink);
  if (written) note(what.with_keys ? plan.keyspace.total_keys() : 0);
  if (written && !heard) written = Error("the server has gone");
  return written;
}

}  // namespace

Result<void> write_snapshot_file(const SnapshotPlan& plan, const std::string& path) {
  const std::string temporary = folder_of(path) + temporary_name(::getpid());
  const HalfWritten given_up_on(temporary);
  auto file = NewFile::create(temporary, plan.sync_on_the_way);
  if (!file) return file.error();
  FileSink sink(*file);
  if (auto written = write_rdb(plan.keyspace, plan.facts, plan.what, sink); !written) return written;
  return file->commit(path);
}

Result<std::unique_ptr<SnapshotChild>> SnapshotChild::write_file(asio::io_context& loop, const SnapshotPlan& plan,
                                                                 const std::string& folder, const std::string& name,
                                                                 Hooks hooks) {
  const auto path_by = [&](pid_t pid) { return folder + (name.empty() ? sync_name(pid) : name); };
  const auto work = [&](ChildReport& report) -> Result<void> {
    if (!plan.title.empty()) set_title(plan.title);
    auto file = NewFile::create(folder + temporary_name(::getpid()), plan.sync_on_the_way);
    if (!file) return file.error();
    FileSink sink(*file);
    if (auto written = write_in_child(plan, sink, report); !written) return written;
    return file->commit(path_by(::getpid()));
  };
  std::unique_ptr<SnapshotChild> made(new SnapshotChild);
  SnapshotChild* self = made.get();
  auto child = Child::start(loop, {}, work,
                            {.on_progress = std::move(hooks.on_progress),
                             .on_end = [self, on_end = std::move(hooks.on_end)](Child::Ending ending) {
                               // One that left by itself has removed what it did not finish.
                               if (ending.signal != 0) ::unlink(self->temporary_.c_str());
                               self->temporary_.clear();
                               on_end(std::move(ending));
                             }});
  if (!child) return child.error();
  made->child_ = std::move(*child);
  made->path_ = path_by(made->child_->pid());
  made->temporary_ = folder + temporary_name(made->child_->pid());
  return made;
}

// Carries what the child writes to whoever wants it. Ends when the pipe has run dry and the
// child's outcome is known, whichever comes last.
class SnapshotChild::Pump : public std::enable_shared_from_this<Pump> {
 public:
  Pump(asio::io_context& loop, int descriptor, Reader reader, std::function<void(Child::Ending)> on_end)
      : pipe_(loop, descriptor), reader_(std::move(reader)), on_end_(std::move(on_end)) {}

  void wait() {
    if (waiting_ || dry_ || stopped_) return;
    waiting_ = true;
    pipe_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const asio::error_code& error) {
                       self->waiting_ = false;
                       if (!error && !self->stopped_) self->read();
                     });
  }

  void on_child_end(Child::Ending ending) {
    ending_ = std::move(ending);
    end_if_over();
  }

  void stop() {
    stopped_ = true;
    asio::error_code ignored;
    pipe_.close(ignored);
  }

 private:
  void read() {
    for (int i = 0; i < kPiecesATurn; ++i) {
      if (!reader_.want_more()) return;
      const ssize_t got = ::read(pipe_.native_handle(), buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) break;
      if (got <= 0) {
        dry_ = true;
        end_if_over();
        return;
      }
      reader_.on_bytes({buffer_.data(), static_cast<std::size_t>(got)});
      if (stopped_) return;
    }
    wait();
  }

  void end_if_over() {
    if (stopped_ || !dry_ || !ending_) return;
    stopped_ = true;
    // The owner may let go of us from inside.
    const auto self = shared_from_this();
    on_end_(std::move(*ending_));
  }

  asio::posix::stream_descriptor pipe_;
  Reader reader_;
  std::function<void(Child::Ending)> on_end_;
  std::array<char, kPiece> buffer_;
  std::optional<Child::Ending> ending_;
  bool waiting_ = false;
  bool dry_ = false;
  bool stopped_ = false;
};

Result<std::unique_ptr<SnapshotChild>> SnapshotChild::write_stream(asio::io_context& loop, const SnapshotPlan& plan,
                                                                   Reader reader, Hooks hooks) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error(fmt::format("pipe: {}", std::strerror(errno)));
  (void)::fcntl(ends[0], F_SETPIPE_SZ, kPipeSize);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  const auto work = [&](ChildReport& report) -> Result<void> {
    if (!plan.title.empty()) set_title(plan.title);
    PipeSink sink(ends[1]);
    return write_in_child(plan, sink, report);
  };
  auto pump = std::make_shared<Pump>(loop, ends[0], std::move(reader), std::move(hooks.on_end));
  const int keeps[] = {ends[1]};
  auto child = Child::start(loop, keeps, work,
                            {.on_progress = std::move(hooks.on_progress), .on_end = [pump](Child::Ending ending) {
                               pump->on_child_end(std::move(ending));
                             }});
  ::close(ends[1]);
  if (!child) return child.error();
  std::unique_ptr<SnapshotChild> made(new SnapshotChild);
  made->child_ = std::move(*child);
  made->pump_ = std::move(pump);
  made->pump_->wait();
  return made;
}

SnapshotChild::~SnapshotChild() {
  if (pump_ != nullptr) pump_->stop();
  if (child_ != nullptr) child_->kill();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void SnapshotChild::resume() {
  if (pump_ != nullptr) pump_->wait();
}

}  // namespace skein
