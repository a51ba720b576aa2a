// The network between the simulated machines: TCP connections, and what befalls them.
//
// Bytes of one connection are never lost alone nor reordered: they are late, or the
// connection breaks. Packets of different connections overtake each other. A cut path
// holds bytes back until it is mended; a connection attempt over it waits as long. When
// asked to, the network also flips bits and delivers a packet twice.
#pragma once

#include <skein/base/random.h>
#include <skein/cluster/node/effects.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "event_queue.h"
#include "journal.h"

namespace skein::sim {

struct MachineId {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(MachineId, MachineId) = default;
};

// A process that has connections.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void link_up(LinkId link) = 0;
  virtual void link_down(LinkId link) = 0;
  struct Arrival {
    LinkId link;
    std::string remote_ip;
    std::string local_ip;
    PacketBytes bytes;
    bool is_corrupted = false;
  };
  virtual void packet(const Arrival& arrival) = 0;
};

// How bytes travel from one machine.
struct Weather {
  nanoseconds least_delay = microseconds{100};
  nanoseconds most_delay = milliseconds{2};
  std::uint64_t corrupt_one_in = 0;  // 0: never
  std::uint64_t repeat_one_in = 0;   // of new connections: the last packet of the old one again
};

class Network {
 public:
  Network(EventQueue& queue, Journal& journal, Random random)
      : queue_(queue), journal_(journal), random_(random) {}

  MachineId add_machine(std::string ip, std::uint16_t bus_port);
  // Another port of a machine, with links of its own. What befalls the machine befalls them;
  // only damage to packets does not, as clients' connections are not the bus's.
  MachineId add_port(MachineId machine, std::uint16_t port);
  void move_machine(MachineId machine, std::string ip, std::uint16_t bus_port);
  [[nodiscard]] const std::string& ip(MachineId machine) const { return at(machine).ip; }

  // A process begins to listen; it ends by a kill, which the others' kernels are told, or
  // with the power, which nobody is told.
  void process_starts(MachineId machine, Peer& peer);
  void process_ends(MachineId machine);
  void power_fails(MachineId machine);

  // What a process asks for.
  void open(MachineId machine, LinkId link, std::string ip, std::uint16_t bus_port);
  void close(MachineId machine, LinkId link);
  void send(MachineId machine, LinkId link, PacketBytes bytes);
  // Nothing when the link is gone.
  [[nodiscard]] std::size_t bytes_queued(MachineId machine, LinkId link) const;
  [[nodiscard]] std::uint64_t bytes_delivered() const { return bytes_delivered_; }
  [[nodiscard]] std::optional<MachineId> other_end(MachineId machine, LinkId link) const;
  [[nodiscard]] std::size_t open_links(MachineId machine) const { return at(machine).ends.size(); }

  // What befalls it.
  void cut(MachineId from, MachineId to) { cuts_[{from, to}] = true; }
  void mend(MachineId from, MachineId to) { cuts_.erase({from, to}); }
  void mend_all() { cuts_.clear(); }
  [[nodiscard]] bool is_cut(MachineId from, MachineId to) const { return cuts_.contains({from, to}); }
  // Whether bytes get from one machine to the other now.
  [[nodiscard]] bool is_passable(MachineId from, MachineId to) const;
  // How long bytes from there would be on their way.
  [[nodiscard]] nanoseconds draw_delay(MachineId from);
  void break_links(MachineId machine);
  // A connection from outside the cluster brings one packet and ends. `is_damaged` marks one
  // that breaks a rule of the format.
  void inject(MachineId to, std::string from_ip, PacketBytes bytes, bool is_damaged);
  void stall_links(MachineId machine, nanoseconds span);
  [[nodiscard]] Weather& weather(MachineId machine) { return at(machine).weather; }

 private:
  struct ConnectionId {
    std::uint64_t value = 0;
  };
  // One of the two directions: what its sender wrote and its receiver has not read.
  struct Parcel {
    PacketBytes bytes;
    WorldTime arrives;
  };
  struct Flow {
    std::vector<Parcel> parcels;  // oldest first
    std::size_t bytes = 0;
    WorldTime last_arrival{};
    WorldTime stalled_until{};
    bool is_pumping = false;
    bool is_closing = false;  // its sender is gone: when it is empty the receiver hears
    int retries = 0;
  };
  struct End {
    MachineId machine;
    LinkId link;
    bool is_open = false;  // its process holds it
  };
  struct Connection {
    End ends[2];    // who opened it, who accepted it
    Flow flows[2];  // from ends[0], from ends[1]
    bool was_accepted = false;
  };
  struct EndRef {
    ConnectionId connection;
    int side = 0;
  };
  struct Machine {
    std::string ip;
    std::uint16_t bus_port = 0;
    MachineId body;                // the machine itself, or whose port this is
    std::vector<MachineId> ports;  // the others it has
    Peer* peer = nullptr;
    bool has_power = true;
    std::uint64_t next_inbound = 1;
    Weather weather;
    std::map<LinkId, EndRef> ends;
    std::map<MachineId, PacketBytes> last_sent;  // kept only while packets are repeated
  };

  [[nodiscard]] Machine& at(MachineId machine) { return machines_[machine.value]; }
  [[nodiscard]] const Machine& at(MachineId machine) const { return machines_[machine.value]; }
  [[nodiscard]] Connection* find(ConnectionId id);
  [[nodiscard]] const Machine& body(MachineId machine) const { return at(at(machine).body); }
  [[nodiscard]] std::optional<MachineId> listener_at(const std::string& ip, std::uint16_t bus_port) const;
  [[nodiscard]] PacketBytes flip_bits(const std::string& bytes);

  void try_connect(ConnectionId id, std::string ip, std::uint16_t bus_port, int attempt);
  void tell_opened(ConnectionId id);
  void push(Connection& connection, ConnectionId id, int side, PacketBytes bytes);
  void repeat_last(Connection& connection, ConnectionId id);
  void pump(ConnectionId id, int side);
  void pump_later(ConnectionId id, int side, nanoseconds delay);
  void deliver(Connection& connection, ConnectionId id, int side, const PacketBytes& bytes);
  // The end's process hears that its link is gone, unless it let go of it first.
  void drop_end(ConnectionId id, int side);
  void forget_if_over(ConnectionId id);

  EventQueue& queue_;
  Journal& journal_;
  Random random_;
  std::vector<Machine> machines_;
  std::map<std::pair<std::string, std::uint16_t>, MachineId> addresses_;
  std::unordered_map<std::uint64_t, Connection> connections_;  // never walked: its order is no one's
  std::map<std::pair<MachineId, MachineId>, bool> cuts_;
  std::uint64_t next_connection_ = 1;
  std::uint64_t bytes_delivered_ = 0;
};

}  // namespace skein::sim
