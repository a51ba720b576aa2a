#include "client_turns.h"

#include <utility>

#include <asio/post.hpp>
#include <fmt/format.h>

#include <skein/base/memory.h>

namespace skein {

namespace {
// A turn executes this long before replies leave and everybody else gets their turn.
constexpr double kTurnMicros = 1000;
// A request of millions of arguments leaves no memory taken.
constexpr std::size_t kKeptArguments = 64 * 1024;

bool is_replica(const Session& session) { return session.replica != nullptr && session.replica->is_replica(); }
}  // namespace

void Client::close(bool after_replies) { turns_.close(*this, after_replies); }

Peer::InputFigures Client::input_figures() const { return {connection_.unread(), connection_.input_memory()}; }

OwnedBytes Client::take_argument(std::string_view argument) { return connection_.take(argument); }

void Client::wake() { turns_.net_.make_ready(connection_); }

ClientTurns::ClientTurns(Parts parts, Hooks hooks)
    : parts_(parts), hooks_(std::move(hooks)), net_(parts.loop, *this) {
  batch_.reserve(kBatch);
}

ClientTurns::~ClientTurns() = default;

Session& ClientTurns::adopt(Stream stream) {
  auto client = std::make_unique<Client>(*this, net_, std::move(stream), parts_.sessions.next_id());
  Client* raw = client.get();
  clients_.emplace(raw, std::move(client));
  parts_.sessions.add(raw->session_);
  return raw->session_;
}

void ClientTurns::start(Session& session) { Client::of(session).connection_.set_reading(true); }

bool ClientTurns::may_execute(const Client& client) const {
  const Session& session = client.session_;
  return !session.closing && session.suspended == nullptr && !client.throttled_ && !client.held_ &&
         !session.output().has_passed_bound();
}

bool ClientTurns::has_more(const Client& client) const {
  return may_execute(client) && !client.starved_ && !client.connection_.input().empty();
}

void ClientTurns::serve(std::span<ClientConnection* const> ready) {
  hooks_.begin_turn();
  in_turn_ = true;
  for (ClientConnection* connection : ready) {
    Client& client = Client::of(*connection);
    client.starved_ = false;
    client.only_read_ = true;
    client.session_.last_active = parts_.facts.now.mono;
  }
  turn_ends_ = read_ticks() + static_cast<Ticks>(parts_.facts.ticks_per_micro * kTurnMicros);
  // Whoever was not reached in this turn is the first in the next.
  const std::size_t first = serve_batches(ready);
  hooks_.end_turn();
  in_turn_ = false;
  const bool may_acknowledge = !std::exchange(wrote_, false) || hooks_.may_acknowledge();
  for (std::size_t i = 0; i < ready.size(); ++i) {
    finish(Client::of(*ready[(first + i) % ready.size()]), may_acknowledge);
  }
}

std::size_t ClientTurns::serve_batches(std::span<ClientConnection* const> ready) {
  // Each round fills batches from one client after the other; who stopped at a request that
  // must run before more is parsed comes round again.
  bool again = true;
  while (again) {
    again = false;
    for (std::size_t i = 0; i < ready.size(); ++i) {
      Client& client = Client::of(*ready[i]);
      while (gather(client)) {
        if (batch_.size() < kBatch) {
          again = true;
          break;
        }
        run_batch();
        if (parts_.dispatcher.ticks() >= turn_ends_) return i + 1;
      }
    }
    if (!batch_.empty()) run_batch();
    if (again && parts_.dispatcher.ticks() >= turn_ends_) return 0;
  }
  return 0;
}

// Parses requests of a client into the batch. True while there may be more to take from it
// once the batch has run.
bool ClientTurns::gather(Client& client) {
  Session& session = client.session_;
  if (!may_execute(client)) return false;
  const bool unauthenticated = !session.authenticated();
  const OutputRoom room = room_of(session);
  session.output().set_bound(room.bound);
  if (session.output().size() >= room.take_below && !client.connection_.waits_to_send()) return false;
  const RequestLimits limits{.max_bulk = parts_.settings.proto_max_bulk_len, .unauthenticated = unauthenticated};
  const std::string_view whole = client.connection_.input();
  // A request is parsed on where it stopped, and not before the large argument it stopped at is whole.
  if (client.connection_.awaits_large() && client.parser_.in_request()) {
    client.starved_ = true;
    return false;
  }
  while (batch_.size() < kBatch) {
    const std::string_view input = whole.substr(client.parsed_);
    if (input.empty()) {
      return false;
    }
    const std::size_t first = arguments_.size();
    switch (client.parser_.parse(input, limits, arguments_, client.connection_.asides(client.parsed_))) {
      case RequestParser::Status::kNeedMore: client.starved_ = true; return false;
      case RequestParser::Status::kNothing: client.parsed_ += client.parser_.consumed(); continue;
      case RequestParser::Status::kError:
        // What came before is executed first.
        if (has_items(client)) return true;
        session.begin_reply();  // CLIENT REPLY SKIP holds for it, too
        session.writer().error(client.parser_.error());
        hooks_.log("protocol errors", LogLevel::kVerbose,
                   fmt::format("{} from client: {}", client.parser_.error().substr(4), describe(client)));
        close(client, true);
        return false;
      case RequestParser::Status::kRequest: break;
    }
    client.parsed_ += client.parser_.consumed();
    Item& item = batch_.emplace_back();
    item.client = &client;
    item.first_argument = first;
    item.argument_count = arguments_.size() - first;
    item.end = client.parsed_;
    item.request.arguments = {arguments_.data() + first, item.argument_count};
    parts_.dispatcher.prepare(item.request, session.db);
    const Command* command = item.request.command;
    if (unauthenticated || client.parser_.was_inline() || command == nullptr || command->changes_connection) return true;
  }
  return true;
}

bool ClientTurns::has_items(const Client& client) const {
  return !batch_.empty() && batch_.back().client == &client;
}

// Each step's memory is on its way while the step is taken for the requests behind it.
void ClientTurns::prefetch_batch() const {
  if (parts_.facts.served_slots != nullptr) {
    for (const Item& item : batch_) {
      const KeyRef key{{}, item.request.hash, item.request.slot};
      if (item.request.hinted) parts_.keyspace.db(item.client->session_.db).prefetch_bucket(key);
    }
  }
  for (const Item& item : batch_) {
    const KeyRef key{{}, item.request.hash, item.request.slot};
    if (item.request.hinted) parts_.keyspace.db(item.client->session_.db).prefetch_entry(key);
  }
}

void ClientTurns::prefetch_value(const Item& item) const {
  if (!item.request.hinted) return;
  parts_.keyspace.db(item.client->session_.db).prefetch_value({{}, item.request.hash, item.request.slot});
}

bool ClientTurns::has_long_value(const Item& item) const {
  return item.request.hinted &&
         parts_.keyspace.db(item.client->session_.db).has_long_value({{}, item.request.hash, item.request.slot});
}

void ClientTurns::run_batch() {
  if (hooks_.begin_batch) hooks_.begin_batch();
  // The vector of arguments may have moved while it grew.
  for (Item& item : batch_) {
    item.request.arguments = {arguments_.data() + item.first_argument, item.argument_count};
  }
  if (batch_.size() > 1) prefetch_batch();
  parts_.dispatcher.begin_batch();
  // The process was stopped, or something took its time: what held when the turn began may not hold now.
  if (parts_.dispatcher.ticks() >= turn_ends_) [[unlikely]] hooks_.begin_turn();
  const bool could_write = may_write();
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    if (long_values_ && i + kValuesAhead < batch_.size()) prefetch_value(batch_[i + kValuesAhead]);
    Item& item = batch_[i];
    Client& client = *item.client;
    if (!may_execute(client)) {
      client.left_out_ = true;
      continue;
    }
    const Dispatched outcome = parts_.dispatcher.dispatch(client.session_, item.request);
    if (outcome == Dispatched::kSuspended) [[unlikely]] note_suspended(client.session_);
    client.executed_ = item.end;
    client.only_read_ = client.only_read_ && item.request.command != nullptr && item.request.command->is(flag::kReadOnly);
    if (client.session_.output().size() >= kSendEarly && client.only_read_) [[unlikely]] flush(client);
  }
  if (batch_.size() > kValuesAhead) long_values_ = has_long_value(batch_.back());
  // A call in it may have had the lease judged again, and what was written before that must not be forgotten.
  finish_batch(could_write || may_write());
}

