// The data on disk: loading it at start, what a snapshot says beside its keys, the last save.
#include "daemon.h"

#include <sys/stat.h>

#include <cerrno>

#include <fmt/format.h>

#include <skein/base/clock.h>
#include <skein/base/memory.h>

#include "process.h"

namespace skein {

void Daemon::load_data() {
  if (config_->dbfilename.empty()) {
    become_ready();
    return;
  }
  const std::string path = snapshots_.path();
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0 && errno == ENOENT) {
    become_ready();
    return;
  }
  const MonoTime begun = read_boot_clock();
  loading_.load_file(path,
                     {.now = read_wall_clock(),
                      .drop_expired = keyspace_.context().delete_expired,
                      .verify_checksum = config_->rdbchecksum},
                     [this, begun](const Loading::Loaded& loaded) { on_loaded(loaded, begun); });
}

void Daemon::on_loaded(const Loading::Loaded& loaded, MonoTime begun) {
  begin_turn();
  if (!loaded.outcome) {
    // The file stays as it is: whoever runs us decides what becomes of it.
    give_up(fmt::format("Fatal error loading the DB: {}. Exiting.", loaded.outcome.error().message()));
    return;
  }
  if (!loaded.facts.writer.empty()) log_.notice(fmt::format("Loading RDB produced by version {}", loaded.facts.writer));
  if (loaded.facts.created.value > 0) {
    log_.notice(fmt::format("RDB age {} seconds", std::max<std::int64_t>(0, (facts_.now.wall - loaded.facts.created).count() / 1000)));
  }
  if (loaded.facts.used_memory > 0) {
    log_.notice(fmt::format("RDB memory usage when created {:.2f} Mb", static_cast<double>(loaded.facts.used_memory) / (1024 * 1024)));
  }
  log_.notice(fmt::format("Done loading RDB, keys loaded: {}, keys expired: {}.", loaded.keys, loaded.expired));
  functions_ = loaded.facts.functions;
  replication_.on_loaded(loaded.facts, cluster_ != nullptr ? cluster_->is_replica() : !config_->replicaof.host.empty());
  log_.notice(fmt::format("DB loaded from disk: {:.3f} seconds",
                          std::chrono::duration<double>(read_boot_clock() - begun).count()));
  if (cluster_ != nullptr) {
    if (auto claimed = claim_held_slots(); !claimed) {
      give_up(claimed.error().message());
      return;
    }
  }
  become_ready();
}

// A cluster's primary whose data is gone must not make its replicas copy that.
void Daemon::hold_back_without_data() {
  if (cluster_ == nullptr || keyspace_.total_keys() > 0) return;
  cluster_->node().hold_back_without_data(read_clocks());
  cluster_->carry_out_effects(false);
}

// Keys of slots that the cluster does not give us: what nobody owns becomes ours, what another
// primary owns is taken for the rest of a migration that was under way, as redis does.
Result<void> Daemon::claim_held_slots() {
  if (cluster_->is_replica()) return {};
  for (int i = 1; i < keyspace_.count(); ++i) {
    if (keyspace_.db(i).size() > 0) {
      return Error("You can't have keys in a DB different than DB 0 when in Cluster mode. Exiting.");
    }
  }
  ClusterNode& node = cluster_->node();
  bool claimed = false;
  for (std::size_t i = 0; i < kSlotCount; ++i) {
    const Slot slot{static_cast<std::uint16_t>(i)};
    const Topology& topology = node.topology();
    if (keyspace_.db(0).count_in_slot(slot) == 0 || topology.owner(slot) == kSelf) continue;
    if (!topology.importing_from(slot).is_none()) continue;
    const std::string number = std::to_string(i);
    const NodeIndex owner = topology.owner(slot);
    Result<void> done;
    if (owner.is_none()) {
      log_.warning(fmt::format("I have keys for unassigned slot {}. Taking responsibility for it.", i));
      const std::string_view slots[] = {number};
      done = node.add_slots(slots, facts_.now);
    } else {
      log_.warning(fmt::format("I have keys for slot {}, but the slot is assigned to another node. Setting it to "
                               "importing state.", i));
      const std::string id(topology.node(owner).id.view());
      const std::string_view words[] = {number, "importing", id};
      done = node.set_slot(words, facts_.now);
    }
    if (!done) log_.warning(done.error().message());
    claimed = true;
  }
  if (claimed) cluster_->carry_out_effects(true);
  return {};
}

// What a snapshot says beside its keys.
RdbFacts Daemon::snapshot_facts() const {
  RdbFacts facts;
  facts.created = read_wall_clock();
  facts.used_memory = allocated_bytes();
  facts.functions = functions_;
  facts.replication = replication_.facts_for_snapshot();
  return facts;
}

// SHUTDOWN's save. The error is the reply to whoever asked.
Result<void> Daemon::save_before_the_end(const ShutdownRequest& request) {
  if (snapshots_.has_child()) {
    log_.warning("There is a child saving an .rdb. Killing it!");
    snapshots_.kill_child();
  }
  const bool wanted = request.save || (!request.nosave && !config_->save.empty());
  // Half a data set must not replace the file it is being read from.
  if (!wanted || loading_.is_loading()) return {};
  log_.notice("Saving the final RDB snapshot before exiting.");
  notify_supervisor(process_.supervised, "STATUS=Saving the final RDB snapshot\n");
  if (snapshots_.save_for_shutdown()) return {};
  if (request.force) {
    log_.warning("Error trying to save the DB. Exit anyway.");
    return {};
  }
  log_.warning("Error trying to save the DB, can't exit.");
  notify_supervisor(process_.supervised, "STATUS=Error trying to save the DB, can't exit.\n");
  log_.warning("Errors trying to shut down the server. Check the logs for more information.");
  return Error("ERR Errors trying to SHUTDOWN. Check logs.");
}

}  // namespace skein
