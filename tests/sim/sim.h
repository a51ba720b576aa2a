// A whole cluster in one process, on a seeded clock, network and disk.
//
//   Sim sim{Seed{7}};
//   auto cluster = sim.cluster({.primaries = 3, .replicas_each = 2});
//   sim.cut_off(cluster.primary(Shard{0}));
//   sim.run_for(30s);
//
// The rules of witness.h are checked after every step. A broken one ends the run, and
// fails the test with its seed unless the test asks for it (take_violation).
#pragma once

#include <skein/base/random.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agreement.h"
#include "data_witness.h"
#include "event_queue.h"
#include "host.h"
#include "journal.h"
#include "network.h"
#include "witness.h"

namespace skein::sim {

struct Seed {
  std::uint64_t value = 0;
};

inline constexpr HostId kNobody{0xffffffff};

// A primary's number when the cluster was formed, and the slots it was given.
struct Shard {
  std::uint32_t value = 0;
};

struct ClusterShape {
  std::uint32_t primaries = 3;
  std::uint32_t replicas_each = 1;
  milliseconds node_timeout{2000};
  bool elections = true;     // replicas stand for election
  bool gives_epochs = true;  // SET-CONFIG-EPOCH, as redis-cli does; else the clash rule has work
  bool marks_packets = true;
  PlantedBugs bugs{};

  [[nodiscard]] std::uint32_t nodes() const { return primaries * (1 + replicas_each); }
};

class Sim;

// What a test asks about the cluster as a whole.
class Cluster {
 public:
  Cluster(Sim& sim, ClusterShape shape) : sim_(sim), shape_(shape) {}

  // Who owns the shard's slots: of several that think so the one with the newest claim,
  // kNobody when none does that is up.
  [[nodiscard]] HostId primary(Shard shard) const;
  // Who counts itself among that primary's replicas.
  [[nodiscard]] std::vector<HostId> replicas(Shard shard) const;
  [[nodiscard]] std::vector<HostId> primaries() const;
  [[nodiscard]] std::pair<Slot, Slot> slots(Shard shard) const;
  [[nodiscard]] const ClusterShape& shape() const { return shape_; }

 private:
  Sim& sim_;
  ClusterShape shape_;
};

class Sim {
 public:
  explicit Sim(Seed seed, Witness::Depth depth = Witness::Depth::kFull);
  ~Sim();
  Sim(const Sim&) = delete;
  Sim& operator=(const Sim&) = delete;

  // Starts the members and joins them as redis-cli does; on return all agree.
  Cluster cluster(ClusterShape shape);
  // The same without the joining: every member starts from a file that names all. For
  // clusters of many hundreds.
  Cluster restored_cluster(ClusterShape shape);

  // SETSLOT as redis-cli reshards: open at both ends, then given away. False when refused.
  bool open_slot(Slot slot, HostId from, HostId to);
  bool give_slot(Slot slot, HostId from, HostId to);
  bool set_slot(HostId at, Slot slot, std::string_view action, HostId other);
  // Who thinks it owns the slot: of several the one with the newest claim, of those that are up.
  [[nodiscard]] HostId find_owner(Slot slot) const;

  void run_for(nanoseconds span);
  // False when it did not become so within `limit`. It is looked at each `step`.
  bool run_until(const std::function<bool()>& condition, nanoseconds limit, nanoseconds step = milliseconds{250});
  // False, and a broken rule, when the members do not come to agree within `limit`.
  bool await(Agreement wanted, nanoseconds limit);
  // The same for what they hold: see data_witness.h. Clients must be silent.
  bool await_data(nanoseconds limit);

  [[nodiscard]] Host& host(HostId id) { return *hosts_.at(id.value); }
  [[nodiscard]] const Host& host(HostId id) const { return *hosts_.at(id.value); }
  [[nodiscard]] const Hosts& hosts() const { return hosts_; }
  [[nodiscard]] Network& network() { return network_; }
  [[nodiscard]] EventQueue& queue() { return queue_; }
  [[nodiscard]] Journal& journal() { return journal_; }
  [[nodiscard]] DataWitness& data() { return data_witness_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] nanoseconds elapsed() const { return queue_.now().time_since_epoch(); }

  // Cuts, in the words of tests; each is undone by heal.
  void cut_off(HostId host);
  void cut_apart(const std::vector<HostId>& group);  // from all others
  void cut(HostId a, HostId b);
  void cut_one_way(HostId from, HostId to);
  // Mends the network, wakes and starts everyone, and takes back what disks and clocks had.
  void heal();

  [[nodiscard]] const std::optional<std::string>& violation() const { return journal_.broken(); }
  // The same, and the test does not fail by it.
  std::optional<std::string> take_violation();

 private:
  void set_up_hosts(const ClusterShape& shape);
  void give_slots(const Cluster& cluster);
  void look_around();

  Seed seed_;
  Random random_;
  EventQueue queue_;
  Journal journal_;
  DataWitness data_witness_;
  Witness witness_;
  Network network_;
  IsolationWatch isolation_;
  bool watches_isolation_;
  Hosts hosts_;
  bool violation_is_expected_ = false;
};

// "10.0.3.7" for host 775: one address for each.
[[nodiscard]] std::string address_of(std::uint32_t host);

}  // namespace skein::sim