// Without the lease nothing is written.
bool ClientTurns::may_write() const {
  return parts_.facts.served_slots != nullptr && (parts_.facts.gates & gate::kLease) == 0;
}

void ClientTurns::note_suspended(const Session& session) {
  if (session.suspended != nullptr && session.suspended->reason == SuspendReason::kNoLease) has_lease_waiters_ = true;
}

// A write of a cluster's node, executed or refused: what only reads is never kept from its reply.
void ClientTurns::note_write(Client& client, const Command* command) {
  if (command == nullptr || (command->gates & gate::kLease) == 0) return;
  client.wrote_ = true;
  wrote_ = true;
}

void ClientTurns::finish_batch(bool may_have_written) {
  for (Item& item : batch_) {
    Client& client = *item.client;
    if (may_have_written) note_write(client, item.request.command);
    if (parts_.settings.maxmemory != 0) [[unlikely]] count_unsent(client);
    count_queued(client);
    if (client.parsed_ == 0) continue;  // an earlier item of the same client has done it
    if (client.left_out_) {
      // The parser is ahead of what has run: what was left out is parsed again when its time comes.
      client.connection_.consume(client.executed_);
      client.parser_.start_over();
      client.starved_ = false;
    } else {
      client.connection_.consume(client.parsed_);
    }
    client.parsed_ = client.executed_ = 0;
    client.left_out_ = false;
  }
  batch_.clear();
  arguments_.clear();
  if (arguments_.capacity() > kKeptArguments) [[unlikely]] Arguments().swap(arguments_);
}

