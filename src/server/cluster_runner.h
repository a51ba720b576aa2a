// Runs the node's cluster member: feeds it packets, links, ticks and saves, and carries out
// what it wants done, in order.
//
// Owns the member, the bus and nodes.conf. Decides nothing about the cluster.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <skein/cluster/node/node.h>
#include <skein/config/config.h>
#include <skein/dispatch/cluster_router.h>
#include <skein/keyspace/keyspace.h>
#include <skein/net/bus_link.h>

#include "job_thread.h"
#include "nodes_file.h"

namespace skein {

// What the runner asks of the server around it. All are called on the node thread.
struct ClusterHooks {
  std::function<void(EventLevel, std::string_view)> log;
  // What anybody who reaches the bus port can bring about: a line a second for each cause.
  std::function<void(std::string_view cause, EventLevel, std::string_view)> log_outsider;
  // Keys taken out of the keyspace, to be freed elsewhere.
  std::function<void(std::vector<DetachedTables>)> free_later;
  // Role, source of replication, state, slot map or lease may have changed: refresh the facts of the gates.
  std::function<void()> changed;
  // How far this node's data is, for the packets it sends. Asked at each tick and packet.
  std::function<DataFacts()> data;
  // The keys of a slot that was lost are about to be deleted.
  std::function<void(Slot)> losing;
  // A replica takes over on request: writes wait, until then at most.
  std::function<void(MonoTime)> pause_writers;
  std::function<void()> resume_writers;
  std::function<void(const HandoverEnded&)> handover_ended;
};

// From where this node is to copy its data, while it is a replica.
struct ReplicationSource {
  NodeId primary;
  std::string ip;
  std::uint16_t port = 0;
  friend bool operator==(const ReplicationSource&, const ReplicationSource&) = default;
};

class ClusterRunner final : private BusOwner, private SlotKeys {
 public:
  // Loads and locks nodes.conf, makes sure that no other node lives under its identity,
  // listens on the bus and begins to tick. The working directory must be `dir` by then.
  // Blocks for at most two seconds (the question after the identity). All references must
  // outlive the runner.
  static Result<std::unique_ptr<ClusterRunner>> start(asio::io_context& loop, const Config& config, Keyspace& keyspace,
                                                      JobThread& jobs, ClusterHooks hooks);
  ~ClusterRunner() override;

  [[nodiscard]] ClusterNode& node() { return *node_; }
  [[nodiscard]] const ClusterNode& node() const { return *node_; }
  // For NodeFacts::router and served_slots, which stay at their addresses.
  [[nodiscard]] ClusterRouter& router() { return router_; }

  // Does what the member decided. With `operators` it returns only when what must be saved
  // is saved.
  void carry_out_effects(bool operators);
  // The data has changed: a member that wants to know is told.
  void tell_data();
  // From now on no packet leaves, until told otherwise: the others keep what they think of this node.
  void fall_silent(bool silent) { silent_ = silent; }
  // The same for an operator who moves slots, and needs many commands for that: what must be saved is noted where the
  // next start finds it, and saved in the background.
  void carry_out_slot_move();
  // After CONFIG SET of cluster-*, port, tcp-backlog or bind-source-addr.
  void apply_settings();
  // The working directory is another one now, and with it what a relative cluster-config-file means: it is made and
  // locked there, with everything, when this returns without an error.
  Result<void> follow_directory();
  // The configuration file on disk says so too.
  void on_config_rewritten() { file_->settle(); }
  // The bus is closed and the last state saved; nothing happens after it.
  void stop();

  [[nodiscard]] const std::optional<ReplicationSource>& replication_source() const { return source_; }

  // For INFO and CLUSTER INFO and LINKS.
  struct Figures {
    std::uint64_t connections = 0;       // cluster_connections: those there are
    std::uint64_t links_memory = 0;      // mem_cluster_links
    std::uint64_t links_over_limit = 0;  // total_cluster_links_buffer_limit_exceeded
  };
  [[nodiscard]] Figures figures() const;
  [[nodiscard]] std::size_t link_count() const { return bus_.link_count(); }
  // What is held for links and not for keys, as maxmemory asks again and again.
  [[nodiscard]] std::uint64_t buffered() const { return bus_.buffered(); }
  [[nodiscard]] Bus::LinkFigures link_figures(LinkId link) const { return bus_.figures(link.value()); }

  [[nodiscard]] bool is_replica() const { return node_->topology().self().is_replica(); }
  // False while the last state could not be saved; it is tried again and again.
  [[nodiscard]] bool is_saved() const;

 private:
  struct Save;

  ClusterRunner(asio::io_context& loop, const Config& config, Keyspace& keyspace, JobThread& jobs, ClusterHooks hooks,
                NodesFile::Loaded loaded);

  BusKey on_bus_accepted() override;
  void on_bus_up(BusKey link) override;
  void on_bus_down(BusKey link) override;
  void on_bus_packet(BusKey link, std::string_view remote_ip, std::string_view local_ip,
                     std::string_view bytes) override;
  void on_bus_trouble(BusKey link, BusTrouble trouble) override;
  void on_bus_accept_failed(std::string_view why) override;
  void on_bus_name_unknown(std::string_view name, std::string_view why) override;

  [[nodiscard]] std::uint64_t keys_in(Slot slot) const override;
  [[nodiscard]] std::uint64_t total_keys() const override;

  [[nodiscard]] NodeSettings member_settings() const;
  void tick_later();
  void tick();
  void publish_changes();
  void carry_out(const OpenLink& effect);
  void carry_out(const CloseLink& effect);
  void carry_out(const SendPacket& effect);
  void carry_out(SaveTopology& effect);
  void carry_out(const SlotsLost& effect);
  void carry_out(const ReplicateFrom& effect);
  void carry_out(const StopReplicating& effect);
  void carry_out(const EmptyDataset& effect);
  void carry_out(const PauseWriters& effect);
  void carry_out(const ResumeWriters& effect);
  void carry_out(const HandoverEnded& effect);
  void carry_out(const WakeAt& effect);
  void carry_out(const StateChanged& effect);
  void carry_out(const LogEvent& effect);
  // Saving.
  void save_in_background();
  void on_saved_in_background(const std::shared_ptr<Save>& save);
  // False when it could not be saved.
  bool save_at_once();
  bool conclude_save(const Result<void>& outcome);

  asio::io_context& loop_;
  const Config& config_;
  Keyspace& keyspace_;
  JobThread& jobs_;
  ClusterHooks hooks_;
  std::shared_ptr<NodesFile> file_;  // shared with a save under way
  std::uint16_t bus_port_;
  std::vector<std::string> bound_ips_;  // of the bus: a later change of `bind` does not move it
  ClusterRouter router_;
  std::unique_ptr<ClusterNode> node_;
  Bus bus_;
  asio::steady_timer timer_;       // of ticks
  asio::steady_timer wake_timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::shared_ptr<Save> save_;  // the one under way, or failed and waiting to be tried again
  bool save_fails_ = false;
  Epoch saved_epoch_;  // this node's own, as of the last save
  std::optional<ReplicationSource> source_;
  std::uint64_t inbound_links_ = 0;
  std::uint64_t published_revision_ = 0;
  std::uint64_t published_renewals_ = 0;  // of the lease to write
  bool changed_ = false;  // beyond what the revision tells
  bool for_operator_ = false;
  bool silent_ = false;
};

}  // namespace skein
