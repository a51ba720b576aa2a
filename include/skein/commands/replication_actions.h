// What the replication commands ask of the node, and what INFO and ROLE show of it.
//
// `server` implements it; command tests fake it. Words of replies are the handlers'.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/result.h>
#include <skein/base/time.h>
#include <skein/session/session.h>

namespace skein {

// INFO replication and ROLE.
struct ReplicationFacts {
  ReplicationId id;
  ReplicationId former_id;                   // none: zeros
  std::int64_t former_until = -1;            // second_repl_offset as redis counts it: one more
  ReplOffset offset;                         // master_repl_offset
  bool backlog_active = false;
  std::uint64_t backlog_size = 0;
  std::int64_t backlog_first_byte = 0;       // as redis counts: one more than the bytes before it
  std::uint64_t backlog_length = 0;
  std::uint64_t log_memory = 0;              // backlog and what waits for slow replicas
  std::uint64_t replicas_memory = 0;
  std::string failover_state = "no-failover";

  // As a replica. Nothing of it is set for a primary.
  struct Primary {
    std::string host;
    std::uint16_t port = 0;
    enum class Link : std::uint8_t { kNone, kConnect, kConnecting, kHandshake, kSyncing, kConnected };
    Link link = Link::kNone;
    std::int64_t seconds_since_io = -1;      // -1: not connected
    ReplOffset read_offset;                  // slave_read_repl_offset
    ReplOffset offset;                       // slave_repl_offset: what has been executed
    // While syncing: bytes of the payload. `total` is -1 when it is not known (diskless).
    std::int64_t sync_total = 0;
    std::int64_t sync_read = 0;
    std::int64_t seconds_since_sync_io = -1;
    std::int64_t link_down_seconds = -1;     // -1: has never been up
    // Full syncs in a row that were in vain, or that no stream could follow; what the last one failed of.
    int sync_failures = 0;
    std::string sync_failure;
    std::int64_t retry_seconds = -1;         // until the next attempt; -1: it is not being waited for
  };
  std::optional<Primary> primary;

  struct Replica {
    std::string ip;
    std::uint16_t port = 0;
    std::string state;                       // "wait_bgsave", "send_bulk" or "online"
    ReplOffset offset;                       // acknowledged
    std::int64_t lag_seconds = 0;
    bool is_online = false;
  };
  std::vector<Replica> replicas;
  std::uint64_t good_replicas = 0;           // min_slaves_good_slaves

  // INFO stats.
  std::uint64_t full_syncs = 0;
  std::uint64_t partial_syncs = 0;
  std::uint64_t partial_refusals = 0;
  std::uint64_t net_input_bytes = 0;         // total_net_repl_input_bytes
  std::uint64_t net_output_bytes = 0;
  double input_kbps = 0;
  double output_kbps = 0;
};

// PSYNC's arguments, or SYNC.
struct SyncRequest {
  bool old_protocol = false;  // SYNC: no reply line, no acknowledgements
  std::string_view id;        // "?" without a history
  std::int64_t next_byte = 0; // PSYNC's number: one more than the offset; -1 without a history
  bool takes_over = false;    // PSYNC ... FAILOVER: we are to become the replica of the one who asks
};

struct FailoverRequest {
  std::string host;  // empty: the best replica
  std::uint16_t port = 0;
  bool force = false;
  milliseconds timeout{};  // zero: none
};

class ReplicationActions {
 public:
  virtual ~ReplicationActions() = default;

  [[nodiscard]] virtual ReplicationFacts replication_facts() = 0;
  [[nodiscard]] virtual bool is_replica() const = 0;

  // REPLICAOF. False when that is its primary already.
  virtual bool follow(std::string_view host, std::uint16_t port) = 0;
  // Somebody asks for this very primary once more: whatever the link waits for is not waited for any longer.
  virtual void hurry_link() {}
  // REPLICAOF NO ONE. Does nothing on a primary.
  virtual void stop_following() = 0;

  // PSYNC and SYNC: answers into the session's output, now or later, and makes it a replica.
  virtual void serve_replica(Session& session, const SyncRequest& request) = 0;
  // REPLCONF ACK from a replica. `aof` is its FACK, if it sent one.
  virtual void on_acknowledged(Session& session, ReplOffset offset, std::optional<ReplOffset> aof) = 0;
  // REPLCONF GETACK from our primary: answer it, once what came before has been executed.
  virtual void acknowledge_to_primary() = 0;

  // WAIT. How many replicas have acknowledged everything this session has written.
  [[nodiscard]] virtual std::uint64_t acknowledged_by(const Session& session) = 0;
  // The session's call is suspended (SuspendReason::kReplicas): it is answered with that
  // number when `wanted` have, or at `until` (MonoTime{}: never). Asks replicas for their offsets.
  virtual void await_replicas(Session& session, std::uint64_t wanted, MonoTime until) = 0;

  // RESTORE-ASKING: the session's replies, from the one that is written next, are held back until a replica that is in
  // sync has acknowledged what this turn writes, though not for long. Without such a replica nothing happens.
  virtual void hold_replies(Session&) {}

  // FAILOVER: the error is the whole reply without the `-`.
  virtual Result<void> begin_failover(const FailoverRequest& request) = 0;
  virtual Result<void> abort_failover() = 0;
  [[nodiscard]] virtual bool is_failing_over() const = 0;
};

}  // namespace skein