// The end of a client's turn: replies leave, the rest of its input is put away, the next read is armed.
void ClientTurns::finish(Client& client, bool may_acknowledge) {
  if (client.closed_) return;
  if (std::exchange(client.wrote_, false) && !may_acknowledge) client.held_ = has_held_ = true;
  if (client.parsed_ != 0) client.connection_.consume(std::exchange(client.parsed_, 0));  // empty lines only
  if (!flush(client)) return;
  if (has_more(client)) {
    client.connection_.keep_waiting();
    net_.make_ready(client.connection_);
    return;
  }
  if (client.ended_) {
    close(client, true);
    return;
  }
  // What it has queued waits for EXEC, as what it has sent for its turn.
  const std::size_t queued = client.session_.transaction != nullptr ? client.session_.transaction->memory : 0;
  const std::size_t unread = client.connection_.unread() + queued;
  if (unread > parts_.settings.client_query_buffer_limit) {
    ++query_limit_disconnections_;
    hooks_.log("requests that are too long", LogLevel::kWarning,
               fmt::format("Closing client that reached max query buffer length: {}", describe(client)));
    close(client, false);
    return;
  }
  const auto missing = client.parser_.missing();
  if (!client.connection_.settle(missing.at, missing.size) || !keep_arguments(client)) {
    cut_for_input(client);
    return;
  }
  // What it sends while nothing of it may be executed stays in its socket, and pushes back on it.
  client.connection_.set_reading(may_execute(client));
}

// What the parser remembers of a half-sent request. False where there would be no memory for it to double.
bool ClientTurns::keep_arguments(Client& client) {
  const std::size_t memory = client.parser_.memory();
  if (memory == client.connection_.owner_memory()) return true;
  client.connection_.set_owner_memory(memory);
  return can_allocate(2 * memory);
}

bool ClientTurns::flush(Client& client) {
  Session& session = client.session_;
  if (is_replica(session)) [[unlikely]] {
    if (!client.closed_ && hooks_.flush_replica) hooks_.flush_replica(session);
    return !client.closed_;
  }
  Output& output = session.output();
  if (output.has_passed_bound()) [[unlikely]] {
    cut_for_output(client);
    return false;
  }
  if (client.held_ || client.wrote_) [[unlikely]] return !client.closed_;  // their time comes
  if (!output.empty() && !client.connection_.flush(output) && !client.closed_) {
    if (over_output_limit(session)) {
      cut_for_output(client);
      return false;
    }
    client.throttled_ = client.throttled_ || output.size() > kThrottleAbove;
  }
  count_unsent(client);
  if (client.throttled_ && output.size() <= kThrottleAbove / 2) client.throttled_ = false;
  if (session.closing && output.empty() && session.held_replies == nullptr) close(client, false);
  return !client.closed_;
}

