#include "cluster_runner.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <skein/base/clock.h>

#include "cluster_start.h"
#include "process.h"

namespace skein {

namespace {

// A full disk is tried again after this.
constexpr milliseconds kSaveRetry{500};

std::string_view describe(BusTrouble trouble) {
  switch (trouble) {
    case BusTrouble::kNoPackets: return "what came is no packet";
    case BusTrouble::kTooLarge: return "it sends more than it may";
    case BusTrouble::kOverLimit: return "the other end does not read, and more waits for it than it may be owed";
    case BusTrouble::kCrowdedOut: return "no member has spoken by it, and there are many newer ones";
    case BusTrouble::kNoMember: return "no member has spoken by it within the node timeout";
  }
  return "";
}

LinkId link_of(BusKey key) { return (key & 1) != 0 ? LinkId::inbound(key >> 1) : LinkId::outbound(key >> 1); }

}  // namespace

struct ClusterRunner::Save {
  SaveTopology what;
  Epoch epoch;              // this node's own, in it
  std::uint64_t notes = 0;  // written before its state was taken
  std::shared_ptr<PendingSave> pending;
  bool has_failed = false;
  MonoTime retry_at{};
};

Result<std::unique_ptr<ClusterRunner>> ClusterRunner::start(asio::io_context& loop, const Config& config,
                                                            Keyspace& keyspace, JobThread& jobs, ClusterHooks hooks) {
  if (auto usable = check_cluster_ports(config.settings()); !usable) return usable.error();
  auto loaded = NodesFile::load(config->cluster_config_file);
  if (!loaded) return loaded.error();
  if (loaded->saved) {
    if (auto alone = check_no_twin(*loaded->saved, config.settings(), loaded->file->path()); !alone) return alone.error();
  }
  std::unique_ptr<ClusterRunner> runner(
      new ClusterRunner(loop, config, keyspace, jobs, std::move(hooks), std::move(*loaded)));
  if (auto listening = runner->bus_.listen(config->bind, runner->bus_port_); !listening) {
    return listening.error().within("cluster bus");
  }
  // The identity is on disk before anybody hears of it.
  runner->carry_out_effects(true);
  if (!runner->is_saved()) return Error("cannot save the cluster configuration in " + runner->file_->path());
  runner->tick_later();
  return runner;
}

ClusterRunner::ClusterRunner(asio::io_context& loop, const Config& config, Keyspace& keyspace, JobThread& jobs,
                             ClusterHooks hooks, NodesFile::Loaded loaded)
    : loop_(loop),
      config_(config),
      keyspace_(keyspace),
      jobs_(jobs),
      hooks_(std::move(hooks)),
      file_(std::move(loaded.file)),
      bus_port_(bus_port(config.settings())),
      bound_ips_(bound_ips(config->bind)),
      router_(keyspace, config.settings()),
      node_(std::make_unique<ClusterNode>(member_settings(), std::move(loaded.saved),
                                          Random::from_system(), static_cast<const SlotKeys&>(*this), read_clocks())),
      bus_(loop, *this, bus_settings(config.settings(), descriptor_limit())),
      timer_(loop),
      wake_timer_(loop) {}

ClusterRunner::~ClusterRunner() { stop(); }

void ClusterRunner::stop() {
  if (!*alive_) return;
  *alive_ = false;
  timer_.cancel();
  wake_timer_.cancel();
  bus_.stop();
  if (save_ != nullptr) (void)save_at_once();
}

void ClusterRunner::apply_settings() {
  bus_.set(bus_settings(config_.settings(), descriptor_limit()));
  node_->on_settings(member_settings(), read_clocks());
  carry_out_effects(false);
}

Result<void> ClusterRunner::follow_directory() {
  // No older save may come behind this one.
  carry_out_effects(true);
  return file_->move_to(config_->cluster_config_file, node_->unsaved_state(read_clocks()).text());
}

NodeSettings ClusterRunner::member_settings() const {
  NodeSettings settings = node_settings(config_.settings(), bus_port_);
  settings.bound_ips = bound_ips_;
  return settings;
}

bool ClusterRunner::is_saved() const { return save_ == nullptr || !save_->has_failed; }

ClusterRunner::Figures ClusterRunner::figures() const {
  return {.connections = bus_.link_count(),
          .links_memory = bus_.memory(),
          .links_over_limit = bus_.links_over_limit()};
}

void ClusterRunner::tick_later() {
  timer_.expires_after(kClusterTick);
  timer_.async_wait([this](const asio::error_code& cancelled) {
    if (!cancelled) tick();
  });
}

void ClusterRunner::tick() {
  tick_later();
  const Now now = read_clocks();
  if (save_ != nullptr && save_->has_failed && now.mono >= save_->retry_at) save_in_background();
  if (hooks_.data) node_->on_data(hooks_.data(), now);
  node_->on_tick(now);
  carry_out_effects(false);
  bus_.tick(now.mono);
}

void ClusterRunner::tell_data() {
  node_->on_data(hooks_.data(), read_clocks());
  carry_out_effects(false);
}

void ClusterRunner::carry_out_effects(bool for_operator) {
  for_operator_ = for_operator;
  for (;;) {
    Effects effects = node_->take_effects();
    for (Effect& effect : effects) std::visit([this](auto& what) { carry_out(what); }, effect);
    if (!effects.empty()) continue;
    // What a save lets go, and the next save, come out as effects again.
    if (for_operator && save_ != nullptr && save_at_once()) continue;
    break;
  }
  for_operator_ = false;
  publish_changes();
}

void ClusterRunner::carry_out_slot_move() {
  carry_out_effects(false);
  if (save_ == nullptr) return;
  // A new epoch is saved, and so told, before the answer: the operator goes on to other nodes, and our first claim with
  // it, made before what he does next and heard after it, would undo that there.
  const bool epoch_is_told = node_->topology().self().config_epoch == saved_epoch_;
  if (epoch_is_told) save_->pending->announce();
  const bool noted = epoch_is_told && file_->note(node_->unsaved_state(read_clocks()).text());
  if (!noted) carry_out_effects(true);
}

void ClusterRunner::publish_changes() {
  const std::uint64_t revision = node_->topology().revision();
  const std::uint64_t renewals = node_->lease_renewals();
  if (!changed_ && revision == published_revision_ && renewals == published_renewals_) return;
  published_revision_ = revision;
  published_renewals_ = renewals;
  changed_ = false;
  router_.update(node_->topology(), node_->state() == ClusterState::kOk);
  if (hooks_.changed) hooks_.changed();
}

BusKey ClusterRunner::on_bus_accepted() { return LinkId::inbound(++inbound_links_).value(); }

void ClusterRunner::on_bus_up(BusKey link) {
  node_->on_link_up(link_of(link), read_clocks());
  carry_out_effects(false);
}

void ClusterRunner::on_bus_down(BusKey link) {
  node_->on_link_down(link_of(link), read_clocks());
  carry_out_effects(false);
}

void ClusterRunner::on_bus_packet(BusKey link, std::string_view remote_ip, std::string_view local_ip,
                                  std::string_view bytes) {
  const Now now = read_clocks();
  // What the packet makes this node say may be its offset of this very moment.
  if (hooks_.data) node_->on_data(hooks_.data(), now);
  node_->on_packet({link_of(link), remote_ip, local_ip}, bytes, now);
  carry_out_effects(false);
  if (link_of(link).is_inbound() && !bus_.is_vouched_for(link) && node_->knows_link(link_of(link))) bus_.vouch(link);
}

void ClusterRunner::on_bus_accept_failed(std::string_view why) {
  hooks_.log_outsider("bus links that cannot be taken", EventLevel::kWarning,
                      fmt::format("Accepting cluster bus link: accept: {}", why));
}

// Anybody who finds the port can cause this, as often as he likes.
void ClusterRunner::on_bus_trouble(BusKey link, BusTrouble trouble) {
  const bool is_members = link_of(link).is_inbound() ? bus_.is_vouched_for(link) : true;
  const EventLevel level = trouble == BusTrouble::kOverLimit && is_members ? EventLevel::kWarning : EventLevel::kVerbose;
  const std::string_view why = describe(trouble);
  hooks_.log_outsider(why, level, fmt::format("Closing cluster bus link {}: {}", link, why));
}

void ClusterRunner::on_bus_name_unknown(std::string_view name, std::string_view why) {
  hooks_.log(EventLevel::kWarning, fmt::format("The host name {}, which a member announces, is not found: {}", name, why));
}

std::uint64_t ClusterRunner::keys_in(Slot slot) const { return keyspace_.db(0).count_in_slot(slot); }
std::uint64_t ClusterRunner::total_keys() const { return keyspace_.total_keys(); }

void ClusterRunner::carry_out(const OpenLink& effect) { bus_.open(effect.link.value(), effect.ip, effect.bus_port); }
void ClusterRunner::carry_out(const CloseLink& effect) { bus_.close(effect.link.value()); }

void ClusterRunner::carry_out(const SendPacket& effect) {
  if (!silent_) bus_.send(effect.link.value(), effect.bytes, effect.is_urgent());
}

void ClusterRunner::carry_out(const SlotsLost& effect) {
  std::size_t keys = 0;
  for (const Slot slot : effect.slots) {
    if (hooks_.losing) hooks_.losing(slot);
    keys += keyspace_.db(0).erase_slot(slot);
  }
  if (keys == 0) return;
  hooks_.log(EventLevel::kNotice,
             fmt::format("Deleted {} keys of {} slots that another node owns now", keys, effect.slots.size()));
}

void ClusterRunner::carry_out(const ReplicateFrom& effect) {
  source_ = ReplicationSource{effect.primary, effect.ip, effect.port};
  changed_ = true;
}

void ClusterRunner::carry_out(const StopReplicating&) {
  source_.reset();
  changed_ = true;
}

void ClusterRunner::carry_out(const EmptyDataset&) {
  auto tables = keyspace_.flush(-1);
  if (hooks_.free_later) hooks_.free_later(std::move(tables));
}

void ClusterRunner::carry_out(const PauseWriters& effect) {
  if (hooks_.pause_writers) hooks_.pause_writers(effect.until);
  // The replica waits for the offset at which they stopped.
  if (hooks_.data) node_->on_data(hooks_.data(), read_clocks());
}

void ClusterRunner::carry_out(const ResumeWriters&) {
  if (hooks_.resume_writers) hooks_.resume_writers();
}

void ClusterRunner::carry_out(const HandoverEnded& effect) {
  if (hooks_.handover_ended) hooks_.handover_ended(effect);
}

void ClusterRunner::carry_out(const WakeAt& effect) {
  wake_timer_.expires_after(effect.at - read_clocks().mono);
  wake_timer_.async_wait([this](const asio::error_code& cancelled) {
    if (cancelled) return;
    node_->on_wake(read_clocks());
    carry_out_effects(false);
  });
}

void ClusterRunner::carry_out(const StateChanged&) { changed_ = true; }
void ClusterRunner::carry_out(const LogEvent& effect) { hooks_.log(effect.level, effect.text); }

void ClusterRunner::carry_out(SaveTopology& effect) {
  save_ = std::make_shared<Save>();
  save_->what = std::move(effect);
  save_->epoch = node_->topology().self().config_epoch;
  save_->notes = file_->notes();
  // For an operator it is done in a moment, on this thread.
  if (!for_operator_) save_in_background();
}

void ClusterRunner::save_in_background() {
  save_->has_failed = false;
  save_->pending = std::make_shared<PendingSave>(*file_, save_->what.state, save_->notes);
  jobs_.submit([pending = save_->pending, file = file_] { (void)pending->finish(); },
               [this, alive = alive_, save = save_] {
                 if (*alive) on_saved_in_background(save);
               });
}

void ClusterRunner::on_saved_in_background(const std::shared_ptr<Save>& save) {
  // An operator's command may have needed it sooner.
  if (save != save_ || save->has_failed) return;
  (void)conclude_save(save->pending->finish());
  carry_out_effects(false);
}

bool ClusterRunner::save_at_once() {
  if (save_->has_failed || save_->pending == nullptr) {
    save_->pending = std::make_shared<PendingSave>(*file_, save_->what.state, save_->notes);
  }
  return conclude_save(save_->pending->finish());
}

bool ClusterRunner::conclude_save(const Result<void>& outcome) {
  if (!outcome) {
    save_->has_failed = true;
    save_->retry_at = read_boot_clock() + kSaveRetry;
    if (!std::exchange(save_fails_, true)) {
      hooks_.log(EventLevel::kWarning, fmt::format("Saving the cluster configuration fails and is tried again and again: {}",
                                                   outcome.error().message()));
    }
    return false;
  }
  if (std::exchange(save_fails_, false)) hooks_.log(EventLevel::kNotice, "The cluster configuration is saved again");
  const auto saved = std::exchange(save_, nullptr);
  saved_epoch_ = saved->epoch;
  node_->on_saved(saved->what.ticket, read_clocks());
  return true;
}

}  // namespace skein
