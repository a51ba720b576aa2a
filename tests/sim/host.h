// One machine with the process of one member on it: the owner that ClusterNode asks for.
//
// It does what the daemon does around that object, with simulated means: two clocks, a
// network, a disk, and being killed, paused or moved. What is right is not judged here;
// see witness.h.
#pragma once

#include <skein/base/random.h>
#include <skein/cluster/node/node.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_node.h"
#include "data_witness.h"
#include "disk.h"
#include "event_queue.h"
#include "journal.h"
#include "network.h"
#include "wire.h"

namespace skein::sim {

class Witness;

// The number of a machine of the cluster, from 0 in the order they were set up.
struct HostId {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(HostId, HostId) = default;
};

// What a host is part of.
struct World {
  EventQueue& queue;
  Journal& journal;
  Network& network;
  Witness& witness;
  DataWitness& data_witness;
};

// A machine's clocks, neither of which is the world's.
struct HostClocks {
  nanoseconds up_before{0};    // how long it had been running when the world began
  double rate = 1.0;           // of its steady clock against the world's
  milliseconds wall_ahead{0};  // of its calendar, which may jump
};

class Host final : public Peer {
 public:
  Host(World world, HostId id, std::string ip, NodeSettings settings, HostClocks clocks, std::uint64_t seed);

  [[nodiscard]] HostId id() const { return id_; }
  [[nodiscard]] MachineId machine() const { return machine_; }
  [[nodiscard]] std::string name() const;
  [[nodiscard]] const std::string& ip() const { return ip_; }
  [[nodiscard]] const NodeSettings& settings() const { return settings_; }
  [[nodiscard]] Now now() const;

  // The process.
  void start();       // from what the disk holds
  void kill();        // kill -9: what was written stays
  void lose_power();  // what was not synced is forgotten
  // TERM: hands over first if there is a replica to hand over to, and then ends.
  void shut_down();
  // Its keys are not on disk any more; its nodes.conf is. Only while it is down.
  void lose_data();
  void pause();
  void resume();
  void move(std::string ip, std::uint16_t port);  // only while it is down
  [[nodiscard]] bool is_up() const { return node_ != nullptr; }
  [[nodiscard]] bool is_paused() const { return is_paused_; }
  [[nodiscard]] bool is_running() const { return is_up() && !is_paused_; }
  [[nodiscard]] const ClusterNode& node() const { return *node_; }
  [[nodiscard]] const ClusterNode* node_or_null() const { return node_.get(); }
  [[nodiscard]] std::uint64_t starts() const { return starts_; }
  [[nodiscard]] WorldTime started_at() const { return started_at_; }
  // It was started with an empty disk after it had had keys.
  [[nodiscard]] bool lost_its_data() const { return lost_its_data_; }
  // Runs now, or when the process is resumed; never once it has ended.
  void when_running(std::function<void()> action);

  // Its data.
  [[nodiscard]] DataNode& data() { return data_; }
  [[nodiscard]] const DataNode& data() const { return data_; }
  // A client's request reaches it after a while, or a refusal the client.
  void take_request(WriteRequest request);
  // Its data has gone on: a takeover may wait for that.
  void data_has_come();
  // What its member was last told of it.
  // Whom it followed when it was last looked at; none: nobody.
  [[nodiscard]] const NodeId& followed() const { return followed_; }

  // An operator's command: `command(node, now)` returns a Result. False when it was refused,
  // or the process does not answer.
  template <typename Command>
  bool operate(Command&& command) {
    if (!is_running()) return false;
    journal_().count(EventKind::kOperator);
    const auto result = command(*node_, now());
    if (!result) journal_().note(name() + " refuses: " + result.error().message());
    settle();
    return result.has_value();
  }

  // CLUSTER FAILOVER with "", "force" or "takeover".
  bool fail_over(std::string_view option);
  // How it came to be a primary just now.
  [[nodiscard]] PromotionKind promotion_kind() const;
  void note_promotion(PromotionKind kind) const;

