// What MIGRATE asks of the node: to bring keys to another one while it goes on serving.
//
// `server` implements it. What is sent for the keys, and what becomes of those that have arrived, is the same whether
// the node waits or not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/keyspace/key_ref.h>
#include <skein/session/session.h>

namespace skein {

struct Migration {
  std::string host;  // as the client names them
  std::string port;
  std::optional<std::string> user;
  std::optional<std::string> password;
  int source_db = 0;
  std::int64_t target_db = 0;
  milliseconds timeout{};
  bool copies = false;         // the keys stay
  std::string requests;        // one for each key, as they are sent
  std::vector<KeyRef> keys;    // in that order; their bytes are within `requests`
  std::uint64_t secrets = 0;   // of the call, as Call::secrets
};

// What came of it.
struct Migrated {
  std::vector<KeyRef> arrived;  // the other node has said so
  std::string error;            // the whole reply without the `-`; empty: all went well
};

class MigrationActions {
 public:
  virtual ~MigrationActions() = default;

  // The session's call is suspended (SuspendReason::kMigrating). Until the other node has answered the keys are in
  // flight; then those that arrived are removed, unless they are copied, and the call is answered.
  virtual void launch(Session& session, Migration migration) = 0;
  // The same while the node stands still, for no longer than it may. The keys are still there: the caller removes them.
  virtual Migrated bring_over(const Migration& migration) = 0;

  // Flights of this slot's keys end with an error, and nothing is removed: SETSLOT says something else of it.
  virtual void end_flights(Slot slot) = 0;

  // Connections that are kept for the next call to the same node.
  [[nodiscard]] virtual std::size_t cached_connections() const = 0;
};

}  // namespace skein
