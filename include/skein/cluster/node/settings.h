// What a member of the cluster is told by its owner: configuration, not state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <skein/base/time.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

// Mistakes to switch on in tests, each turning one decision the wrong way, so that the
// simulator's invariants are seen to find them. All off outside tests.
struct PlantedBugs {
  bool vote_twice = false;                  // answers every request of an epoch
  bool act_before_saving = false;           // sends what a save should have preceded
  bool forget_epoch_on_restart = false;     // starts with both epochs at zero
  bool ignore_newer_config_epoch = false;   // keeps slots a newer claim has taken
  bool believe_unknown_sender = false;      // learns slots and epochs from a sender it does not know
  bool no_quorum_for_fail = false;          // calls a node failed on its own suspicion
  bool keep_equal_config_epochs = false;    // leaves two primaries with one config epoch
  bool fail_is_forever = false;             // never clears FAIL
  bool serve_in_minority = false;           // stays ok when most primaries are out of reach
  bool lose_slots_on_restart = false;       // forgets its own slots when it starts again
  bool ignore_update = false;               // throws away UPDATE
  bool lower_current_epoch = false;         // takes a sender's current epoch even when it is lower
  bool ignore_lease = false;                // writes whether most voters answer or not
  bool lease_by_gossip = false;             // takes what others heard of a voter for its answer
  bool vote_for_the_living = false;         // votes although it has just heard the primary
  bool elect_without_majority = false;      // takes over with the first vote
  bool claim_before_saving = false;         // shows the claim it has won before it is saved
  bool hide_open_slots = false;             // replicas and the other end of a move are told nothing
  bool stand_without_data = false;          // stands for election whatever its data is worth
  bool keep_data_of_others = false;         // takes whomever it follows for one that has its former primary's data
  bool empty_primary_serves = false;        // starts without data and serves its replicas at once
  bool reuse_election_epoch = false;        // asks for votes in the current epoch, not the next
};

struct NodeSettings {
  // Where this node listens.
  std::uint16_t port = 6379;      // of clients, without TLS; 0 when there is none
  std::uint16_t tls_port = 0;
  std::uint16_t bus_port = 0;     // cluster-port; 0 means the client port + 10000
  bool tls_cluster = false;       // then tls_port is the base port
  // The only addresses it can be reached at; empty where it listens on all of them.
  std::vector<std::string> bound_ips;

  // What it tells the others instead; empty or 0 for the real one.
  std::string announce_ip;  // or a name that the others look up
  std::string announce_hostname;
  std::uint16_t announce_port = 0;
  std::uint16_t announce_tls_port = 0;
  std::uint16_t announce_bus_port = 0;

  milliseconds node_timeout{15000};
  bool require_full_coverage = true;
  bool replica_no_failover = false;
  bool allow_replica_migration = true;
  int migration_barrier = 1;           // replicas a primary keeps before one may migrate away
  int replica_validity_factor = 10;    // of the node timeout; 0: data of any age may be promoted
  seconds replica_ping_period{10};     // repl-ping-replica-period
  EndpointType endpoint_type = EndpointType::kIp;

  // Marks outgoing packets with a checksum that Skein nodes verify and redis ignores.
  bool mark_packets = true;

  PlantedBugs bugs;

  // The port that is announced as the base one, the plain one beside it, and the bus's.
  [[nodiscard]] NodeAddress announced_ports() const;
};

}  // namespace skein