  // The disk and the clock.
  void slow_disk(nanoseconds least, nanoseconds most);
  void fill_disk(bool is_full) { is_disk_full_ = is_full; }
  [[nodiscard]] bool is_saving() const { return save_.has_value(); }
  void jump_wall_clock(milliseconds by) { clocks_.wall_ahead += by; }
  // Called once, right after the next vote of this member has left.
  void after_next_vote(std::function<void()> action) { after_vote_ = std::move(action); }

  // What its disk is certain to hold, if it holds anything.
  [[nodiscard]] const std::optional<ConfFacts>& durable() const { return durable_; }
  // Puts a file there while the process is down.
  void install_conf(const std::string& text);

  void note(const std::string& line);
  // What waits in an outbound or inbound link.
  [[nodiscard]] std::size_t link_bytes(LinkId link) const {
    return world_.network.bytes_queued(machine_, link);
  }
  [[nodiscard]] std::size_t open_links() const { return world_.network.open_links(machine_); }
  // Whose machine is at the other end, if the link stands.
  [[nodiscard]] std::optional<MachineId> link_target(LinkId link) const {
    return world_.network.other_end(machine_, link);
  }

  void link_up(LinkId link) override;
  void link_down(LinkId link) override;
  void packet(const Arrival& arrival) override;

 private:
  struct Save {
    SaveTicket ticket;
    Content content;
    std::optional<ConfFacts> facts;
  };
  [[nodiscard]] Journal& journal_() const { return world_.journal; }
  void forget_process();
  void tick();
  void tick_later();
  void receive(const Arrival& arrival);
  void give_data_facts();
  void disk_step(void (Host::*next)());
  void settle();

  void carry_out(const OpenLink& effect);
  void carry_out(const CloseLink& effect);
  void carry_out(const WakeAt& effect);
  void carry_out(const SendPacket& effect);
  void carry_out(const SaveTopology& effect);
  void carry_out(const StateChanged& effect);
  void carry_out(const LogEvent& effect);
  void carry_out(const SlotsLost& effect) { data_.lose_slots(effect.slots); }
  void carry_out(const ReplicateFrom& effect) { data_.replicate_from(effect); }
  void carry_out(const StopReplicating&) { data_.stop_replicating(); }
  void carry_out(const EmptyDataset&) { data_.empty(); }
  void carry_out(const PauseWriters& effect) { data_.pause_writers(effect.until); }
  void carry_out(const ResumeWriters&) { data_.resume_writers(); }
  void carry_out(const HandoverEnded& effect);

  // The steps of a save, each an operation of the disk and the wait for it.
  void write_temporary();
  void sync_temporary();
  void rename_temporary();
  void sync_directory();
  void finish_save();

  World world_;
  HostId id_;
  std::string ip_;
  NodeSettings settings_;
  HostClocks clocks_;
  Random random_;
  MachineId machine_;
  Disk disk_;
  DataNode data_;

  std::unique_ptr<ClusterNode> node_;
  bool is_paused_ = false;
  bool is_shutting_down_ = false;
  std::uint64_t starts_ = 0;
  std::uint64_t wakes_ = 0;  // asked for
  WorldTime started_at_{};
  NodeId followed_;
  std::vector<std::function<void()>> when_resumed_;
  std::map<LinkId, NodeId> targets_;  // of outbound links, up or not
  // Data on disk: what the process wrote, and what of it a power loss leaves.
  std::optional<Dataset> saved_data_;
  Dataset synced_data_;
  bool had_keys_ = false;
  bool lost_its_data_ = false;
  std::uint64_t ticks_ = 0;
  std::optional<PromotionKind> asked_for_;
  MonoTime asked_at_{};
  std::optional<Save> save_;
  std::optional<ConfFacts> durable_;
  nanoseconds least_disk_wait_ = microseconds{50};
  nanoseconds most_disk_wait_ = milliseconds{3};
  bool is_disk_full_ = false;
  std::function<void()> after_vote_;
};

}  // namespace skein::sim
