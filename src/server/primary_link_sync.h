// Receives a full sync and puts it in the place of the old data set, in one of three ways
// (repl-diskless-load):
//
//   kFile    into a temporary file, decoded dry on the way. Complete and sound it becomes the
//            dump, the keyspace is emptied and loaded from it.
//   kBeside  into a second keyspace; complete and sound the two change places.
//   kEmpty   into the keyspace itself, which is empty, and emptied again when it fails.
//
// Until the last byte has been checked the old data and the old dump stay.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/result.h>
#include <skein/config/config.h>
#include <skein/keyspace/keyspace.h>
#include <skein/persist/rdb_loader.h>
#include <skein/replication/sync_patience.h>

#include "job_thread.h"
#include "loading.h"
#include "log.h"
#include "snapshots.h"

namespace skein {

class FullSync : public std::enable_shared_from_this<FullSync> {
 public:
  struct Parts {
    const Config& config;
    Keyspace& keyspace;
    Snapshots& snapshots;
    Loading& loading;
    Log& logger;
    JobThread& jobs;
    std::function<void(std::vector<DetachedTables>)> free_later;
  };
  enum class Way : std::uint8_t { kFile, kBeside, kEmpty };
  struct Installed {
    Result<void> outcome{};
    RdbFacts facts{};
    SyncTrouble trouble = SyncTrouble::kInterrupted;  // where the outcome is an error
    bool data_lost = false;  // the old data is gone and the new is not there: the set is empty
  };

  // `same_history`: the old data is an earlier state of what comes, and is served meanwhile.
  FullSync(Parts parts, std::optional<std::uint64_t> length, bool same_history, UnixMillis now);
  // Given up unless it was installed: nothing of it stays.
  ~FullSync();
  FullSync(const FullSync&) = delete;
  FullSync& operator=(const FullSync&) = delete;

  [[nodiscard]] Result<void> begin();
  // After an error nothing more is taken, and `trouble` says of what kind it is.
  [[nodiscard]] Result<void> take(std::string_view bytes);
  [[nodiscard]] SyncTrouble trouble() const { return trouble_; }
  // No more comes. `done` is told once, now or later.
  void complete(std::function<void(Installed)> done);
  // The old data is gone, the new not there yet.
  [[nodiscard]] bool is_loading() const { return stage_ == Stage::kEmptying || stage_ == Stage::kLoading; }

 private:
  enum class Stage : std::uint8_t { kReceiving, kSyncing, kEmptying, kLoading, kOver };

  [[nodiscard]] Result<void> open_file();
  [[nodiscard]] Result<void> write(std::string_view bytes);
  void sync_file();
  void on_synced(const Result<void>& synced);
  [[nodiscard]] Result<void> rename_file();
  void replace_data();
  void load_file();
  void on_loaded(Loading::Loaded loaded);
  void remove_file();
  void close_file();
  [[nodiscard]] Error refuse(const Error& error);
  void swap_in();
  void end_snapshot();
  [[nodiscard]] std::vector<DetachedTables> empty_keyspace();
  void end(Installed installed);

  Parts parts_;
  std::optional<std::uint64_t> length_;
  bool same_history_;
  UnixMillis now_;
  Way way_;
  Stage stage_ = Stage::kReceiving;
  SyncTrouble trouble_ = SyncTrouble::kInterrupted;
  bool began_foreign_ = false;  // the gate is ours, not of a file being loaded
  std::unique_ptr<Keyspace> beside_;
  std::unique_ptr<RdbLoader> loader_;
  std::function<void(Installed)> done_;
  std::string directory_;
  std::string temporary_;
  std::string dump_;
  int file_ = -1;
  std::uint64_t written_ = 0;
  std::uint64_t flushed_ = 0;
};

}  // namespace skein
