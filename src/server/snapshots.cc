#include "snapshots.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <utility>

#include <asio/post.hpp>
#include <fmt/format.h>

#include <skein/base/clock.h>

#include "snapshot_child.h"

namespace skein {

namespace {

// A failed save is not tried again at once: what made it fail will mostly last a while.
constexpr seconds kRetryDelay{5};

// What the eviction policy of whoever loads the file goes by, taken from our own.
RdbWriteOptions::Use use_of(MaxmemoryPolicy policy) {
  if (counts_frequency(policy)) return RdbWriteOptions::Use::kFrequency;
  const bool by_idle_time = policy == MaxmemoryPolicy::kVolatileLru || policy == MaxmemoryPolicy::kAllkeysLru;
  return by_idle_time ? RdbWriteOptions::Use::kIdle : RdbWriteOptions::Use::kNone;
}

std::uint64_t megabytes(std::uint64_t bytes) { return bytes / (1024 * 1024); }

// A child at work, and whom to tell.
struct Job {
  std::unique_ptr<SnapshotChild> child;
  bool to_disk = false;
  bool is_save = false;  // of everything, to dbfilename
  MonoTime begun{};
  std::uint64_t keys = 0;
  std::uint64_t dirty = 0;  // changes it includes
  std::uint64_t cow_peak = 0;
  MonoTime heard{};
  std::function<void(Snapshots::FileOutcome)> on_file;
  std::function<void(Result<void>)> on_stream_end;
};

}  // namespace

class Snapshots::State {
 public:
  State(asio::io_context& loop, const Config& config, Keyspace& keyspace, Loading& loading, Log& log, Hooks hooks)
      : loop_(loop), config_(config), keyspace_(keyspace), loading_(loading), log_(log), hooks_(std::move(hooks)) {
    last_save_ = read_clocks();
  }

  [[nodiscard]] bool is_saving() const { return job_ && job_->to_disk; }
  [[nodiscard]] bool has_child() const { return job_.has_value(); }
  [[nodiscard]] std::string path() const { return folder() + config_->dbfilename; }
  void schedule() { scheduled_ = true; }

  Result<void> save() {
    ++saves_;
    return save_now();
  }

  Result<void> save_now() {
    if (config_->dbfilename.empty()) return refuse_without_name("Write error saving DB on disk");
    const MonoTime begun = read_boot_clock();
    if (auto written = write_snapshot_file(plan({}, ""), path()); !written) {
      log_.warning(fmt::format("Write error saving DB on disk: {}", written.error().message()));
      return written;
    }
    log_.notice(fmt::format("DB saved on disk: {:.3f} seconds",
                            std::chrono::duration<double>(read_boot_clock() - begun).count()));
    keyspace_.context().dirty = 0;
    last_save_ = read_clocks();
    set_ok(true);
    return {};
  }

  Result<void> save_in_background() { return begin_file({}, false, {}); }

  // What is only a part of the data, or is not for keeping, leaves dbfilename and its figures alone.
  Result<void> begin_file(const RdbWriteOptions& what, bool temporary, std::function<void(FileOutcome)> done) {
    SKEIN_ASSERT(!job_);
    const bool whole = !temporary && what.with_keys && what.with_functions;
    if (whole) last_try_ = read_boot_clock();
    if (whole && config_->dbfilename.empty()) {
      set_ok(false);
      return refuse_without_name("Can't save in background");
    }
    auto child = SnapshotChild::write_file(loop_, plan(what, "redis-rdb-bgsave"), folder(),
                                           whole ? config_->dbfilename : std::string(), child_hooks());
    if (!child) {
      log_.warning(fmt::format("Can't save in background: {}", child.error().message()));
      if (whole) set_ok(false);
      return child.error();
    }
    begin(std::move(*child));
    ++saves_;
    job_->to_disk = true;
    job_->is_save = whole;
    job_->on_file = std::move(done);
    log_.notice(fmt::format("Background saving started by pid {}", job_->child->child().pid()));
    return {};
  }

  Result<void> begin_stream(const RdbWriteOptions& what, StreamReader reader) {
    SKEIN_ASSERT(!job_);
    auto child = SnapshotChild::write_stream(
        loop_, plan(what, "redis-rdb-to-slaves"),
        {.on_bytes = std::move(reader.on_bytes), .want_more = std::move(reader.want_more)}, child_hooks());
    if (!child) {
      log_.warning(fmt::format("Can't begin the RDB transfer: {}", child.error().message()));
      return child.error();
    }
    begin(std::move(*child));
    job_->on_stream_end = std::move(reader.on_end);
    log_.notice(fmt::format("Background RDB transfer started by pid {}", job_->child->child().pid()));
    return {};
  }

  void resume_stream() {
    if (job_) job_->child->resume();
  }

  void kill_child() {
    if (!job_) return;
    log_.notice(fmt::format("Killing the child process {}", job_->child->child().pid()));
    Job job = take_job();
    job.child.reset();
    // Not from inside the caller: who kills it may be who is told of it.
    asio::post(loop_, [job = std::make_shared<Job>(std::move(job))] { tell(*job, Error("killed")); });
  }

