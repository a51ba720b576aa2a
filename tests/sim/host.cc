#include "host.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "witness.h"

namespace skein::sim {

namespace {

constexpr std::string_view kConf = "nodes.conf";
constexpr std::string_view kTemporary = "nodes.conf.tmp";
// A full disk is tried again after this.
constexpr milliseconds kSaveRetry{100};
// Keys are synced to disk each second.
constexpr std::uint64_t kTicksPerSync = 10;
// A handover that has not ended by then is given up; see shutdown-timeout.
constexpr seconds kHandoverLimit{10};
// FORCE and TAKEOVER are excuses for what happens within this time.
constexpr seconds kForcedFor{10};
// Where the world's calendar begins: some day in 2024.
constexpr UnixMillis kCalendarStart{1'717'200'000'000};

}  // namespace

Host::Host(World world, HostId id, std::string ip, NodeSettings settings, HostClocks clocks,
           std::uint64_t seed)
    : world_(world),
      id_(id),
      ip_(std::move(ip)),
      settings_(std::move(settings)),
      clocks_(clocks),
      random_(seed),
      machine_(world.network.add_machine(ip_, static_cast<std::uint16_t>(settings_.port + 10000))),
      data_(*this, world.queue, world.network, world.network.add_port(machine_, settings_.port),
            world.data_witness, seed + 2) {
  world_.witness.learn_address(ip_, settings_.port);
}

std::string Host::name() const {
  return fmt::format("node{}", id_.value);
}

void Host::note(const std::string& line) {
  journal_().note(name() + " " + line);
}

Now Host::now() const {
  const auto world = world_.queue.now().time_since_epoch();
  const auto up = nanoseconds{static_cast<std::int64_t>(static_cast<double>(world.count()) * clocks_.rate)};
  const auto wall = std::chrono::duration_cast<milliseconds>(world) + clocks_.wall_ahead;
  return {MonoTime{clocks_.up_before + up}, kCalendarStart + wall};
}

void Host::start() {
  if (is_up()) return;
  ++starts_;
  std::optional<SavedState> saved;
  if (const auto text = disk_.read(kConf)) {
    // What is read is acted on, so first it is made certain: the process that wrote it may
    // have been killed before it had synced.
    disk_.sync(kConf);
    disk_.sync_directory();
    durable_ = read_conf(*text);
    auto parsed = parse_nodes_conf(*text);
    if (!parsed) {
      journal_().violation(name() +
                           " cannot read the nodes.conf it wrote itself: " + parsed.error().message());
      return;
    }
    saved = std::move(*parsed);
  }
  note(saved ? "starts again" : "starts");
  started_at_ = world_.queue.now();
  had_keys_ = had_keys_ || (saved_data_ && saved_data_->total_keys() > 0);
  lost_its_data_ = had_keys_ && (!saved_data_ || saved_data_->total_keys() == 0);
  data_.start(std::exchange(saved_data_, std::nullopt), !saved || saved->topology.self().is_primary());
  synced_data_ = data_.data();
  node_ = std::make_unique<ClusterNode>(settings_, std::move(saved), Random(random_.next()), data_, now());
  if (data_.started_without_data()) node_->hold_back_without_data(now());
  world_.network.process_starts(machine_, *this);
  world_.network.process_starts(data_.machine(), data_);
  world_.witness.on_started(*this);
  followed_ = {};
  world_.data_witness.on_started(*this);
  settle();
  tick_later();
}

void Host::forget_process() {
  node_.reset();
  is_paused_ = false;
  when_resumed_.clear();
  targets_.clear();
  save_.reset();
  after_vote_ = nullptr;
  asked_for_.reset();
  is_shutting_down_ = false;
  data_.end();
}

void Host::kill() {
  if (!is_up()) return;
  note("is killed");
  saved_data_ = data_.data();
  world_.network.process_ends(machine_);
  forget_process();
}

void Host::lose_power() {
  if (!is_up()) return;
  note("loses power");
  saved_data_ = synced_data_;
  world_.network.power_fails(machine_);
  disk_.lose_power(random_);
  forget_process();
}

void Host::shut_down() {
  if (!is_running() || is_shutting_down_) return;
  note("is told to end");
  is_shutting_down_ = true;
  node_->begin_handover(now());
  world_.queue.after(kHandoverLimit, [this, life = starts_] {
    if (life == starts_ && is_up()) kill();
  });
  settle();
}

void Host::carry_out(const HandoverEnded& effect) {
  note(effect.handed_over ? "has handed over" : "could not hand over: " + effect.why);
  if (!is_shutting_down_) return;
  if (effect.handed_over) journal_().count(EventKind::kHandedOver);
  // Not from in here: the process may not end under its own feet.
  world_.queue.after(microseconds{100}, [this, life = starts_] {
    if (life == starts_ && is_up()) kill();
  });
}

void Host::lose_data() {
  if (is_up()) return;
  note("has lost its keys");
  saved_data_.reset();
}

void Host::take_request(WriteRequest request) {
  world_.queue.after(world_.network.draw_delay(data_.machine()), [this, request = std::move(request)]() mutable {
    if (is_up()) return when_running([this, request = std::move(request)] { data_.write(request); });
    if (request.reply) request.reply({WriteAnswer::kRefused, {}});
  });
}

void Host::give_data_facts() {
  node_->on_data(data_.facts(), now());
}

void Host::data_has_come() {
  if (!node_->wants_data()) return;
  give_data_facts();
  settle();
}

bool Host::fail_over(std::string_view option) {
  asked_for_ = option.empty()       ? PromotionKind::kElected
               : option == "force" ? PromotionKind::kForced
                                   : PromotionKind::kTakenOver;
  asked_at_ = now().mono;
  const std::string_view args[] = {option};
  return operate([&](ClusterNode& node, Now now) {
    return node.failover(option.empty() ? ClusterNode::Args{} : ClusterNode::Args{args}, now);
  });
}

PromotionKind Host::promotion_kind() const {
  const bool is_recent = asked_for_ && now().mono - asked_at_ < kForcedFor;
  return is_recent ? *asked_for_ : PromotionKind::kElected;
}

void Host::note_promotion(PromotionKind kind) const {
  const auto event = kind == PromotionKind::kElected  ? EventKind::kElectionWon
                     : kind == PromotionKind::kForced ? EventKind::kForcedWon
                                                      : EventKind::kTakenOver;
  journal_().count(event);
  journal_().note(fmt::format("{} is promoted with epoch {}", name(), node_->topology().self().config_epoch.value));
}

void Host::pause() {
  if (!is_running()) return;
  note("is paused");
  is_paused_ = true;
}

void Host::resume() {
  if (!is_paused_) return;
  note("is resumed");
  is_paused_ = false;
  auto waiting = std::exchange(when_resumed_, {});
  const auto life = starts_;
  for (auto& action : waiting) {
    if (life != starts_ || !is_up()) return;
    when_running(std::move(action));
  }
}

void Host::move(std::string ip, std::uint16_t port) {
  if (is_up()) return;
  ip_ = std::move(ip);
  settings_.port = port;
  world_.network.move_machine(machine_, ip_, static_cast<std::uint16_t>(port + 10000));
  world_.network.move_machine(data_.machine(), ip_, port);
  world_.witness.learn_address(ip_, port);
  note(fmt::format("moves to {}:{}", ip_, port));
}

void Host::slow_disk(nanoseconds least, nanoseconds most) {
  least_disk_wait_ = least;
  most_disk_wait_ = most;
}

void Host::install_conf(const std::string& text) {
  disk_.write(kTemporary, Content(text));
  disk_.sync(kTemporary);
  disk_.rename(kTemporary, kConf);
  disk_.sync_directory();
}

void Host::when_running(std::function<void()> action) {
  if (is_paused_) {
    when_resumed_.push_back(std::move(action));
  } else {
    action();
  }
}

void Host::tick_later() {
  // A loop that serves clients is late now and then.
  const auto late = random_.one_in(100) ? draw_between(random_, nanoseconds{0}, milliseconds{60})
                                        : draw_between(random_, nanoseconds{0}, milliseconds{2});
  world_.queue.after(kClusterTick + late, [this, life = starts_] {
    if (life == starts_ && is_up()) when_running([this] { tick(); });
  });
}

void Host::tick() {
  journal_().count(EventKind::kTick);
  if (++ticks_ % kTicksPerSync == 0) synced_data_ = data_.data();
  data_.tick();
  give_data_facts();
  node_->on_tick(now());
  settle();
  if (is_up()) tick_later();
}

void Host::link_up(LinkId link) {
  when_running([this, link] {
    if (!targets_.contains(link)) return;
    node_->on_link_up(link, now());
    settle();
  });
}

void Host::link_down(LinkId link) {
  when_running([this, link] {
    targets_.erase(link);
    node_->on_link_down(link, now());
    settle();
  });
}

void Host::packet(const Arrival& arrival) {
  when_running([this, arrival] { receive(arrival); });
}

void Host::receive(const Arrival& arrival) {
  // It was in the kernel's hands when the member closed the link.
  if (!arrival.link.is_inbound() && !targets_.contains(arrival.link)) return;
  world_.witness.before_packet(*this, arrival);
  node_->on_packet({arrival.link, arrival.remote_ip, arrival.local_ip}, *arrival.bytes, now());
  world_.witness.after_packet(*this, arrival);
  settle();
}

void Host::settle() {
  const auto life = starts_;
  for (Effects effects = node_->take_effects(); !effects.empty(); effects = node_->take_effects()) {
    for (const auto& effect : effects) {
      std::visit([this](const auto& what) { carry_out(what); }, effect);
      if (life != starts_ || !is_up()) return;
    }
  }
  world_.witness.after_step(*this);
  const Topology& topology = node_->topology();
  followed_ = topology.self().primary.is_none() ? NodeId{} : topology.node(topology.self().primary).id;
  data_.look_again();
}

void Host::carry_out(const OpenLink& effect) {
  targets_[effect.link] = effect.node;
  world_.network.open(machine_, effect.link, effect.ip, effect.bus_port);
}

void Host::carry_out(const CloseLink& effect) {
  targets_.erase(effect.link);
  world_.network.close(machine_, effect.link);
}

void Host::carry_out(const WakeAt& effect) {
  const auto left = std::max(effect.at - now().mono, nanoseconds{0});
  const auto wait = nanoseconds{static_cast<std::int64_t>(static_cast<double>(left.count()) / clocks_.rate) + 1};
  world_.queue.after(wait, [this, life = starts_, wake = ++wakes_] {
    if (life != starts_ || wake != wakes_ || !is_up()) return;
    when_running([this] {
      node_->on_wake(now());
      settle();
    });
  });
}

void Host::carry_out(const SendPacket& effect) {
  world_.witness.on_sent(*this, effect);
  world_.network.send(machine_, effect.link, effect.bytes);
  if (effect.type != MessageType::kAuthAck) return;
  journal_().count(EventKind::kVote);
  note(fmt::format("votes in epoch {}", PacketView{*effect.bytes}.current_epoch().value));
  // Not from in here: the process may not end under its own feet.
  if (after_vote_) world_.queue.after(microseconds{300}, std::exchange(after_vote_, nullptr));
}

void Host::carry_out(const StateChanged& effect) {
  note(effect.state == ClusterState::kOk ? "serves" : "stops serving");
}

void Host::carry_out(const LogEvent& effect) {
  const auto line = name() + " says: " + effect.text;
  effect.level < EventLevel::kNotice ? journal_().detail(line) : journal_().note(line);
}

void Host::carry_out(const SaveTopology& effect) {
  journal_().count(EventKind::kSave);
  if (save_) journal_().violation(name() + " asks for a save while another is under way");
  Content content([state = effect.state] { return state->text(); });
  auto facts = world_.witness.on_save(*this, *effect.state, content);
  save_ = Save{effect.ticket, std::move(content), std::move(facts)};
  disk_step(&Host::write_temporary);
}

void Host::disk_step(void (Host::*next)()) {
  world_.queue.after(draw_between(random_, least_disk_wait_, most_disk_wait_), [this, next, life = starts_] {
    if (life == starts_ && is_up()) when_running([this, next] { (this->*next)(); });
  });
}

void Host::write_temporary() {
  if (is_disk_full_) {
    world_.queue.after(kSaveRetry, [this, life = starts_] {
      if (life == starts_ && is_up()) when_running([this] { write_temporary(); });
    });
    return;
  }
  disk_.write(kTemporary, save_->content);
  disk_step(&Host::sync_temporary);
}

void Host::sync_temporary() {
  disk_.sync(kTemporary);
  disk_step(&Host::rename_temporary);
}

void Host::rename_temporary() {
  disk_.rename(kTemporary, kConf);
  disk_step(&Host::sync_directory);
}

void Host::sync_directory() {
  disk_.sync_directory();
  durable_ = save_->facts;
  world_.witness.on_durable(*this);
  disk_step(&Host::finish_save);
}

void Host::finish_save() {
  const auto ticket = save_->ticket;
  save_.reset();
  node_->on_saved(ticket, now());
  settle();
}

}  // namespace skein::sim
