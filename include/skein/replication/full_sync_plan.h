// When the next snapshot for full syncs starts, what it is and who shares it.
//
//                 next_start, on_started                    on_ended
//   replicas wait ----------------------> a snapshot is under way --------> those who shared it are sent it
//        ^                                       |
//        +--- on_arrival: waits for its turn ----+--- on_arrival: joins, if it is a file and the
//                                                     log still has all since its offset
//
// Knows replicas by number, no child process and no sockets: the owner starts what it is told and
// reports the end. A replica leaves the plan when its snapshot has been started.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>

namespace skein {

// What of the data set a replica asked for (REPLCONF rdb-filter-only). Different wishes never
// share a snapshot.
struct SnapshotWish {
  bool keys = true;
  bool functions = true;
  [[nodiscard]] bool is_filtered() const { return !keys || !functions; }
  friend bool operator==(const SnapshotWish&, const SnapshotWish&) = default;
};

struct FullSyncPolicy {
  bool diskless = true;            // repl-diskless-sync
  seconds delay{};                 // repl-diskless-sync-delay: others may come and share the stream
  std::size_t max_replicas = 0;    // repl-diskless-sync-max-replicas: as many need not wait; 0: no number
};

class FullSyncPlan {
 public:
  using Number = std::uint64_t;

  enum class Kind : std::uint8_t {
    kFile,    // complete before anybody is sent it: its length is known, others may join
    kStream,  // sent while it is made, to those who were there at its start
  };

  struct Applicant {
    Number number = 0;
    bool takes_stream = false;  // capa eof
    SnapshotWish wish;
    MonoTime since{};
  };

  // Why an applicant waits, or that it need not.
  enum class Arrival : std::uint8_t {
    kJoins,               // shares the file that is being written
    kWaits,               // no snapshot is under way: next_start tells when
    kWaitsBehindForeign,  // a snapshot nobody replicates from, whose offset is not known
    kWaitsBehindStream,   // a stream's beginning has been sent already
    kWaitsBehindOther,    // the file under way has another content
    kWaitsBehindLog,      // what was written since the file's offset is no longer kept
  };
  // `child`: some child process is under way, ours or not. `log_holds_start`: a reader may
  // begin where the snapshot under way did. One that joins is not kept here.
  Arrival on_arrival(const Applicant& applicant, bool child, bool log_holds_start);
  void on_left(Number number);

  struct Start {
    Kind kind = Kind::kFile;
    SnapshotWish wish;
    std::vector<Number> who;  // in the order they came
  };
  // The snapshot to begin now; nothing while a child is under way, nobody waits, or who waits
  // is given time for others to come. Asked again after every event and now and then.
  [[nodiscard]] std::optional<Start> next_start(MonoTime now, const FullSyncPolicy& policy, bool child) const;
  // It has been begun, with the data as of `at`.
  void on_started(const Start& start, ReplOffset at);
  // It could not be begun: its applicants are gone.
  void on_failed(const Start& start);
  // It is complete or lost.
  void on_ended() { under_way_.reset(); }

  struct UnderWay {
    Kind kind = Kind::kFile;
    SnapshotWish wish;
    ReplOffset at;
  };
  [[nodiscard]] const std::optional<UnderWay>& under_way() const { return under_way_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  void take_out(const Start& start);

  std::vector<Applicant> waiting_;  // oldest first
  std::optional<UnderWay> under_way_;
};

}  // namespace skein
