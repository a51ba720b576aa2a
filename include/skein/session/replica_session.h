// What a session is beyond a client once it has introduced itself as a replica: REPLCONF's
// facts and how far it is.
//
// Plain state; what follows from it is decided by the primary's side in `server`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <skein/base/ids.h>
#include <skein/base/time.h>

namespace skein {

struct ReplicaSession {
  // By REPLCONF, before PSYNC.
  std::uint16_t listening_port = 0;
  std::string announced_ip;  // empty: as it connects
  bool capable_of_eof = false;
  bool capable_of_psync2 = false;
  bool rdb_only = false;        // a tool that wants a snapshot and no stream
  bool wants_keys = true;       // rdb-filter-only
  bool wants_functions = true;

  // In the order a full sync goes through them. A partial resync begins at kOnline.
  enum class Phase : std::uint8_t {
    kIntroducing,  // no PSYNC yet
    kWaitingForSnapshot,
    kReceivingSnapshot,
    kOnline,
    kSnapshotSent,  // rdb-only: nothing follows
  };
  Phase phase = Phase::kIntroducing;
  bool acknowledges = false;  // has sent an ACK since it is online
  ReplOffset acknowledged;
  MonoTime acknowledged_at{};
  // Bytes it has still to be sent, as of the last attempt. They are the log's, not a copy of its own.
  std::size_t owed = 0;

  [[nodiscard]] bool is_replica() const { return phase != Phase::kIntroducing; }
};

}  // namespace skein
