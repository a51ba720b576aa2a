// What the persistence commands ask of the node, and what INFO shows of it.
//
// `server` implements it; command tests fake it.
#pragma once

#include <cstdint>

#include <skein/base/result.h>
#include <skein/base/time.h>

namespace skein {

// INFO persistence, and the fields of other sections that snapshots decide.
struct PersistenceFacts {
  bool loading = false;
  bool loading_beside = false;             // async_loading: the old data is served meanwhile
  std::int64_t loading_since = 0;          // Unix seconds
  std::uint64_t loading_total_bytes = 0;
  std::uint64_t loading_loaded_bytes = 0;
  std::uint64_t loading_rdb_used_memory = 0;
  bool saving = false;                     // a child writes a snapshot to disk
  std::int64_t saving_seconds = -1;
  std::int64_t last_save_unix = 0;
  bool last_background_ok = true;
  std::int64_t last_background_seconds = -1;
  std::uint64_t saves = 0;                 // rdb_saves
  std::uint64_t last_load_loaded = 0;
  std::uint64_t last_load_expired = 0;
  // Of the child under way.
  std::uint64_t cow_peak = 0;
  std::uint64_t cow_now = 0;
  std::int64_t cow_age_seconds = 0;
  double fork_percent = 0;
  std::uint64_t keys_processed = 0;
  std::uint64_t keys_total = 0;
  std::uint64_t last_cow = 0;              // rdb_last_cow_size
  std::int64_t last_fork_micros = 0;       // latest_fork_usec
  std::uint64_t forks = 0;                 // total_forks
};

class SnapshotActions {
 public:
  virtual ~SnapshotActions() = default;

  [[nodiscard]] virtual PersistenceFacts persistence_facts() = 0;
  // SAVE: done when it returns. The error is for the log as well as for the reply.
  virtual Result<void> save() = 0;
  [[nodiscard]] virtual bool is_saving() const = 0;   // a child writes to disk
  [[nodiscard]] virtual bool has_child() const = 0;   // of any kind
  // BGSAVE; there is no child.
  virtual Result<void> save_in_background() = 0;
  // BGSAVE SCHEDULE: as soon as there is no child.
  virtual void schedule_save() = 0;
  // DEBUG RELOAD: saves first unless told not to, empties the keyspace unless told not to, loads.
  struct Reload {
    bool save = true;
    bool flush = true;
    bool merge = false;  // keys that are there are overwritten
  };
  virtual Result<void> reload(const Reload& how) = 0;
  // FLUSHALL has emptied every database: where there are save points the file is to be empty too.
  virtual void on_flushed_all() {}
};

}  // namespace skein
