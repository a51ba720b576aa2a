#include "loading.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <fmt/format.h>

#include <skein/base/clock.h>

namespace skein {

namespace {

// A slice ends when it has taken this long. Other events wait so long at most, but for a
// single value that takes longer.
constexpr std::chrono::milliseconds kSlice{2};
// Between two looks at the clock; some hundred keys.
constexpr std::size_t kPiece = 16 * 1024;

Error system_error(std::string_view what) { return Error(fmt::format("{}: {}", what, std::strerror(errno))); }

// A file read from its beginning to its end, in pieces.
class InputFile {
 public:
  static Result<InputFile> open(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return system_error("open");
    InputFile file(descriptor);
    struct stat facts{};
    if (::fstat(descriptor, &facts) != 0) return system_error("stat");
    if (S_ISDIR(facts.st_mode)) return Error(std::strerror(EISDIR)).within("open");
    file.size_ = static_cast<std::uint64_t>(facts.st_size);
    ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
    return file;
  }
  InputFile(InputFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_), buffer_(std::move(other.buffer_)) {}
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  // The next piece, good until the next call; empty at the end.
  Result<std::string_view> next() {
    for (;;) {
      const ssize_t got = ::read(descriptor_, buffer_->data(), buffer_->size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error("read");
      return std::string_view(buffer_->data(), static_cast<std::size_t>(got));
    }
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  explicit InputFile(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
  std::uint64_t size_ = 0;
  std::unique_ptr<std::array<char, kPiece>> buffer_ = std::make_unique<std::array<char, kPiece>>();
};

}  // namespace

class Loading::State {
 public:
  State(asio::io_context& loop, Keyspace& keyspace, Hooks hooks)
      : loop_(loop), keyspace_(keyspace), hooks_(std::move(hooks)) {}

  void load_file(const std::string& path, const RdbLoadOptions& options, std::function<void(Loaded)> done) {
    SKEIN_ASSERT(!job_ && !loading_);
    begin(path, &keyspace_, options);
    done_ = std::move(done);
    go_on_later();
  }

  Loaded load_now(const std::string& path, const RdbLoadOptions& options) { return load_now(path, &keyspace_, options); }
  Loaded load_now(const std::string& path, Keyspace* into, const RdbLoadOptions& options) {
    SKEIN_ASSERT(!job_ && !loading_);
    begin(path, into, options);
    while (!step()) {
    }
    return end();
  }

  Loaded merge_now(const std::string& path, const RdbLoadOptions& options) {
    // Keys keep their hashes when they move from one to the other.
    Keyspace beside(keyspace_.count(), keyspace_.context().cluster_mode, keyspace_.context().hash_seed);
    beside.context().now = keyspace_.context().now;
    beside.context().delete_expired = false;
    Loaded loaded = load_now(path, &beside, options);
    if (!loaded.outcome) return loaded;
    const std::uint64_t dirty = keyspace_.context().dirty;
    for (int i = 0; i < beside.count(); ++i) {
      Database& from = beside.db(i);
      Database& to = keyspace_.db(i);
      std::vector<std::string> keys;
      from.for_each([&](const Entry& entry) { keys.emplace_back(entry.key()); });
      for (const auto& key : keys) {
        const KeyRef ref = to.ref(key);
        if (to.peek(ref) != nullptr) to.erase(ref);
        // What has expired before its time to move may be gone.
        if (from.find(ref) != nullptr) to.move_from(from, ref);
      }
    }
    keyspace_.context().dirty = dirty;
    return loaded;
  }

  // The slice that is already under way to the loop ends it.
  void abandon() {
    if (job_) job_->outcome = Error("abandoned");
  }

  void begin_foreign(bool beside, std::uint64_t total_bytes) {
    loading_ = true;
    beside_ = beside;
    total_bytes_ = total_bytes;
    loaded_bytes_ = 0;
    used_memory_ = 0;
    since_ = read_wall_clock();
    hooks_.changed();
  }
  void note_foreign(std::uint64_t loaded_bytes) { loaded_bytes_ = loaded_bytes; }
  void end_foreign(std::uint64_t keys, std::uint64_t expired) {
    last_loaded_ = keys;
    last_expired_ = expired;
    loading_ = beside_ = false;
    hooks_.changed();
  }

  [[nodiscard]] bool is_loading() const { return loading_; }
  [[nodiscard]] bool shuts_gate() const { return loading_ && !beside_; }

  void fill(PersistenceFacts& facts) const {
    facts.loading = loading_ && !beside_;
    facts.loading_beside = loading_ && beside_;
    facts.loading_since = since_.value / 1000;
    facts.loading_total_bytes = total_bytes_;
    facts.loading_loaded_bytes = loaded_bytes_;
    facts.loading_rdb_used_memory = used_memory_;
    facts.last_load_loaded = last_loaded_;
    facts.last_load_expired = last_expired_;
  }

 private:
  struct Job {
    Job(std::string where, Keyspace* into, const RdbLoadOptions& options)
        : path(std::move(where)), loader(into, options), file(InputFile::open(path)) {}
    std::string path;
    RdbLoader loader;
    Result<InputFile> file;
    Result<void> outcome;
  };

  void begin(const std::string& path, Keyspace* into, const RdbLoadOptions& options) {
    job_.emplace(path, into, options);
    loading_ = true;
    total_bytes_ = job_->file ? job_->file->size() : 0;
    loaded_bytes_ = 0;
    used_memory_ = 0;
    since_ = read_wall_clock();
    hooks_.changed();
  }

  // One piece more; true at the end, good or bad.
  bool step() {
    Job& job = *job_;
    if (!job.outcome) return true;
    if (!job.file) {
      job.outcome = job.file.error();
      return true;
    }
    const auto piece = job.file->next();
    if (!piece) {
      job.outcome = piece.error();
    } else if (piece->empty()) {
      job.outcome = job.loader.finish();
      return true;
    } else {
      // What a load puts in is what the file holds already: no change to be saved.
      const std::uint64_t dirty = keyspace_.context().dirty;
      job.outcome = job.loader.feed(*piece);
      keyspace_.context().dirty = dirty;
    }
    loaded_bytes_ = job.loader.offset();
    used_memory_ = job.loader.facts().used_memory;
    return !job.outcome;
  }

  Loaded end() {
    Loaded loaded;
    loaded.outcome = job_->outcome ? job_->outcome : Result<void>(job_->outcome.error().within(job_->path));
    loaded.facts = job_->loader.facts();
    loaded.keys = last_loaded_ = job_->loader.loaded();
    loaded.expired = last_expired_ = job_->loader.expired();
    job_.reset();
    loading_ = false;
    hooks_.changed();
    return loaded;
  }

  void go_on_later() {
    asio::post(loop_, [this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) go_on();
    });
  }

  void go_on() {
    const MonoTime until = read_boot_clock() + kSlice;
    do {
      if (!step()) continue;
      const auto done = std::exchange(done_, {});
      done(end());
      return;
    } while (read_boot_clock() < until);
    go_on_later();
  }

  asio::io_context& loop_;
  Keyspace& keyspace_;
  Hooks hooks_;
  std::optional<Job> job_;
  std::function<void(Loaded)> done_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool loading_ = false;
  bool beside_ = false;
  UnixMillis since_{};
  std::uint64_t total_bytes_ = 0;
  std::uint64_t loaded_bytes_ = 0;
  std::uint64_t used_memory_ = 0;
  std::uint64_t last_loaded_ = 0;
  std::uint64_t last_expired_ = 0;
};

Loading::Loading(asio::io_context& loop, Keyspace& keyspace, Hooks hooks)
    : state_(std::make_unique<State>(loop, keyspace, std::move(hooks))) {}
Loading::~Loading() = default;

void Loading::load_file(const std::string& path, RdbLoadOptions options, std::function<void(Loaded)> done) {
  state_->load_file(path, options, std::move(done));
}
Loading::Loaded Loading::load_file_now(const std::string& path, RdbLoadOptions options) {
  return state_->load_now(path, options);
}
Loading::Loaded Loading::merge_file_now(const std::string& path, RdbLoadOptions options) {
  return state_->merge_now(path, options);
}

Result<void> Loading::check_file(const std::string& path, RdbLoadOptions options) {
  auto file = InputFile::open(path);
  if (!file) return file.error().within(path);
  RdbLoader loader(nullptr, options);
  for (;;) {
    const auto piece = file->next();
    if (!piece) return piece.error().within(path);
    const Result<void> taken = piece->empty() ? loader.finish() : loader.feed(*piece);
    if (!taken) return taken.error().within(path);
    if (piece->empty()) return {};
  }
}

void Loading::abandon() { state_->abandon(); }
void Loading::begin_foreign(bool beside, std::uint64_t total_bytes) { state_->begin_foreign(beside, total_bytes); }
void Loading::note_foreign(std::uint64_t loaded_bytes) { state_->note_foreign(loaded_bytes); }
void Loading::end_foreign(std::uint64_t keys, std::uint64_t expired) { state_->end_foreign(keys, expired); }
bool Loading::is_loading() const { return state_->is_loading(); }
bool Loading::shuts_gate() const { return state_->shuts_gate(); }
void Loading::fill(PersistenceFacts& facts) const { state_->fill(facts); }

}  // namespace skein