  void on_cron(MonoTime now) {
    if (job_ || loading_.is_loading()) return;
    if (!last_ok_ && now - last_try_ <= kRetryDelay) return;
    if (const SavePoint* due = due_point(now)) {
      log_.notice(fmt::format("{} changes in {} seconds. Saving...", due->changes, due->within.count()));
      (void)save_in_background();
    } else if (scheduled_ && save_in_background()) {
      scheduled_ = false;
    }
  }

  // Not at once: the call that flushed is still to be counted and handed to replicas by its change.
  void on_flushed_all() {
    if (job_ && job_->is_save) kill_child();
    if (config_->save.empty()) return;
    asio::post(loop_, [this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired() && !loading_.is_loading()) (void)save_now();
    });
  }

  Result<void> reload(const Reload& how) {
    if (loading_.is_loading()) return Error("ERR A data set is being loaded already");
    if (how.save) {
      // It would put what it began with over what is saved now.
      if (job_ && job_->is_save) kill_child();
      if (auto saved = save_now(); !saved) return Error("ERR");
    }
    RdbLoadOptions options = load_options();
    // What cannot be loaded costs nothing that is there.
    Result<void> loaded = Loading::check_file(path(), options);
    if (loaded) {
      if (how.flush) (void)keyspace_.flush(-1);
      loaded = (how.merge ? loading_.merge_file_now(path(), options) : loading_.load_file_now(path(), options)).outcome;
      if (how.flush) keyspace_.context().dirty = 0;
    }
    if (!loaded) {
      log_.warning(loaded.error().message());
      return Error("ERR Error trying to load the RDB dump, check server logs.");
    }
    log_.warning("DB reloaded by DEBUG RELOAD");
    return {};
  }

  [[nodiscard]] bool refuses_writes() const {
    return !last_ok_ && config_->stop_writes_on_bgsave_error && !config_->save.empty();
  }

  [[nodiscard]] PersistenceFacts facts() const {
    PersistenceFacts facts;
    loading_.fill(facts);
    const MonoTime now = read_boot_clock();
    facts.last_save_unix = last_save_.wall.value / 1000;
    facts.last_background_ok = last_ok_;
    facts.last_background_seconds = last_seconds_;
    facts.saves = saves_;
    facts.last_cow = last_cow_;
    facts.last_fork_micros = fork_micros_;
    facts.forks = forks_;
    if (!job_) return facts;
    const ChildProgress& progress = job_->child->child().progress();
    facts.saving = true;
    facts.saving_seconds = std::chrono::duration_cast<seconds>(now - job_->begun).count();
    facts.cow_peak = job_->cow_peak;
    facts.cow_now = progress.private_bytes;
    if (job_->heard != MonoTime{}) facts.cow_age_seconds = std::chrono::duration_cast<seconds>(now - job_->heard).count();
    facts.keys_processed = progress.done;
    facts.keys_total = job_->keys;
    if (job_->keys > 0) {
      facts.fork_percent = 100.0 * static_cast<double>(progress.done) / static_cast<double>(job_->keys);
    }
    return facts;
  }

  void reset_statistics() {
    saves_ = forks_ = 0;
    fork_micros_ = 0;
  }

 private:
  // Absolute: a folder that was removed and made again is found again.
  [[nodiscard]] std::string folder() const {
    const std::string& dir = config_->dir;
    return dir.empty() || dir.back() == '/' ? dir : dir + "/";
  }

  [[nodiscard]] RdbLoadOptions load_options() const {
    return {.now = read_wall_clock(),
            .drop_expired = keyspace_.context().delete_expired,
            .verify_checksum = config_->rdbchecksum};
  }

  [[nodiscard]] SnapshotPlan plan(const RdbWriteOptions& what, std::string_view title) const {
    const Settings& settings = config_.settings();
    SnapshotPlan made{.keyspace = keyspace_, .facts = hooks_.facts(), .what = what};
    made.what.use = use_of(settings.maxmemory_policy);
    made.what.compress = what.compress && settings.rdbcompression;
    made.what.checksum = what.checksum && settings.rdbchecksum;
    made.key_delay = settings.rdb_key_save_delay;
    made.sync_on_the_way = settings.rdb_save_incremental_fsync;
    if (settings.set_proc_title && !title.empty()) {
      made.title = fmt::format("{} {}:{}{}", title, settings.bind.empty() ? "*" : settings.bind.front(), settings.port,
                               settings.cluster_enabled ? " [cluster]" : "");
    }
    return made;
  }

  [[nodiscard]] SnapshotChild::Hooks child_hooks() {
    return {.on_progress =
                [this](const ChildProgress& progress) {
                  if (!job_) return;
                  job_->cow_peak = std::max(job_->cow_peak, progress.private_bytes);
                  job_->heard = read_boot_clock();
                },
            .on_end = [this](Child::Ending ending) { on_end(std::move(ending)); }};
  }

