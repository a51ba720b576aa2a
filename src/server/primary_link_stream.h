// Our primary's stream of writes: its bytes become calls that are executed in batches, and
// then, unchanged, the tail of our own log.
//
// A batch is prepared as a whole and executed in order, as a client's pipeline is. Bytes
// enter the log once the command they are has run, those of a transaction with its EXEC: the
// offset never stands inside a group.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <skein/config/settings.h>
#include <skein/dispatch/dispatcher.h>
#include <skein/keyspace/keyspace.h>
#include <skein/replication/log.h>
#include <skein/resp/request_parser.h>
#include <skein/session/session.h>

#include "log.h"

namespace skein {

class PrimaryStream final : public Peer {
 public:
  struct Parts {
    const Settings& settings;
    Keyspace& keyspace;
    Dispatcher& dispatcher;
    ReplicationLog& log;
    NodeFacts& facts;
    Log& logger;
  };
  // `closed`: a command (CLIENT KILL) has closed the session outside its own turn.
  PrimaryStream(Parts parts, std::function<void()> closed);
  ~PrimaryStream() override;

  // Room for the next read, 64 KiB at least; told by `commit` how much of it was used.
  [[nodiscard]] std::span<char> room();
  void commit(std::size_t bytes) {
    end_ += bytes;
    has_work_ = true;
  }
  void append(std::string_view bytes);
  // There may be a whole command that has not been executed.
  [[nodiscard]] bool has_work() const { return has_work_; }

  enum class Outcome : std::uint8_t {
    kHungry,     // everything complete has been executed
    kMore,       // time is up
    kDamaged,    // what follows is no command: `damage` says why
    kAbandoned,  // reset, or closed by a command, meanwhile
  };
  // Executes for about that long.
  Outcome run(microseconds budget);
  // What has been executed is in the log: before its end is told to anybody.
  void note_executed();
  // The link is gone: what was not executed is asked for again.
  void reset();

  [[nodiscard]] const std::string& damage() const { return damage_; }
  // The link is up: a client of its own, in the database where the last one stood.
  void begin_session(std::uint64_t id);
  [[nodiscard]] Session& session() { return *session_; }
  [[nodiscard]] const Session& session() const { return *session_; }
  // Received, whether executed or not, beyond the log's end.
  [[nodiscard]] std::size_t pending() const { return end_ - logged_; }
  // Drops the link as soon as the batch under way ends.
  [[nodiscard]] bool is_closed() const { return session_->closing; }

  void close(bool after_replies) override;
  [[nodiscard]] InputFigures input_figures() const override;
  void wake() override {}

 private:
  static constexpr std::size_t kBatch = 16;
  struct Item {
    std::size_t first_argument;
    std::size_t argument_count;
    std::size_t end;  // where its bytes end in the buffer
    Prepared request;
  };

  // False when the stream cannot be followed beyond what is in the batch.
  bool gather();
  [[nodiscard]] bool judge(const Prepared& request);
  // Inline, or gcc 12 takes it for a function without effect and drops the call.
  [[gnu::always_inline]] inline void prefetch_batch() const;
  void run_batch();
  void log_error(const Prepared& request, std::size_t reply_at);
  void make_room(std::size_t bytes);
  void forget();

  Parts parts_;
  std::function<void()> closed_;
  std::unique_ptr<Session> session_;
  RequestParser parser_;
  std::vector<Item> batch_;
  Arguments arguments_;
  std::string damage_;
  // The buffer: in the log up to `logged_`, executed (but for an open transaction) up to
  // `executed_`, parsed up to `parsed_`.
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t logged_ = 0;
  std::size_t executed_ = 0;
  std::size_t parsed_ = 0;
  std::size_t end_ = 0;
  bool has_work_ = false;
  bool running_ = false;
  bool abandoned_ = false;  // reset while running
  MonoTime errors_since_{};
  int errors_logged_ = 0;
};

}  // namespace skein
