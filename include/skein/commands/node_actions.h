// What a handler may ask of the node beyond the keyspace: the only way from a command to
// files, sockets, threads and the process.
//
// `server` implements it; command tests fake it. What is done at once returns a Result;
// what takes longer suspends the call (Call::suspend) and answers when it is finished.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/result.h>
#include <skein/base/time.h>
#include <skein/cluster/node/effects.h>
#include <skein/commands/info_facts.h>
#include <skein/config/config.h>
#include <skein/keyspace/database.h>
#include <skein/session/session.h>

namespace skein {

enum class PauseKind : std::uint8_t { kNone, kWrite, kAll };

struct ShutdownRequest {
  bool save = false;
  bool nosave = false;
  bool now = false;
  bool force = false;
};

class NodeActions {
 public:
  virtual ~NodeActions() = default;

  // A configuration change has been taken over into the Config: make it act (rebind, chdir,
  // log level, limits...). On failure the caller takes it back and says which directive failed.
  struct ApplyFailure {
    const Directive* directive;
    std::string reason;
  };
  virtual std::optional<ApplyFailure> apply_config(const SettingsChange& change) = 0;
  // Writes the configuration file the server was started with.
  virtual Result<void> rewrite_config() = 0;

  // CLIENT PAUSE: a later pause never ends before an earlier one; kNone ends all.
  virtual void pause_clients(PauseKind kind, MonoTime until) = 0;
  // Ends a client's connection: after what it is owed was sent, or at once.
  virtual void close_session(Session& session, bool after_replies) = 0;

  // Begins the end. An error when it cannot be done (as "ERR Errors trying to SHUTDOWN. Check logs.").
  // On success nothing more is answered, unless the end is called off.
  virtual Result<void> shut_down(const ShutdownRequest& request) = 0;
  // The end waits for others: the call is to be suspended (SuspendReason::kHandover), and is
  // answered with an error should the end be called off.
  [[nodiscard]] virtual bool waits_to_shut_down() const { return false; }
  // SHUTDOWN ABORT; false when none was under way.
  virtual bool abort_shutdown() = 0;

  // Freed on another thread.
  virtual void free_later(std::vector<DetachedTables> tables) = 0;

  // Figures for INFO, read now.
  [[nodiscard]] virtual InfoFacts info_facts() = 0;
  virtual void reset_statistics() = 0;

  // The cluster member decided something on a command's behalf: carry it out; what must be
  // saved is saved when this returns.
  virtual void carry_out_cluster_effects() = 0;
  // The same for SETSLOT, of which a move needs many: what it said survives the process at once, and the machine soon.
  virtual void carry_out_slot_move() { carry_out_cluster_effects(); }
  // False while the last state could not be saved; it goes on being tried.
  [[nodiscard]] virtual bool is_cluster_saved() { return true; }
  // The sockets of the cluster bus, for CLUSTER LINKS and INFO. Zeros where there is no bus.
  struct BusLinkFigures {
    bool readable = false;  // what the link waits for
    bool writable = false;
    std::uint64_t send_buffer_allocated = 0;
    std::uint64_t send_buffer_used = 0;
  };
  [[nodiscard]] virtual BusLinkFigures bus_link_figures(LinkId) { return {}; }
  [[nodiscard]] virtual std::uint64_t bus_links_over_limit() { return 0; }

  // DEBUG: blocks the node thread, kills the process, writes a log line.
  virtual void sleep(microseconds time) = 0;
  [[noreturn]] virtual void crash(bool by_assert) = 0;
  virtual void log_notice(std::string_view line) = 0;
  virtual void log_warning(std::string_view line) = 0;
  // A warning that whoever reaches the port can bring about: told once a second for each cause. `cause` in a few words.
  virtual void log_outsider(std::string_view cause, std::string_view line) = 0;

  // The wall clock to the microsecond, read now and not once a turn: TIME.
  [[nodiscard]] virtual std::int64_t wall_micros() = 0;
  // Whether expired keys are also looked for when nobody asks for them: DEBUG SET-ACTIVE-EXPIRE.
  virtual void set_active_expire(bool on) = 0;
  // A new replication history begins: DEBUG CHANGE-REPL-ID.
  virtual void change_replication_id() = 0;
};

}  // namespace skein
