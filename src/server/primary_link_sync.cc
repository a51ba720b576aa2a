#include "primary_link_sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <skein/disk/leftovers.h>

namespace skein {

namespace {

// Writing out is begun this often, so that the last fsync finds little left. As redis.
constexpr std::uint64_t kFlushEvery = 8ULL * 1024 * 1024;

Error system_error(std::string_view what) { return Error(fmt::format("{}: {}", what, std::strerror(errno))); }

FullSync::Way choose_way(DisklessLoad load, const Keyspace& keyspace) {
  switch (load) {
    case DisklessLoad::kSwapdb: return FullSync::Way::kBeside;
    case DisklessLoad::kOnEmptyDb: return keyspace.total_keys() == 0 ? FullSync::Way::kEmpty : FullSync::Way::kFile;
    case DisklessLoad::kDisabled: break;
  }
  return FullSync::Way::kFile;
}

// A rename is only safe from a crash once the directory is.
Result<void> sync_directory(const std::string& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return system_error("open the directory");
  const int failed = ::fsync(directory);
  const Error error = system_error("fsync the directory");
  ::close(directory);
  if (failed != 0) return error;
  return {};
}

}  // namespace

FullSync::FullSync(Parts parts, std::optional<std::uint64_t> length, bool same_history, UnixMillis now)
    : parts_(std::move(parts)),
      length_(length),
      same_history_(same_history),
      now_(now),
      way_(choose_way(parts_.config->repl_diskless_load, parts_.keyspace)) {}

FullSync::~FullSync() {
  if (stage_ == Stage::kLoading) parts_.loading.abandon();
  if (stage_ != Stage::kOver && began_foreign_) {
    if (way_ == Way::kEmpty) parts_.free_later(empty_keyspace());
    parts_.loading.end_foreign(0, 0);
  }
  loader_.reset();
  if (beside_ != nullptr) parts_.free_later(beside_->flush(-1));
  close_file();
  remove_file();
}

Result<void> FullSync::begin() {
  parts_.logger.notice(
      length_ ? fmt::format("MASTER <-> REPLICA sync: receiving {} bytes from master {}", *length_,
                            way_ == Way::kFile ? "to disk" : "to parser")
              : fmt::format("MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF {}",
                            way_ == Way::kFile ? "to disk" : "to parser"));
  // A replica leaves removing what has expired to its primary; a sum is always checked.
  const KeyspaceContext& context = parts_.keyspace.context();
  const RdbLoadOptions options{.now = now_,
                               .drop_expired = false,
                               .verify_checksum = true,
                               .databases = context.cluster_mode ? 1 : parts_.keyspace.count()};
  Keyspace* into = nullptr;
  if (way_ == Way::kFile) {
    if (auto opened = open_file(); !opened) return opened;
  } else if (way_ == Way::kBeside) {
    beside_ = std::make_unique<Keyspace>(parts_.keyspace.count(), context.cluster_mode, context.hash_seed);
    beside_->context().lfu = context.lfu;
    beside_->context().lfu_changed = context.lfu_changed;
    beside_->context().now = now_;
    beside_->context().delete_expired = false;
    into = beside_.get();
  } else {
    end_snapshot();
    into = &parts_.keyspace;
  }
  loader_ = std::make_unique<RdbLoader>(into, options);
  if (way_ != Way::kFile) {
    parts_.logger.notice("MASTER <-> REPLICA sync: Loading DB in memory");
    began_foreign_ = true;
    parts_.loading.begin_foreign(way_ == Way::kBeside && same_history_, length_.value_or(0));
  }
  return {};
}

Result<void> FullSync::take(std::string_view bytes) {
  if (way_ == Way::kFile) {
    if (auto written = write(bytes); !written) return written;
  }
  const std::uint64_t dirty = parts_.keyspace.context().dirty;
  auto taken = loader_->feed(bytes);
  parts_.keyspace.context().dirty = dirty;
  if (began_foreign_) parts_.loading.note_foreign(loader_->offset());
  if (!taken) return refuse(taken.error());
  return {};
}

Error FullSync::refuse(const Error& error) {
  const bool cannot_hold = loader_->cannot_hold();
  trouble_ = cannot_hold ? SyncTrouble::kCannotHold : SyncTrouble::kDamaged;
  return error.within(cannot_hold ? "the data set cannot be held here" : "the data set is damaged");
}

void FullSync::complete(std::function<void(Installed)> done) {
  done_ = std::move(done);
  if (const auto finished = loader_->finish(); !finished) {
    const Error why = refuse(finished.error());
    end({.outcome = why, .facts = {}, .trouble = trouble_});
    return;
  }
  switch (way_) {
    case Way::kFile: sync_file(); return;
    case Way::kBeside: swap_in(); break;
    case Way::kEmpty: break;
  }
  // Nothing on disk knows of these keys yet.
  parts_.keyspace.context().dirty += loader_->loaded();
  Installed installed{.outcome = {}, .facts = loader_->facts()};
  stage_ = Stage::kOver;
  parts_.loading.end_foreign(loader_->loaded(), loader_->expired());
  end(std::move(installed));
}

// The second keyspace has the same seed, so entries keep their places.
void FullSync::swap_in() {
  parts_.logger.notice("MASTER <-> REPLICA sync: Swapping active DB with loaded DB");
  if (auto* listener = parts_.keyspace.context().listener; listener != nullptr) listener->on_flushed(-1);
  for (int i = 0; i < parts_.keyspace.count(); ++i) parts_.keyspace.db(i).swap_content(beside_->db(i));
  parts_.logger.notice("MASTER <-> REPLICA sync: Discarding old DB in background");
  end_snapshot();
}

// A child would bring the old data back to disk, or cost twice the memory, for nothing.
void FullSync::end_snapshot() {
  if (!parts_.snapshots.has_child()) return;
  parts_.logger.notice("Replica is about to take over its primary's data set: ending the snapshot child under way.");
  parts_.snapshots.kill_child();
}

Result<void> FullSync::open_file() {
  // Whole paths: `dir` may change meanwhile.
  directory_ = parts_.config->dir.empty() ? "." : parts_.config->dir;
  dump_ = fmt::format("{}/{}", directory_, parts_.config->dbfilename);
  const std::int64_t unix_seconds = now_.value / 1000;
  for (int attempt = 0; attempt < 5; ++attempt) {
    temporary_ = fmt::format("{}/temp-{}.{}.rdb", directory_, unix_seconds + attempt, ::getpid());
    file_ = ::open(temporary_.c_str(), O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0666);
    if (file_ >= 0) {
      hold_unfinished(file_);
      // Without a name of its own it is loaded from where it is, and goes with this object.
      if (parts_.config->dbfilename.empty()) dump_ = temporary_;
      return {};
    }
    if (errno != EEXIST) break;
  }
  const Error error = system_error(fmt::format("Opening the temp file {} needed for MASTER <-> REPLICA synchronization", temporary_));
  temporary_.clear();
  return error;
}

Result<void> FullSync::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t took = ::write(file_, bytes.data(), bytes.size());
    if (took < 0 && errno == EINTR) continue;
    if (took <= 0) {
      return system_error("Write error or short write writing to the DB dump file needed for MASTER <-> REPLICA synchronization");
    }
    bytes.remove_prefix(static_cast<std::size_t>(took));
    written_ += static_cast<std::uint64_t>(took);
  }
  if (written_ - flushed_ >= kFlushEvery) {
    ::sync_file_range(file_, static_cast<off64_t>(flushed_), static_cast<off64_t>(written_ - flushed_), SYNC_FILE_RANGE_WRITE);
    flushed_ = written_;
  }
  return {};
}

