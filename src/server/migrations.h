// Keys under way to other nodes: flights, the connections they use, and how they land.
//
// A flight belongs to one MIGRATE. It begins with its keys in the list of those that fly (Keyspace), and whatever ends
// it takes them out again; the calls that waited for them run then. What is sent and what answers mean is
// migration_exchange.h's; sockets are migration_link.h's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <skein/commands/migration_actions.h>
#include <skein/config/config.h>
#include <skein/dispatch/dispatcher.h>
#include <skein/keyspace/keyspace.h>

#include "client_turns.h"
#include "migration_link.h"

namespace skein {

class Migrations final : public MigrationActions {
 public:
  struct Parts {
    asio::io_context& loop;
    const Config& config;
    Keyspace& keyspace;
    Dispatcher& dispatcher;
    ClientTurns& turns;
    NodeFacts& facts;
  };
  struct Hooks {
    std::function<void()> begin_turn;
    std::function<void()> end_turn;
  };
  Migrations(Parts parts, Hooks hooks);
  ~Migrations() override;

  void launch(Session& session, Migration migration) override;
  Migrated bring_over(const Migration& migration) override;
  void end_flights(Slot slot) override;
  [[nodiscard]] std::size_t cached_connections() const override;

  // This node is no primary any more: what it holds is another's to decide.
  void end_all();
  // The flight goes on; nobody is answered.
  void on_closed(const Session& session);

 private:
  struct Flight;

  void begin(Flight& flight);
  void send(Flight& flight);
  void on_answer(Flight& flight, std::string_view bytes);
  void on_failure(Flight& flight, MigrationLink::Step step);
  // The target has said all it will. While writers have to wait so does this.
  void touch_down(Flight& flight, std::string error);
  void land(Flight& flight);
  // Nothing is removed: from inside whatever takes the keys away.
  void cancel(FlyingKeys::FlightId id, std::string_view why);
  [[nodiscard]] std::unique_ptr<Flight> take_out(Flight& flight);
  void remove_arrived(Flight& flight);
  void answer(Flight& flight, std::string_view error);
  [[nodiscard]] bool writers_wait() const;

  [[nodiscard]] std::shared_ptr<MigrationLink> link_to(const Migration& migration);
  void keep(std::shared_ptr<MigrationLink> link);

  void arm_timer(MonoTime when);
  void on_timer();
  [[nodiscard]] MonoTime give_up_at(const Flight& flight) const;

  Parts parts_;
  Hooks hooks_;
  std::vector<std::unique_ptr<Flight>> flights_;
  std::vector<std::shared_ptr<MigrationLink>> idle_;  // the one used last is at the end
  FlyingKeys::FlightId last_id_ = 0;
  asio::steady_timer timer_;
  MonoTime timer_at_{};  // MonoTime{}: not set
  bool resume_posted_ = false;
  std::vector<std::string_view> effect_;  // for its memory
};

}  // namespace skein
