// One client as state, free of sockets: who it is, how it speaks, what it has begun.
//
// The connection that carries its bytes is known only as `Peer`. The registry of all
// sessions is registry.h, WATCH's table is watch.h.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/owned_bytes.h>
#include <skein/base/time.h>
#include <skein/resp/output.h>
#include <skein/resp/reply_writer.h>
#include <skein/session/gates.h>
#include <skein/session/replica_session.h>

namespace skein {

struct Command;  // skein/command/command.h
class WatchTable;  // skein/session/watch.h

// What a session may ask of the connection that carries it.
class Peer {
 public:
  virtual ~Peer() = default;
  // Ends the connection: at once, or once what was written has left.
  virtual void close(bool after_replies) = 0;
  // Bytes received and not yet executed, and the memory that holds them.
  struct InputFigures {
    std::size_t unread = 0;
    std::size_t memory = 0;
  };
  [[nodiscard]] virtual InputFigures input_figures() const = 0;
  // The memory of an argument of the call under way if it lies in an allocation of its own, or nothing. Whoever takes
  // it keeps the bytes where they are until the call has ended.
  [[nodiscard]] virtual OwnedBytes take_argument(std::string_view) { return {}; }
  // The session has something to execute or to send outside its own turn.
  virtual void wake() = 0;
};

// A call that owns its arguments.
struct OwnedCall {
  const Command* command = nullptr;
  std::vector<std::string> arguments;
};

struct Transaction {
  std::vector<OwnedCall> calls;
  std::size_t bytes = 0;          // of all arguments
  std::size_t bytes_to_keep = 0;  // of those of calls that may be refused for lack of memory
  std::size_t memory = 0;         // that all of it takes, about
  bool refused = false;       // a call could not be queued: EXEC answers EXECABORT
  std::uint32_t gates = 0;    // that one of the calls has to pass
};

struct WatchedKey {
  int db;
  std::string key;
  bool was_expired;  // on WATCH: its later removal is then no change
};

// What a call that answers later waits for.
enum class SuspendReason : std::uint8_t {
  kPaused,
  kReplicas,      // WAIT
  kNoLease,       // a write, while this primary may have been replaced
  kKeysInFlight,  // a key of the call is on its way to another node
  kMigrating,     // MIGRATE itself
  kHandover       // SHUTDOWN, while a replica takes over
};

struct SuspendedCall {
  OwnedCall call;
  SuspendReason reason = SuspendReason::kPaused;
};

enum class ReplyMode : std::uint8_t { kOn, kOff, kSkipNext, kSkipping };

class Session {
 public:
  Session(std::uint64_t id, Peer* peer) : id_(id), peer_(peer), writer_(output_) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] Peer* peer() const { return peer_; }
  [[nodiscard]] Output& output() { return output_; }
  [[nodiscard]] const Output& output() const { return output_; }
  [[nodiscard]] ReplyWriter& writer() { return writer_; }
  [[nodiscard]] int protocol() const { return writer_.protocol(); }

  // Gates this session shuts.
  [[nodiscard]] std::uint32_t gates() const { return gates_; }
  [[nodiscard]] bool shuts(std::uint32_t which) const { return (gates_ & which) != 0; }
  void shut(std::uint32_t which, bool on) { gates_ = on ? gates_ | which : gates_ & ~which; }
  [[nodiscard]] bool authenticated() const { return !shuts(gate::kAuth); }

  // Begins, and forgets, a transaction. Forgetting does not unwatch; discarding does.
  void begin_transaction();
  void end_transaction();
  void discard_transaction();

  // ASKING is good for one command, or for the transaction that this one begins.
  void begin_asking();
  void end_asking();

  // Keeps the call, with copies of its arguments: nothing further is executed until it has
  // been resumed (Dispatcher::resume) or answered by what it waited for.
  void suspend(SuspendReason reason, const Command& command, std::span<const std::string_view> arguments);

  void set_reply_mode(ReplyMode mode);
  // Around each command while replies are not simply on: SKIP mutes the next one alone.
  void begin_reply();
  void end_reply();

  int db = 0;
  std::string user = "default";
  std::string name;
  std::string address;        // "ip:port", or "path:0" of a unix socket
  std::string local_address;
  int descriptor = -1;        // as CLIENT LIST shows it
  bool local = false;         // over loopback or a unix socket
  bool unix_socket = false;
  bool readonly = false;      // READONLY: may read from a replica
  bool asking = false;        // ASKING: may use a slot that is only just arriving
  bool asked_again = false;   // by the command under way
  bool no_evict = false;
  bool closing = false;       // nothing more is executed
  bool dirty_watch = false;   // a watched key has changed
  MonoTime created{};
  MonoTime last_active{};
  const Command* last_command = nullptr;
  ReplyMode reply_mode = ReplyMode::kOn;
  std::unique_ptr<Transaction> transaction;
  std::vector<WatchedKey> watched;
  WatchTable* watch_table = nullptr;  // that knows of `watched`
  std::unique_ptr<SuspendedCall> suspended;
  std::unique_ptr<ReplicaSession> replica;  // once REPLCONF or PSYNC came
  bool is_primary_link = false;             // the stream of our primary
  ReplOffset written;                       // where the effects of its writes end
  // What it is owed and must not see before a replica has its writes (RESTORE-ASKING). Set: its writer writes here.
  std::unique_ptr<Output> held_replies;
  // Since when the output is above its soft limit; MonoTime{}: it is not.
  MonoTime above_soft_limit{};

 private:
  std::uint64_t id_;
  Peer* peer_;
  Output output_;
  ReplyWriter writer_;
  std::uint32_t gates_ = 0;
};

}  // namespace skein