// Waiting for the disk is another thread's. The file stays ours until it is renamed.
void FullSync::sync_file() {
  stage_ = Stage::kSyncing;
  // The thread has a descriptor of its own, as this sync may be given up meanwhile.
  const int descriptor = ::fcntl(file_, F_DUPFD_CLOEXEC, 0);
  auto result = std::make_shared<Result<void>>();
  parts_.jobs.submit(
      [descriptor, result] {
        if (descriptor < 0 || ::fsync(descriptor) != 0) *result = system_error("fsync");
        if (descriptor >= 0) ::close(descriptor);
      },
      [self = weak_from_this(), result] {
        if (const auto sync = self.lock()) sync->on_synced(*result);
      });
}

void FullSync::on_synced(const Result<void>& synced) {
  if (stage_ != Stage::kSyncing) return;
  close_file();
  auto ready = synced;
  if (ready) {
    end_snapshot();
    ready = rename_file();
  }
  if (!ready) {
    end({.outcome = ready.error()});
    return;
  }
  replace_data();
}

Result<void> FullSync::rename_file() {
  if (dump_ == temporary_) return {};
  // While it is open its blocks are not freed: that can take long, and waits for the thread.
  const int old = ::open(dump_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const bool renamed = ::rename(temporary_.c_str(), dump_.c_str()) == 0;
  const Error error = system_error(
      fmt::format("Failed trying to rename the temp DB into {} in MASTER <-> REPLICA synchronization", dump_));
  parts_.jobs.submit([old, renamed, directory = directory_] {
    if (old >= 0) ::close(old);
    if (renamed) (void)sync_directory(directory);
  });
  if (!renamed) return error;
  temporary_.clear();
  return {};
}

// The old tables are freed on the helper thread in any case. Unless replica-lazy-flush says
// that there is memory for both, loading waits for that; nobody sees the empty keyspace.
void FullSync::replace_data() {
  loader_.reset();
  parts_.logger.notice("MASTER <-> REPLICA sync: Flushing old data");
  auto old = empty_keyspace();
  if (parts_.config->replica_lazy_flush || old.empty()) {
    parts_.free_later(std::move(old));
    load_file();
    return;
  }
  stage_ = Stage::kEmptying;
  began_foreign_ = true;
  parts_.loading.begin_foreign(false, written_);
  // A job must be copyable.
  auto box = std::make_shared<std::vector<DetachedTables>>(std::move(old));
  parts_.jobs.submit([box] { box->clear(); },
                     [self = weak_from_this()] {
                       const auto sync = self.lock();
                       if (sync == nullptr || sync->stage_ != Stage::kEmptying) return;
                       sync->began_foreign_ = false;
                       sync->parts_.loading.end_foreign(0, 0);
                       sync->load_file();
                     });
}

void FullSync::load_file() {
  stage_ = Stage::kLoading;
  parts_.logger.notice("MASTER <-> REPLICA sync: Loading DB in memory");
  parts_.loading.load_file(dump_, {.now = now_, .drop_expired = false, .verify_checksum = true},
                           [self = weak_from_this()](Loading::Loaded loaded) {
                             if (const auto sync = self.lock()) sync->on_loaded(std::move(loaded));
                           });
}

void FullSync::on_loaded(Loading::Loaded loaded) {
  if (stage_ != Stage::kLoading) return;
  stage_ = Stage::kOver;
  if (!loaded.outcome) {
    // Half of a data set is none.
    parts_.free_later(empty_keyspace());
    end({.outcome = loaded.outcome, .facts = {}, .trouble = SyncTrouble::kDamaged, .data_lost = true});
    return;
  }
  parts_.logger.notice(fmt::format("Done loading RDB, keys loaded: {}, keys expired: {}.", loaded.keys, loaded.expired));
  const Settings& settings = parts_.config.settings();
  if (settings.rdb_del_sync_files && settings.save.empty() && !settings.appendonly) {
    parts_.logger.notice("Removing the RDB file obtained from the master. This replica has persistence disabled");
    const int old = ::open(dump_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ::unlink(dump_.c_str());
    parts_.jobs.submit([old] {
      if (old >= 0) ::close(old);
    });
  }
  end({.outcome = {}, .facts = std::move(loaded.facts)});
}

std::vector<DetachedTables> FullSync::empty_keyspace() {
  const std::uint64_t dirty = parts_.keyspace.context().dirty;
  auto tables = parts_.keyspace.flush(-1);
  parts_.keyspace.context().dirty = dirty;
  return tables;
}

void FullSync::close_file() {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
}

void FullSync::remove_file() {
  if (!temporary_.empty()) ::unlink(std::exchange(temporary_, {}).c_str());
}

void FullSync::end(Installed installed) {
  const auto done = std::exchange(done_, {});
  if (done) done(std::move(installed));
}

}  // namespace skein
