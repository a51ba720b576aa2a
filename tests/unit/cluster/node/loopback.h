// A few members that hear each other at once, on one hand-moved clock.
//
// No faults: those are the simulator's. A host can be cut off, killed or restarted from what it
// saved. `run_finely` lets time pass by the millisecond, each host with a tick of its own
// phase; packets and saves may take a while then.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <skein/cluster/bus/packet.h>
#include <skein/cluster/node/node.h>

namespace skein {

struct FakeKeys final : SlotKeys {
  std::map<std::uint16_t, std::uint64_t> counts;
  [[nodiscard]] std::uint64_t keys_in(Slot slot) const override {
    const auto at = counts.find(slot.value);
    return at == counts.end() ? 0 : at->second;
  }
  [[nodiscard]] std::uint64_t total_keys() const override {
    std::uint64_t total = 0;
    for (const auto& [slot, count] : counts) total += count;
    return total;
  }
};

class Loopback {
 public:
  struct Host {
    FakeKeys keys;
    NodeSettings settings;
    std::unique_ptr<ClusterNode> node;
    std::string saved;
    bool saves = true;  // else tickets stay open
    std::optional<SaveTopology> open_save;
    bool reachable = true;
    bool is_hidden = false;  // nobody connects to its bus port, while it connects to others
    std::map<LinkId, std::pair<std::size_t, LinkId>> outbound;  // to which host, as which inbound link
    std::map<LinkId, std::pair<std::size_t, LinkId>> inbound;
    std::optional<DataFacts> data;  // what the owner tells of it, if it does
    bool reaches_primary = true;    // else its link to whom it is to follow never comes up
    std::int64_t written_before_pause = 0;
    bool is_mute = false;           // what it sends is lost
    std::optional<std::size_t> mute_to;  // the same, to this one
    bool is_frozen = false;         // as under SIGSTOP: links stay, nothing is handled
    milliseconds wall_ahead{0};     // its wall clock's error
    std::uint64_t life = 0;         // which start of it this is
    std::optional<MonoTime> wakes_at;
    Effects seen;  // everything but packets and links, in order
    std::vector<MessageType> sent;
  };

  explicit Loopback(std::size_t hosts, milliseconds node_timeout = milliseconds{2000}) {
    for (std::size_t i = 0; i < hosts; ++i) {
      hosts_.push_back(std::make_unique<Host>());
      hosts_.back()->settings.port = static_cast<std::uint16_t>(7000 + i);
      hosts_.back()->settings.node_timeout = node_timeout;
      start(i, std::nullopt);
    }
    pump();
  }

  Host& host(std::size_t i) { return *hosts_[i]; }
  ClusterNode& node(std::size_t i) { return *hosts_[i]->node; }
  [[nodiscard]] Now now() const { return now_; }
  std::string id(std::size_t i) { return node(i).id().str(); }
  const Node& view(std::size_t of, std::size_t about) {
    return node(of).topology().node(node(of).topology().find(node(about).id()));
  }

  void run_for(milliseconds span) {
    for (milliseconds done{0}; done < span; done += kClusterTick) {
      now_.mono += kClusterTick;
      now_.wall = now_.wall + kClusterTick;
      for (std::size_t i = 0; i < hosts_.size(); ++i) tick(i);
      pump();
    }
  }

  // How long packets and saves take from now on, at random up to this.
  void set_lag(milliseconds packets, milliseconds saves) {
    packet_lag_ = packets;
    save_lag_ = saves;
  }

  // Time passes and nobody notices: every host stands still.
  void skip(milliseconds span) {
    now_.mono += span;
    now_.wall = now_.wall + span;
  }

  // Until `done` says so; false when `limit` is over before.
  template <typename Done>
  bool run_finely(milliseconds limit, Done&& done) {
    for (milliseconds passed{0}; passed < limit; passed += milliseconds{1}) {
      now_.mono += milliseconds{1};
      now_.wall = now_.wall + milliseconds{1};
      ++millis_;
      for (std::size_t i = 0; i < hosts_.size(); ++i) {
        if ((millis_ + i * 37) % static_cast<std::uint64_t>(kClusterTick.count()) == 0) tick(i);
        wake_if_due(i);
      }
      pump();
      if (done()) return true;
    }
    return false;
  }
  void run_finely(milliseconds span) {
    run_finely(span, [] { return false; });
  }

