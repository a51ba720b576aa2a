// Snapshots of the data set: SAVE, BGSAVE, save points, and the snapshot a full sync sends.
//
// Owns the child process; there is at most one. What a snapshot looks like is persist's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <asio/io_context.hpp>

#include <skein/commands/snapshot_actions.h>
#include <skein/config/config.h>
#include <skein/keyspace/keyspace.h>
#include <skein/persist/rdb_writer.h>

#include "loading.h"
#include "log.h"

namespace skein {

class Snapshots final : public SnapshotActions {
 public:
  struct Hooks {
    // What the file says beside its keys, asked right before a snapshot is begun.
    std::function<RdbFacts()> facts;
    // stop-writes-on-bgsave-error may have to act or to cease: refresh the gates.
    std::function<void()> changed;
  };
  // What has been loaded is what has been saved: the time of the last save begins as now.
  Snapshots(asio::io_context& loop, const Config& config, Keyspace& keyspace, Loading& loading, Log& log, Hooks hooks);
  ~Snapshots() override;

  PersistenceFacts persistence_facts() override;
  Result<void> save() override;
  [[nodiscard]] bool is_saving() const override;
  [[nodiscard]] bool has_child() const override;
  Result<void> save_in_background() override;
  void schedule_save() override;
  Result<void> reload(const Reload& how) override;
  void on_flushed_all() override;

  // For full syncs. The outcome comes once, on the event loop. At most one child: ask has_child first.
  //
  // To a file: dbfilename itself unless `temporary`; `path` is what was written.
  struct FileOutcome {
    Result<void> written;
    std::string path;
  };
  Result<void> snapshot_to_file(const RdbWriteOptions& what, bool temporary, std::function<void(FileOutcome)> done);
  // As a stream: `on_bytes` gets pieces of some 64 KiB as the child writes them. While `want_more`
  // is false nothing is read, and the child waits: resume_stream goes on.
  struct StreamReader {
    std::function<void(std::string_view)> on_bytes;
    std::function<bool()> want_more;
    std::function<void(Result<void>)> on_end;
  };
  Result<void> snapshot_to_stream(const RdbWriteOptions& what, StreamReader reader);
  void resume_stream();
  // Ends the child if there is one; its outcome is an error. Its temporary file is gone.
  void kill_child();

  // Save points, scheduled saves, the child's progress. From the cron.
  void on_cron(MonoTime now);
  // The gate of stop-writes-on-bgsave-error.
  [[nodiscard]] bool refuses_writes() const;
  // SHUTDOWN's save; `dbfilename` holds everything when it returns. There is no child.
  Result<void> save_for_shutdown();
  // The file data is loaded from and saved to.
  [[nodiscard]] std::string path() const;
  void reset_statistics();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace skein
