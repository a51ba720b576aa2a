// The turns of the event loop: takes the requests of all clients that have sent something,
// in batches, runs them, and sends the replies when the turn ends.
//
// A batch is prepared as a whole (parse, find the command, hash the key, prefetch its
// bucket, prefetch its entry) and then executed in order, so that memory is fetched for one request
// while another runs; where values are long, each is fetched a few requests ahead of its own. What was prepared is a hint; a request runs only if its connection is
// still open and not suspended.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include <skein/config/settings.h>
#include <skein/dispatch/dispatcher.h>
#include <skein/net/client_net.h>
#include <skein/session/registry.h>
#include <skein/session/watch.h>

#include "client.h"
#include "output_room.h"

namespace skein {

class ClientTurns final : public ClientHandler {
 public:
  struct Hooks {
    std::function<void()> begin_turn;  // refresh clocks and facts
    std::function<void()> end_turn;    // before replies leave
    // Whether writes that were executed may be acknowledged, by a fresh look at the clock. Asked once
    // in a turn that wrote.
    std::function<bool()> may_acknowledge = {};
    std::function<void()> begin_batch = {};  // before requests run
    // What clients can bring about: in a few words, and the line.
    std::function<void(std::string_view cause, LogLevel level, std::string_view line)> log;
    // Sends a session that is a replica what it is owed; its output is not the connection's.
    std::function<void(Session&)> flush_replica = {};
    // A session is about to go.
    std::function<void(Session&)> on_closing = {};
  };
  struct Parts {
    asio::io_context& loop;
    Dispatcher& dispatcher;
    Keyspace& keyspace;
    SessionRegistry& sessions;
    WatchTable& watch;
    const Settings& settings;
    NodeFacts& facts;
  };
  ClientTurns(Parts parts, Hooks hooks);
  ~ClientTurns() override;

  // Takes a connected socket over. The session is registered and still to be filled in;
  // `start` begins reading.
  Session& adopt(Stream stream);
  void start(Session& session);

  // Runs calls that waited for what is over now.
  void resume(SuspendReason reason);
  // A write of its was answered later than it ran: the reply leaves in a turn of its own, if it may.
  void answered_late(Session& session);
  // Whether calls wait for the lease to write; some that have gone meanwhile may be among them.
  [[nodiscard]] bool has_lease_waiters() const { return has_lease_waiters_; }
  // The lease that had lapsed before replies could leave is renewed: they may.
  void acknowledge_held();
  // Who wrote and has had no reply never gets one: the slots are another's, or that is in doubt for long.
  void drop_unacknowledged();
  void close_all();
  // Cuts clients over their output limits and idle ones. From the cron.
  void check_limits(MonoTime now);

  [[nodiscard]] ClientNet& net() { return net_; }
  [[nodiscard]] std::uint64_t output_limit_disconnections() const { return output_limit_disconnections_; }
  [[nodiscard]] std::uint64_t query_limit_disconnections() const { return query_limit_disconnections_; }
  void reset_statistics() { output_limit_disconnections_ = query_limit_disconnections_ = 0; }
  [[nodiscard]] std::size_t count() const { return clients_.size(); }
  // Bytes of replies that clients have still to be sent. While there is a maxmemory, to the last batch.
  [[nodiscard]] std::size_t unsent() const { return unsent_; }
  // Memory of what clients have sent, or queued in a transaction, and nobody has executed.
  [[nodiscard]] std::size_t unexecuted() const { return net_.input_memory() + queued_; }
  // A replica is cut by its limit: counted with the others.
  void note_output_limit_disconnection() { ++output_limit_disconnections_; }
  // A client as log lines about it show it.
  [[nodiscard]] static std::string describe(Session& session);

  void serve(std::span<ClientConnection* const> ready) override;
  void on_broken(ClientConnection& connection, bool ended) override;
  void on_writable(ClientConnection& connection) override;
  void on_released(ClientConnection& connection) override;

 private:
  friend class Client;
  static constexpr std::size_t kBatch = 16;
  // How many requests before its own a value is fetched: its entry has come by then, and a core has
  // room for only some ten lines on their way.
  static constexpr std::size_t kValuesAhead = 3;
  // So much of what a turn only reads is sent at once: while it is in the processor's cache, and into the memory
  // that the next client's replies take.
  static constexpr std::size_t kSendEarly = 32 * 1024;
  // What a client may be owed before its further requests wait, and until when.
  static constexpr std::size_t kThrottleAbove = 32 * 1024 * 1024;

  struct Item {
    Client* client;
    std::size_t first_argument;
    std::size_t argument_count;
    std::size_t end;  // of the client's input, where this request ends
    Prepared request;
  };

  // Which of them comes first in the next turn, should any have requests left.
  std::size_t serve_batches(std::span<ClientConnection* const> ready);
  bool gather(Client& client);
  [[nodiscard]] bool has_items(const Client& client) const;
  void run_batch();
  void note_write(Client& client, const Command* command);
  void note_suspended(const Session& session);
  // Inline, or gcc 12 takes them for functions without effect and drops the calls.
  [[gnu::always_inline]] inline void prefetch_batch() const;
  [[gnu::always_inline]] inline void prefetch_value(const Item& item) const;
  [[nodiscard]] bool has_long_value(const Item& item) const;
  void finish_batch(bool may_have_written);
  [[nodiscard]] bool may_write() const;
  void finish(Client& client, bool may_acknowledge);
  [[nodiscard]] bool may_execute(const Client& client) const;
  [[nodiscard]] bool has_more(const Client& client) const;
  void close(Client& client, bool after_replies);
  void close_marked();
  void cut_for_input(Client& client);
  [[nodiscard]] bool keep_arguments(Client& client);
  // False when the client is to be closed.
  bool flush(Client& client);
  [[nodiscard]] OutputRoom room_of(const Session& session) const;
  [[nodiscard]] bool over_output_limit(Session& session) const;
  void cut_for_output(Client& client);
  void count_unsent(Client& client);
  void count_queued(Client& client);
  [[nodiscard]] static std::string describe(Client& client);

  Parts parts_;
  Hooks hooks_;
  ClientNet net_;
  std::unordered_map<Client*, std::unique_ptr<Client>> clients_;
  std::vector<Item> batch_;
  std::vector<Client*> to_close_;
  bool close_posted_ = false;
  bool in_turn_ = false;
  bool wrote_ = false;  // somebody, and the replies have not been let go
  bool has_held_ = false;
  bool has_lease_waiters_ = false;
  Arguments arguments_;
  bool long_values_ = false;  // the last batch touched such ones: looking at short ones costs more than it saves
  Ticks turn_ends_ = 0;
  std::size_t unsent_ = 0;
  std::size_t queued_ = 0;  // in transactions and calls that wait
  std::uint64_t output_limit_disconnections_ = 0;
  std::uint64_t query_limit_disconnections_ = 0;
};

}  // namespace skein
