#include "data_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "data_witness.h"
#include "host.h"

namespace skein::sim {

namespace {

using namespace std::chrono_literals;

// How long a turn of the server's loop may be between a write and its reply.
constexpr nanoseconds kLongestTurn = 1ms;
constexpr milliseconds kReconnect{300};
constexpr milliseconds kStreamPing{1000};
constexpr milliseconds kStreamSilence{6000};
constexpr milliseconds kMigrateTimeout{1500};
// MIGRATE's target answers once a replica has the key, or after this.
constexpr milliseconds kLandingLimit{500};

}  // namespace

enum class DataNode::MessageKind : std::uint8_t {
  kSync,      // a replica: what it has
  kContinue,  // its primary: what it misses follows
  kFullCopy,  // or all of it
  kStream,    // one change
  kPing,
  kAck,       // a replica: how far it is
  kRestore,   // MIGRATE's key
  kRestored,
  kNotRestored
};

struct DataNode::Message {
  MessageKind kind{};
  std::uint64_t history = 0;
  std::int64_t offset = 0;
};

DataNode::DataNode(Host& host, EventQueue& queue, Network& network, MachineId machine, DataWitness& witness,
                   std::uint64_t seed)
    : host_(host),
      queue_(queue),
      network_(network),
      machine_(machine),
      witness_(witness),
      random_(seed) {}

void DataNode::start(std::optional<Dataset> saved, bool as_primary) {
  started_without_data_ = !saved || saved->total_keys() == 0;
  data_ = saved ? std::move(*saved) : Dataset{};
  // What was lost with the last moments must not be taken for what others have.
  if (as_primary || data_.history() == 0) data_.begin_history(random_.next() | 1, false);
}

void DataNode::end() {
  source_.reset();
  link_ = {};
  link_is_up_ = is_in_sync_ = has_had_data_ = false;
  replicas_.clear();
  writers_paused_until_ = {};
  waiting_.clear();
  held_replies_.clear();
  flights_.clear();
  landings_.clear();
}

DataFacts DataNode::facts() const {
  DataFacts facts;
  facts.offset = data_.offset();
  if (!source_) return facts;
  facts.primary_link_up = is_in_sync_;
  if (has_had_data_) {
    facts.primary_silence = std::chrono::duration_cast<milliseconds>(host_.now().mono - last_heard_);
  }
  return facts;
}

// Clients.

bool DataNode::may_write() const {
  const MonoTime now = host_.now().mono;
  return now >= writers_paused_until_ && (now < host_.node().write_lease_end());
}

bool DataNode::is_in_flight(Slot slot, KeyNumber key) const {
  return std::any_of(flights_.begin(), flights_.end(),
                     [&](const Flight& flight) { return flight.slot == slot && flight.key == key; });
}

DataNode::Judgement DataNode::judge(const WriteRequest& request) const {
  const ClusterNode& node = host_.node();
  const Topology& topology = node.topology();
  if (node.is_holding_back() || node.state() != ClusterState::kOk) return {Verdict::kRefused, {}};
  const NodeIndex owner = topology.owner(request.slot);
  if (owner.is_none()) return {Verdict::kRefused, {}};
  const bool arrives = request.asking && !topology.importing_from(request.slot).is_none();
  if (owner != kSelf && !arrives) return {Verdict::kMoved, topology.node(owner).id};
  if (!topology.self().is_primary()) return {Verdict::kRefused, {}};
  const NodeIndex leaves_to = topology.migrating_to(request.slot);
  if (!leaves_to.is_none() && data_.value(request.slot, request.key) == 0) {
    return {Verdict::kAsk, topology.node(leaves_to).id};
  }
  const bool waits = is_in_flight(request.slot, request.key) || !may_write();
  return {waits ? Verdict::kWait : Verdict::kServe, {}};
}

void DataNode::write(WriteRequest request) {
  const auto [verdict, target] = judge(request);
  switch (verdict) {
    case Verdict::kServe: return execute(std::move(request));
    case Verdict::kWait: waiting_.push_back(std::move(request)); return;
    case Verdict::kMoved: return answer(request, {WriteAnswer::kMoved, target});
    case Verdict::kAsk: return answer(request, {WriteAnswer::kAsk, target});
    case Verdict::kRefused: return answer(request, {WriteAnswer::kRefused, {}});
  }
}

void DataNode::execute(WriteRequest request) {
  witness_.on_write(request.slot, request.key, data_.value(request.slot, request.key));
  change({request.value, request.key, request.slot});
  // The reply leaves at the end of the turn, and by then much may have become known.
  queue_.after(draw_between(random_, 0ns, kLongestTurn),
               [this, life = host_.starts(), request = std::move(request)]() mutable {
                 if (life != host_.starts() || !host_.is_up()) return;
                 host_.when_running([this, request = std::move(request)] { leave(request); });
               });
}

void DataNode::leave(WriteRequest request) {
  const Topology& topology = host_.node().topology();
  const bool is_ours = topology.owner(request.slot) == kSelf || (request.asking && topology.self().is_primary());
  if (!is_ours) return;  // whether the new owner has it is not known, so nothing is said
  if (host_.now().mono >= host_.node().write_lease_end()) {
    held_replies_.push_back(std::move(request));
    return;
  }
  witness_.on_acknowledged(host_, request.slot, request.key, request.value);
  answer(request, {WriteAnswer::kAcknowledged, {}});
}

void DataNode::answer(const WriteRequest& request, WriteReply reply) {
  if (!request.reply) return;
  queue_.after(network_.draw_delay(machine_), [told = request.reply, reply] { told(reply); });
}

void DataNode::look_again() {
  land();
  for (auto replies = std::exchange(held_replies_, {}); !replies.empty(); replies.pop_front()) {
    leave(std::move(replies.front()));
  }
  for (auto requests = std::exchange(waiting_, {}); !requests.empty(); requests.pop_front()) {
    write(std::move(requests.front()));
  }
}

void DataNode::change(const Change& change) {
  data_.apply(change);
  for (const auto& [link, acknowledged] : replicas_) {
    send(link, {MessageKind::kStream, data_.history(), data_.offset().value}, {change});
  }
}

void DataNode::erase(Slot slot, KeyNumber key) {
  if (data_.value(slot, key) != 0) change({0, key, slot});
}

// What the member asks for.

void DataNode::replicate_from(const ReplicateFrom& source) {
  // Another primary's data is not this one's until it has been copied.
  if (!source_ || source_->primary != source.primary) has_had_data_ = false;
  drop_source_link();
  drop_replicas();
  held_replies_.clear();
  end_flights([](const Flight&) { return true; });
  source_ = source;
  connect();
}

void DataNode::stop_replicating() {
  drop_source_link();
  source_.reset();
  has_had_data_ = false;
  data_.begin_history(random_.next() | 1, true);
}

void DataNode::lose_slots(const std::vector<Slot>& slots) {
  for (const Slot slot : slots) {
    end_flights([&](const Flight& flight) { return flight.slot == slot; });
    const auto keys = data_.keys(slot);
    for (const auto& [key, value] : keys) change({0, key, slot});
  }
}

void DataNode::empty() {
  witness_.on_emptied(host_);
  data_.clear();
  data_.begin_history(random_.next() | 1, false);
}

// Replication.

void DataNode::connect() {
  link_ = LinkId::outbound(++last_link_);
  link_is_up_ = is_in_sync_ = false;
  link_opened_ = host_.now().mono;
  network_.open(machine_, link_, source_->ip, source_->port);
}

void DataNode::drop_source_link() {
  if (!link_.is_none()) network_.close(machine_, link_);
  link_ = {};
  link_is_up_ = is_in_sync_ = false;
}

void DataNode::drop_replicas() {
  for (const auto& [link, acknowledged] : replicas_) network_.close(machine_, link);
  replicas_.clear();
}

void DataNode::tick() {
  const MonoTime now = host_.now().mono;
  const ClusterNode& node = host_.node();
  if (!source_ && node.topology().self().is_voter() && !node.is_holding_back() && may_write()) {
    witness_.on_holds_own(host_);
  }
  if (source_) {
    const MonoTime last = std::max(link_opened_, is_in_sync_ ? last_heard_ : MonoTime{});
    if (link_.is_none()) {
      if (now - link_opened_ > kReconnect) connect();
    } else if (now - last > kStreamSilence) {
      drop_source_link();
    }
  }
  if (!replicas_.empty() && now - last_ping_ > kStreamPing) {
    last_ping_ = now;
    for (const auto& [link, acknowledged] : replicas_) {
      send(link, {MessageKind::kPing, data_.history(), data_.offset().value});
    }
  }
  end_flights([&](const Flight& flight) { return now > flight.give_up_at && !flight.is_answered; });
  answer_landings();
}

void DataNode::link_up(LinkId link) {
  host_.when_running([this, link] {
    if (link == link_ && source_) {
      link_is_up_ = true;
      send(link, {MessageKind::kSync, data_.history(), data_.offset().value});
      return;
    }
    for (const Flight& flight : flights_) {
      if (flight.link == link) send(link, {MessageKind::kRestore, 0, 0}, {{flight.value, flight.key, flight.slot}});
    }
  });
}

void DataNode::link_down(LinkId link) {
  host_.when_running([this, link] {
    replicas_.erase(link);
    if (link == link_) {
      link_ = {};
      link_is_up_ = is_in_sync_ = false;
    }
    end_flights([&](const Flight& flight) { return flight.link == link && !flight.is_answered; });
    landings_.remove_if([&](const Landing& landing) { return landing.link == link; });
  });
}

void DataNode::send(LinkId link, const Message& message, const std::vector<Change>& changes) {
  auto bytes = std::make_shared<std::string>(sizeof(Message) + changes.size() * sizeof(Change), '\0');
  std::memcpy(bytes->data(), &message, sizeof(Message));
  if (!changes.empty()) {
    std::memcpy(bytes->data() + sizeof(Message), changes.data(), changes.size() * sizeof(Change));
  }
  network_.send(machine_, link, std::move(bytes));
}

void DataNode::packet(const Arrival& arrival) {
  host_.when_running([this, arrival] {
    Message message;
    std::memcpy(&message, arrival.bytes->data(), sizeof(Message));
    std::vector<Change> changes((arrival.bytes->size() - sizeof(Message)) / sizeof(Change));
    if (!changes.empty()) {
      std::memcpy(changes.data(), arrival.bytes->data() + sizeof(Message), changes.size() * sizeof(Change));
    }
    const bool is_from_source = source_ && arrival.link == link_;
    switch (message.kind) {
      case MessageKind::kSync: return on_sync(arrival.link, message);
      case MessageKind::kAck:
        if (const auto replica = replicas_.find(arrival.link); replica != replicas_.end()) {
          replica->second = ReplOffset{message.offset};
          answer_landings();
        }
        return;
      case MessageKind::kRestore: return on_restore(arrival.link, message, changes.front());
      case MessageKind::kRestored:
      case MessageKind::kNotRestored:
        return on_restored(arrival.link, message.kind == MessageKind::kRestored);
      default: break;
    }
    if (!is_from_source) return;
    last_heard_ = host_.now().mono;
    if (message.kind == MessageKind::kFullCopy) return on_full_copy(message, changes);
    if (message.kind == MessageKind::kContinue) {
      data_.join_history(message.history);
      is_in_sync_ = has_had_data_ = true;
      witness_.on_holds_that_of(host_, source_->primary);
    }
    for (const Change& change : changes) data_.apply(change);
    if (message.kind == MessageKind::kPing) return;
    send(link_, {MessageKind::kAck, 0, data_.offset().value});
    host_.data_has_come();
  });
}

void DataNode::on_sync(LinkId replica, const Message& message) {
  const ClusterNode& node = host_.node();
  if (source_ || node.is_holding_back()) {  // -LOADING, or no primary: asked again later
    network_.close(machine_, replica);
    return;
  }
  if (auto missing = data_.changes_since(message.history, ReplOffset{message.offset})) {
    send(replica, {MessageKind::kContinue, data_.history(), data_.offset().value}, *missing);
  } else {
    send(replica, {MessageKind::kFullCopy, data_.history(), data_.offset().value}, data_.contents());
    witness_.on_full_copy_served(host_);
  }
  replicas_[replica] = ReplOffset{message.offset};
}

void DataNode::on_full_copy(const Message& message, const std::vector<Change>& contents) {
  witness_.on_full_copy(host_, source_->primary, data_, contents);
  data_.replace(message.history, ReplOffset{message.offset}, contents);
  is_in_sync_ = has_had_data_ = true;
  witness_.on_holds_that_of(host_, source_->primary);
  send(link_, {MessageKind::kAck, 0, message.offset});
  host_.data_has_come();
}

// Keys on their way.

void DataNode::migrate(Slot slot, KeyNumber key, const NodeAddress& target, std::function<void(bool)> done) {
  const Topology& topology = host_.node().topology();
  const KeyValue value = data_.value(slot, key);
  const bool may_leave = topology.self().is_primary() && !host_.node().is_holding_back() && may_write();
  if (value == 0 || !may_leave || is_in_flight(slot, key)) return done(false);
  const LinkId link = LinkId::outbound(++last_link_);
  flights_.push_back({slot, key, value, link, host_.now().mono + kMigrateTimeout, std::move(done)});
  network_.open(machine_, link, target.ip, target.port);
}

void DataNode::end_flights(const std::function<bool(const Flight&)>& which) {
  for (auto flight = flights_.begin(); flight != flights_.end();) {
    if (!which(*flight)) {
      ++flight;
      continue;
    }
    const Flight ended = std::move(*flight);
    flight = flights_.erase(flight);
    network_.close(machine_, ended.link);
    queue_.after(1ms, [done = ended.done] { done(false); });
  }
}

bool DataNode::may_take_key(Slot slot) const {
  const ClusterNode& node = host_.node();
  const Topology& topology = node.topology();
  const bool expects_it = topology.owner(slot) == kSelf || !topology.importing_from(slot).is_none();
  return expects_it && topology.self().is_primary() && node.state() == ClusterState::kOk &&
         !node.is_holding_back() && may_write();
}

// REPLACE: a key that was sent before, and whose answer was lost, is sent again.
void DataNode::on_restore(LinkId link, const Message&, const Change& key) {
  if (!may_take_key(key.slot)) return send(link, {MessageKind::kNotRestored, 0, 0});
  change(key);
  const MonoTime now = host_.now().mono;
  landings_.push_back({link, data_.offset(), replicas_.empty() ? now : now + kLandingLimit});
  answer_landings();
}

void DataNode::answer_landings() {
  const MonoTime now = host_.now().mono;
  landings_.remove_if([&](const Landing& landing) {
    const bool has_copy = std::any_of(replicas_.begin(), replicas_.end(),
                                      [&](const auto& replica) { return replica.second >= landing.offset; });
    if (!has_copy && now < landing.answer_at) return false;
    if (now >= host_.node().write_lease_end()) return false;
    send(landing.link, {MessageKind::kRestored, 0, 0});
    return true;
  });
}

void DataNode::on_restored(LinkId link, bool is_done) {
  const auto found = std::find_if(flights_.begin(), flights_.end(),
                                  [&](const Flight& flight) { return flight.link == link; });
  if (found == flights_.end()) return;
  network_.close(machine_, link);
  found->is_answered = true;
  found->has_arrived = is_done;
  look_again();
}

// The key is removed as any write is made: not by a primary that may have been replaced.
void DataNode::land() {
  const auto may_land = [&](const Flight& flight) { return flight.is_answered && (!flight.has_arrived || may_write()); };
  for (auto flight = std::find_if(flights_.begin(), flights_.end(), may_land); flight != flights_.end();
       flight = std::find_if(flights_.begin(), flights_.end(), may_land)) {
    const Flight landed = std::move(*flight);
    flights_.erase(flight);
    if (landed.has_arrived) {
      erase(landed.slot, landed.key);
      witness_.on_key_moved();
    }
    landed.done(landed.has_arrived);
  }
}

}  // namespace skein::sim