  void meet(std::size_t from, std::size_t to) {
    const std::string port = std::to_string(hosts_[to]->settings.port);
    const std::vector<std::string_view> args{"127.0.0.1", port};
    ASSERT_TRUE(node(from).meet(args, now_));
    pump();
  }

  void give_slots(std::size_t to, int first, int last) {
    const std::string a = std::to_string(first);
    const std::string b = std::to_string(last);
    const std::vector<std::string_view> args{a, b};
    ASSERT_TRUE(node(to).add_slot_ranges(args, now_));
    pump();
  }

  // Everybody knows everybody; `primaries` share the slots and have epochs of their own.
  void form(std::size_t primaries) {
    for (std::size_t i = 0; i < primaries; ++i) {
      const int share = kSlotCount / static_cast<int>(primaries);
      const int first = static_cast<int>(i) * share;
      give_slots(i, first, i + 1 == primaries ? kSlotCount - 1 : first + share - 1);
    }
    for (std::size_t i = 0; i < hosts_.size(); ++i) ASSERT_TRUE(node(i).set_config_epoch(std::to_string(i + 1), now_));
    for (std::size_t i = 1; i < hosts_.size(); ++i) meet(0, i);
    run_for(milliseconds{8000});
  }

  void crash(std::size_t i) {
    cut(i);
    hosts_[i]->node.reset();
  }
  void restart(std::size_t i) {
    auto state = parse_nodes_conf(hosts_[i]->saved);
    ASSERT_TRUE(state) << state.error().message();
    hosts_[i]->reachable = true;
    start(i, std::move(*state));
    pump();
  }
  void jump_wall(milliseconds by) {
    for (auto& host : hosts_) host->wall_ahead += by;
  }
  void jump_wall_of(std::size_t i, milliseconds by) { hosts_[i]->wall_ahead += by; }
  [[nodiscard]] Now now_at(std::size_t i) const { return {now_.mono, now_.wall + hosts_[i]->wall_ahead}; }

  // Everybody hears that it has failed, from a member that errs.
  void fail_by_word(std::size_t about) {
    for (std::size_t to = 0; to < hosts_.size(); ++to) {
      if (to == about || !hosts_[to]->node) continue;
      for (const auto& [link, end] : hosts_[to]->inbound) {
        if (end.first == about) continue;
        PacketHeader header;
        header.type = MessageType::kFail;
        header.sender = node(end.first).id();
        header.flags = node(end.first).topology().self().flags;
        header.port = hosts_[end.first]->settings.port;
        header.bus_port = static_cast<std::uint16_t>(header.port + kBusPortAbove);
        header.current_epoch = node(end.first).current_epoch();
        const SlotBitmap none;
        header.slots = none.wire();
        node(to).on_packet({link, "127.0.0.1", "127.0.0.1"}, encode_fail(header, node(about).id()), now_at(to));
        break;
      }
    }
    pump();
  }

  // Bytes that `from` might have sent, by its link to `to`.
  void tell(std::size_t from, std::size_t to, const std::string& bytes) {
    for (const auto& [link, end] : hosts_[to]->inbound) {
      if (end.first != from) continue;
      node(to).on_packet({link, "127.0.0.1", "127.0.0.1"}, bytes, now_at(to));
      break;
    }
    pump();
  }

  // Links break and no new ones come up.
  void cut(std::size_t i) {
    hosts_[i]->reachable = false;
    const auto outbound = hosts_[i]->outbound;
    for (const auto& [link, end] : outbound) drop(i, link);
    const auto inbound = hosts_[i]->inbound;
    for (const auto& [link, end] : inbound) drop(end.first, end.second);
    pump();
  }
  void join(std::size_t i) { hosts_[i]->reachable = true; }