void ClientTurns::count_unsent(Client& client) {
  const std::size_t size = client.session_.output().size();
  if (size == client.unsent_) [[likely]] return;
  unsent_ += size - client.unsent_;  // modulo 2^64: it may also be less
  client.unsent_ = size;
}

OutputRoom ClientTurns::room_of(const Session& session) const {
  if (is_replica(session)) [[unlikely]] return kReplicaReplies;
  return output_room(session.authenticated(), parts_.settings.client_output_buffer_limit[kNormalClients], kThrottleAbove);
}

void ClientTurns::cut_for_output(Client& client) {
  if (client.closed_) return;
  ++output_limit_disconnections_;
  if (client.session_.output().has_passed_bound() && client.session_.output().bound() == 0) {
    hooks_.log("no memory for replies", LogLevel::kWarning,
               fmt::format("No memory for the replies to a client, closing it: {}", describe(client)));
  } else {
    hooks_.log("output buffer limits", LogLevel::kWarning,
               fmt::format("Client {} scheduled to be closed ASAP for overcoming of output buffer limits.",
                           describe(client)));
  }
  close(client, false);
}

void ClientTurns::cut_for_input(Client& client) {
  if (client.closed_) return;
  hooks_.log("no memory for requests", LogLevel::kWarning,
             fmt::format("No memory for what a client sends, closing it: {}", describe(client)));
  close(client, false);
}

void ClientTurns::count_queued(Client& client) {
  const Session& session = client.session_;
  if (session.transaction == nullptr && session.suspended == nullptr && client.queued_ == 0) [[likely]] return;
  std::size_t size = session.transaction != nullptr ? session.transaction->memory : 0;
  if (session.suspended != nullptr) {
    for (const auto& argument : session.suspended->call.arguments) size += argument.size();
  }
  queued_ += size - client.queued_;  // modulo 2^64: it may also be less
  client.queued_ = size;
}

// Of what its socket has left over.
bool ClientTurns::over_output_limit(Session& session) const {
  const OutputLimit& limit = parts_.settings.client_output_buffer_limit[kNormalClients];
  const std::size_t owed = session.output().size();
  const std::size_t left_over = room_of(session).left_over;
  if (left_over != 0 && owed > left_over) return true;
  if (limit.hard != 0 && owed >= limit.hard) return true;
  if (limit.soft == 0 || owed < limit.soft) {
    session.above_soft_limit = {};
    return false;
  }
  const MonoTime now = parts_.facts.now.mono;
  if (session.above_soft_limit == MonoTime{}) session.above_soft_limit = now;
  return now - session.above_soft_limit > limit.soft_for;
}

// What a client sent before it closed its side is executed and answered.
void ClientTurns::on_broken(ClientConnection& connection, bool ended) {
  Client& client = Client::of(connection);
  // It reads on what it is owed: its end, and what else it has sent, is met when it goes on, or the rest has left.
  if (ended && (client.throttled_ || client.session_.closing)) return;
  if (connection.lacks_memory()) [[unlikely]] return cut_for_input(client);
  client.ended_ = ended && (has_more(client) || client.session_.held_replies != nullptr);
  if (!client.ended_) close(client, false);
}

void ClientTurns::on_writable(ClientConnection& connection) {
  Client& client = Client::of(connection);
  const bool was_throttled = client.throttled_;
  if (flush(client) && was_throttled && !client.throttled_) net_.make_ready(connection);
}

void ClientTurns::on_released(ClientConnection& connection) { clients_.erase(&Client::of(connection)); }

// Closing waits until nobody walks the registry or the turn's list any more.
void ClientTurns::close(Client& client, bool after_replies) {
  client.session_.closing = true;
  if (client.closed_) return;
  const bool is_owed = !client.session_.output().empty() || client.session_.held_replies != nullptr;
  if (after_replies && is_owed) {
    // Flush closes it. What it still sends is nobody's.
    client.connection_.set_reading(false);
    return;
  }
  client.closed_ = true;
  to_close_.push_back(&client);
  if (close_posted_) return;
  close_posted_ = true;
  asio::post(parts_.loop, [this] { close_marked(); });
}

