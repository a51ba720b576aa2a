// Replication and snapshots as handlers see them, without a node: what was asked is kept, and
// answers are what the test has set.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <skein/commands/replication_actions.h>
#include <skein/commands/snapshot_actions.h>

namespace skein {

class RecordedReplication : public ReplicationActions {
 public:
  std::vector<std::string> asked;
  ReplicationFacts facts;
  bool follows_already = false;
  std::uint64_t acknowledged = 0;
  std::optional<std::string> failover_refusal;
  bool failing_over = false;

  ReplicationFacts replication_facts() override { return facts; }
  [[nodiscard]] bool is_replica() const override { return facts.primary.has_value(); }
  bool follow(std::string_view host, std::uint16_t port) override {
    asked.push_back(fmt::format("follow {} {}", host, port));
    return !follows_already;
  }
  void hurry_link() override { asked.emplace_back("hurry"); }
  void stop_following() override { asked.emplace_back("stop following"); }
  void serve_replica(Session&, const SyncRequest& request) override {
    asked.push_back(fmt::format("serve {} {} {}{}", request.old_protocol ? "SYNC" : "PSYNC", request.id,
                                request.next_byte, request.takes_over ? " takes over" : ""));
  }
  void on_acknowledged(Session&, ReplOffset offset, std::optional<ReplOffset> aof) override {
    asked.push_back(fmt::format("acknowledged {} {}", offset.value, aof ? aof->value : -1));
  }
  void acknowledge_to_primary() override { asked.emplace_back("acknowledge"); }
  [[nodiscard]] std::uint64_t acknowledged_by(const Session&) override { return acknowledged; }
  void await_replicas(Session&, std::uint64_t wanted, MonoTime) override {
    asked.push_back(fmt::format("await {}", wanted));
  }
  Result<void> begin_failover(const FailoverRequest& request) override {
    asked.push_back(fmt::format("failover {} {} {} {}", request.host, request.port, request.force,
                                request.timeout.count()));
    if (failover_refusal) return Error(*failover_refusal);
    return {};
  }
  Result<void> abort_failover() override {
    asked.emplace_back("abort failover");
    if (failover_refusal) return Error(*failover_refusal);
    return {};
  }
  [[nodiscard]] bool is_failing_over() const override { return failing_over; }
};

class RecordedSnapshots : public SnapshotActions {
 public:
  std::vector<std::string> asked;
  PersistenceFacts facts;
  std::optional<std::string> refusal;
  bool child = false;

  PersistenceFacts persistence_facts() override { return facts; }
  Result<void> save() override { return note("save"); }
  [[nodiscard]] bool is_saving() const override { return facts.saving; }
  [[nodiscard]] bool has_child() const override { return child; }
  Result<void> save_in_background() override { return note("background save"); }
  void schedule_save() override { (void)note("schedule"); }
  Result<void> reload(const Reload& how) override {
    return note(fmt::format("reload save={} flush={} merge={}", how.save, how.flush, how.merge));
  }

 private:
  Result<void> note(std::string what) {
    asked.push_back(std::move(what));
    if (refusal) return Error(*refusal);
    return {};
  }
};

}  // namespace skein