  void finish_save(std::size_t i) {
    auto& host = *hosts_[i];
    ASSERT_TRUE(host.open_save);
    const auto save = *std::exchange(host.open_save, std::nullopt);
    host.saved = save.state->text();
    host.node->on_saved(save.ticket, now_);
    pump();
  }

  // Carries out effects until nothing is left to do.
  void pump() {
    for (bool busy = true; busy;) {
      busy = false;
      deliver_due();
      for (std::size_t i = 0; i < hosts_.size(); ++i) busy = carry_out_all(i) || busy;
      // The end of a turn.
      for (std::size_t i = 0; i < hosts_.size() && !busy; ++i) {
        Host& host = *hosts_[i];
        if (!host.node || host.is_frozen || !host.data || !host.node->wants_data()) continue;
        host.node->on_data(*host.data, now_at(i));
        busy = carry_out_all(i) || busy;
      }
    }
  }

  // The connections that others have made to it break.
  void drop_links_to(std::size_t i) {
    while (!hosts_[i]->inbound.empty()) {
      const auto [from, outbound] = hosts_[i]->inbound.begin()->second;
      drop(from, outbound);
    }
    pump();
  }

  template <typename T>
  std::vector<T> seen(std::size_t i) const {
    std::vector<T> found;
    for (const auto& effect : hosts_[i]->seen) {
      if (const auto* match = std::get_if<T>(&effect)) found.push_back(*match);
    }
    return found;
  }

 private:
  void start(std::size_t i, std::optional<SavedState> saved) {
    ++hosts_[i]->life;
    hosts_[i]->wakes_at.reset();
    hosts_[i]->node = std::make_unique<ClusterNode>(hosts_[i]->settings, std::move(saved), Random{100 + i + starts_++ * 977},
                                                    hosts_[i]->keys, now_);
  }

  void tick(std::size_t i) {
    Host& host = *hosts_[i];
    if (!host.node || host.is_frozen) return;
    if (host.data) host.node->on_data(*host.data, now_at(i));
    host.node->on_tick(now_at(i));
  }

  void wake_if_due(std::size_t i) {
    Host& host = *hosts_[i];
    if (!host.node || host.is_frozen || !host.wakes_at || now_at(i).mono < *host.wakes_at) return;
    host.wakes_at.reset();
    host.node->on_wake(now_at(i));
  }

  bool carry_out_all(std::size_t i) {
    if (!hosts_[i]->node || hosts_[i]->is_frozen) return false;
    auto effects = hosts_[i]->node->take_effects();
    for (auto& effect : effects) {
      if (hosts_[i]->node) std::visit([&](auto& e) { carry_out(i, e); }, effect);
    }
    return !effects.empty();
  }

  struct Late {
    MonoTime due;
    std::size_t host;
    std::uint64_t life;
    std::variant<SendPacket, SaveTopology> effect;
  };
  void deliver_due() {
    std::vector<Late> due;
    for (std::size_t i = 0; i < late_.size();) {
      if (late_[i].due > now_.mono) {
        ++i;
        continue;
      }
      due.push_back(std::move(late_[i]));
      late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (Late& late : due) {
      Host& host = *hosts_[late.host];
      if (const auto* save = std::get_if<SaveTopology>(&late.effect)) {
        if (!host.node || host.life != late.life) continue;
        host.saved = save->state->text();
        host.node->on_saved(save->ticket, now_at(late.host));
      } else {
        deliver(late.host, std::get<SendPacket>(late.effect));
      }
    }
  }
  // Packets of one link never overtake each other.
  MonoTime due_after(milliseconds lag, LinkId link) {
    MonoTime due = now_.mono + milliseconds{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(lag.count()) + 1))};
    if (link.is_none()) return due;
    MonoTime& last = last_due_[link];
    last = std::max(last, due);
    return last;
  }