void ClientTurns::close_marked() {
  close_posted_ = false;
  const auto marked = std::exchange(to_close_, {});
  for (Client* client : marked) {
    Session& session = client->session_;
    if (hooks_.on_closing) hooks_.on_closing(session);
    parts_.watch.unwatch_all(session);
    session.end_transaction();
    session.suspended.reset();
    parts_.sessions.remove(session);
    session.output().clear();
    count_unsent(*client);
    count_queued(*client);
    client->connection_.close();
  }
}

void ClientTurns::close_all() {
  for (auto& [raw, client] : clients_) {
    if (is_replica(client->session_)) {
      flush(*client);
    } else if (!client->session_.output().empty() && !client->held_) {
      client->connection_.flush(client->session_.output());
    }
    close(*raw, false);
  }
  close_marked();
}

void ClientTurns::resume(SuspendReason reason) {
  hooks_.begin_turn();
  in_turn_ = true;
  if (reason == SuspendReason::kNoLease) has_lease_waiters_ = false;
  bool may_have_written = may_write();
  // Resuming may end sessions, the link to our primary at once; it never begins one.
  for (Session* session : parts_.sessions.all()) {
    if (session->suspended == nullptr || session->suspended->reason != reason || session->closing) continue;
    const bool waits_on = parts_.dispatcher.resume(*session) == Dispatched::kSuspended;
    count_queued(Client::of(*session));
    if (waits_on) {
      note_suspended(*session);
      continue;
    }
    may_have_written = may_have_written || may_write();
    if (may_have_written) note_write(Client::of(*session), session->last_command);
    session->peer()->wake();
  }
  hooks_.end_turn();
  in_turn_ = false;
}

void ClientTurns::answered_late(Session& session) {
  Client& client = Client::of(session);
  client.wrote_ = wrote_ = true;
  net_.make_ready(client.connection_);
}

void ClientTurns::acknowledge_held() {
  if (!std::exchange(has_held_, false)) return;
  for (auto& [raw, client] : clients_) {
    if (!std::exchange(client->held_, false) || client->closed_) continue;
    // By the next turn's look at the clock; further requests of its may be waiting, too.
    client->wrote_ = wrote_ = true;
    net_.make_ready(client->connection_);
  }
}

void ClientTurns::drop_unacknowledged() {
  has_held_ = false;
  for (auto& [raw, client] : clients_) {
    // A command of the turn under way gave the slots away: what was written before it is good.
    const bool is_owed = client->wrote_ || client->session_.held_replies != nullptr;
    if (!client->held_ && (in_turn_ || !is_owed)) continue;
    client->held_ = client->wrote_ = false;
    client->session_.output().clear();
    close(*raw, false);
  }
}

void ClientTurns::check_limits(MonoTime now) {
  const seconds idle = parts_.settings.timeout;
  for (Session* session : parts_.sessions.all()) {
    if (session->is_primary_link || is_replica(*session)) continue;  // their timeouts and limits are of another kind
    Client& client = Client::of(*session);
    if (idle.count() > 0 && session->suspended == nullptr && now - session->last_active > idle) {
      hooks_.log("idle clients", LogLevel::kVerbose, "Closing idle client");
      close(client, false);
    } else if (!session->output().empty() && over_output_limit(*session)) {
      cut_for_output(client);
    }
  }
}

std::string ClientTurns::describe(Session& session) { return describe(Client::of(session)); }

std::string ClientTurns::describe(Client& client) {
  const Session& session = client.session_;
  const Output& output = session.output();
  const std::size_t owed = output.has_passed_bound() ? output.passed_at() : output.size();
  return fmt::format("id={} addr={} laddr={} name={} db={} qbuf={} omem={}", session.id(), session.address,
                     session.local_address, session.name, session.db, client.connection_.unread(),
                     owed + (session.replica != nullptr ? session.replica->owed : 0));
}

}  // namespace skein
