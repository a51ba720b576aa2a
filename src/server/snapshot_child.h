// The child process that writes a snapshot, into a file or into a pipe its parent reads.
//
// Knows no save points and no INFO; see snapshots.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <asio/io_context.hpp>

#include <skein/disk/child.h>
#include <skein/keyspace/keyspace.h>
#include <skein/persist/rdb_writer.h>

namespace skein {

// What to write, all of it decided before the fork.
struct SnapshotPlan {
  const Keyspace& keyspace;
  RdbFacts facts;
  RdbWriteOptions what;
  std::string title;           // the child's, in ps; empty: as the parent's
  std::int64_t key_delay = 0;  // microseconds a key; negative: keys a microsecond. For tests
  bool sync_on_the_way = true;
};

// Writes the file at once, in this process: beside `path` first, then in its place.
Result<void> write_snapshot_file(const SnapshotPlan& plan, const std::string& path);

class SnapshotChild {
 public:
  struct Hooks {
    std::function<void(const ChildProgress&)> on_progress;
    std::function<void(Child::Ending)> on_end;  // once; of a stream after its last byte
  };
  // `folder` ends with '/' or is empty. With no `name` the file is left under one of its own.
  static Result<std::unique_ptr<SnapshotChild>> write_file(asio::io_context& loop, const SnapshotPlan& plan,
                                                           const std::string& folder, const std::string& name,
                                                           Hooks hooks);

  struct Reader {
    std::function<void(std::string_view)> on_bytes;
    std::function<bool()> want_more;
  };
  static Result<std::unique_ptr<SnapshotChild>> write_stream(asio::io_context& loop, const SnapshotPlan& plan,
                                                             Reader reader, Hooks hooks);
  // Ends it, and removes what is half-written. No hook is called.
  ~SnapshotChild();
  SnapshotChild(const SnapshotChild&) = delete;
  SnapshotChild& operator=(const SnapshotChild&) = delete;

  // More is wanted again.
  void resume();
  [[nodiscard]] const Child& child() const { return *child_; }
  [[nodiscard]] const std::string& path() const { return path_; }  // of the file, once it is there

 private:
  class Pump;
  SnapshotChild() = default;

  std::unique_ptr<Child> child_;
  std::shared_ptr<Pump> pump_;  // shared with the wait under way
  std::string path_;
  std::string temporary_;
};

}  // namespace skein