  std::optional<std::size_t> listener(std::uint16_t bus_port) const {
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      const Host& host = *hosts_[i];
      if (host.node && host.reachable && !host.is_hidden && host.settings.announced_ports().bus_port == bus_port) return i;
    }
    return std::nullopt;
  }

  void drop(std::size_t from, LinkId outbound) {
    const auto at = hosts_[from]->outbound.find(outbound);
    if (at == hosts_[from]->outbound.end()) return;
    const auto [to, inbound] = at->second;
    hosts_[from]->outbound.erase(at);
    hosts_[to]->inbound.erase(inbound);
    for (const auto& [host, link] : {std::pair{from, outbound}, std::pair{to, inbound}}) {
      if (hosts_[host]->node && !hosts_[host]->is_frozen) hosts_[host]->node->on_link_down(link, now_at(host));
    }
  }

  void carry_out(std::size_t i, OpenLink& open) {
    const auto to = listener(open.bus_port);
    if (!to || !hosts_[i]->reachable) return hosts_[i]->node->on_link_down(open.link, now_);
    const auto inbound = LinkId::inbound(++links_);
    hosts_[i]->outbound[open.link] = {*to, inbound};
    hosts_[*to]->inbound[inbound] = {i, open.link};
    hosts_[i]->node->on_link_up(open.link, now_at(i));
  }
  void carry_out(std::size_t i, CloseLink& close) {
    if (!close.link.is_inbound()) return drop(i, close.link);
    const auto at = hosts_[i]->inbound.find(close.link);
    if (at != hosts_[i]->inbound.end()) drop(at->second.first, at->second.second);
  }
  void carry_out(std::size_t i, WakeAt& wake) { hosts_[i]->wakes_at = wake.at; }
  void carry_out(std::size_t i, SendPacket& packet) {
    hosts_[i]->sent.push_back(packet.type);
    if (packet_lag_.count() == 0) return deliver(i, packet);
    late_.push_back({due_after(packet_lag_, packet.link), i, hosts_[i]->life, packet});
  }
  void deliver(std::size_t i, const SendPacket& packet) {
    auto& table = packet.link.is_inbound() ? hosts_[i]->inbound : hosts_[i]->outbound;
    const auto at = table.find(packet.link);
    if (at == table.end() || hosts_[i]->is_mute || hosts_[i]->mute_to == at->second.first) return;
    Host& to = *hosts_[at->second.first];
    if (!to.node || to.is_frozen) return;
    to.node->on_packet({at->second.second, "127.0.0.1", "127.0.0.1"}, *packet.bytes, now_at(at->second.first));
  }
  void carry_out(std::size_t i, SaveTopology& save) {
    if (!hosts_[i]->saves) {
      hosts_[i]->open_save = save;
      return;
    }
    if (save_lag_.count() != 0) {
      late_.push_back({due_after(save_lag_, {}), i, hosts_[i]->life, save});
      return;
    }
    hosts_[i]->saved = save.state->text();
    hosts_[i]->node->on_saved(save.ticket, now_at(i));
  }
  void carry_out(std::size_t i, ReplicateFrom& source) {
    if (hosts_[i]->data && !hosts_[i]->reaches_primary) {
      hosts_[i]->data->primary_link_up = false;
      hosts_[i]->data->primary_silence = milliseconds::max();
    }
    hosts_[i]->seen.push_back(source);
  }
  void carry_out(std::size_t i, PauseWriters& pause) {
    // Writes that were served before the pause took effect.
    if (hosts_[i]->data) hosts_[i]->data->offset = hosts_[i]->data->offset + hosts_[i]->written_before_pause;
    hosts_[i]->seen.push_back(pause);
  }
  template <typename T>
  void carry_out(std::size_t i, T& other) {
    hosts_[i]->seen.push_back(other);
  }

  std::vector<std::unique_ptr<Host>> hosts_;
  Now now_{MonoTime{std::chrono::hours{5}}, UnixMillis{1700000000000}};
  std::uint64_t links_ = 0;
  std::uint64_t millis_ = 0;
  milliseconds packet_lag_{0};
  milliseconds save_lag_{0};
  std::vector<Late> late_;
  std::map<LinkId, MonoTime> last_due_;
  Random random_{4711};
  std::uint64_t starts_ = 0;
};

}  // namespace skein