  Error refuse_without_name(std::string_view what) {
    Error why("dbfilename is empty, so there is no file to save to");
    log_.warning(fmt::format("{}: {}", what, why.message()));
    return why;
  }

  void begin(std::unique_ptr<SnapshotChild> child) {
    Job& job = job_.emplace();
    job.child = std::move(child);
    job.begun = read_boot_clock();
    job.keys = keyspace_.total_keys();
    job.dirty = keyspace_.context().dirty;
    ++forks_;
    fork_micros_ = job.child->child().fork_time().count();
  }

  Job take_job() {
    Job job = std::move(*job_);
    job_.reset();
    last_seconds_ = std::chrono::duration_cast<seconds>(read_boot_clock() - job.begun).count();
    return job;
  }

  void on_end(Child::Ending ending) {
    Job job = take_job();
    const std::uint64_t cow = job.child->child().progress().private_bytes;
    if (ending.outcome) {
      last_cow_ = cow;
      if (job.to_disk) log_.notice("DB saved on disk");
      log_.notice(fmt::format("Fork CoW for RDB: current {} MB, peak {} MB", megabytes(cow), megabytes(job.cow_peak)));
    }
    log_end(job, ending);
    if (job.is_save) {
      if (ending.outcome) {
        std::uint64_t& dirty = keyspace_.context().dirty;
        dirty -= std::min(dirty, job.dirty);
        last_save_ = read_clocks();
      }
      set_ok(static_cast<bool>(ending.outcome));
    }
    tell(job, std::move(ending.outcome));
  }

  void log_end(const Job& job, const Child::Ending& ending) {
    const std::string_view what = job.to_disk ? "saving" : "RDB transfer";
    if (ending.outcome) {
      log_.notice(fmt::format("Background {} terminated with success", what));
    } else if (ending.signal != 0) {
      log_.warning(fmt::format("Background {} terminated by signal {}", what, ending.signal));
    } else {
      log_.warning(fmt::format("Background {} error: {}", job.to_disk ? "saving" : "transfer",
                               ending.outcome.error().message()));
    }
  }

  static void tell(Job& job, Result<void> outcome) {
    // The file's name, for it is known only as long as the child is.
    if (job.on_file) job.on_file({std::move(outcome), job.child != nullptr ? job.child->path() : std::string()});
    else if (job.on_stream_end) job.on_stream_end(std::move(outcome));
  }

  [[nodiscard]] const SavePoint* due_point(MonoTime now) const {
    const std::uint64_t dirty = keyspace_.context().dirty;
    for (const SavePoint& point : config_->save) {
      if (dirty >= static_cast<std::uint64_t>(point.changes) && now - last_save_.mono > point.within) return &point;
    }
    return nullptr;
  }

  void set_ok(bool ok) {
    if (std::exchange(last_ok_, ok) != ok) hooks_.changed();
  }

  asio::io_context& loop_;
  const Config& config_;
  Keyspace& keyspace_;
  Loading& loading_;
  Log& log_;
  Hooks hooks_;
  std::optional<Job> job_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Now last_save_;
  MonoTime last_try_{};
  bool last_ok_ = true;
  bool scheduled_ = false;
  std::int64_t last_seconds_ = -1;
  std::uint64_t saves_ = 0;
  std::uint64_t last_cow_ = 0;
  std::int64_t fork_micros_ = 0;
  std::uint64_t forks_ = 0;
};

Snapshots::Snapshots(asio::io_context& loop, const Config& config, Keyspace& keyspace, Loading& loading, Log& log,
                     Hooks hooks)
    : state_(std::make_unique<State>(loop, config, keyspace, loading, log, std::move(hooks))) {}
Snapshots::~Snapshots() = default;

PersistenceFacts Snapshots::persistence_facts() { return state_->facts(); }
Result<void> Snapshots::save() { return state_->save(); }
bool Snapshots::is_saving() const { return state_->is_saving(); }
bool Snapshots::has_child() const { return state_->has_child(); }
Result<void> Snapshots::save_in_background() { return state_->save_in_background(); }
void Snapshots::schedule_save() { state_->schedule(); }
Result<void> Snapshots::reload(const Reload& how) { return state_->reload(how); }
void Snapshots::on_flushed_all() { state_->on_flushed_all(); }

Result<void> Snapshots::snapshot_to_file(const RdbWriteOptions& what, bool temporary,
                                         std::function<void(FileOutcome)> done) {
  return state_->begin_file(what, temporary, std::move(done));
}
Result<void> Snapshots::snapshot_to_stream(const RdbWriteOptions& what, StreamReader reader) {
  return state_->begin_stream(what, std::move(reader));
}
void Snapshots::resume_stream() { state_->resume_stream(); }
void Snapshots::kill_child() { state_->kill_child(); }
void Snapshots::on_cron(MonoTime now) { state_->on_cron(now); }
bool Snapshots::refuses_writes() const { return state_->refuses_writes(); }
Result<void> Snapshots::save_for_shutdown() { return state_->save_now(); }
std::string Snapshots::path() const { return state_->path(); }
void Snapshots::reset_statistics() { state_->reset_statistics(); }

}  // namespace skein
