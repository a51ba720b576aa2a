// One node of a simulated replication: the machines of replication/* with data that is a list
// of writes, a snapshot that is that list as text, and connections that are somebody else's.
#pragma once

#include <skein/base/random.h>
#include <skein/replication/history.h>
#include <skein/replication/log.h>
#include <skein/replication/replica_link.h>
#include <skein/replication/stream.h>
#include <skein/resp/request_parser.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "replication_witness.h"

namespace skein::sim {

using ConnectionNumber = std::uint64_t;

// What a node asks of the world around it.
class ReplicationNet {
 public:
  virtual ~ReplicationNet() = default;
  // Ends in on_connected or on_lost of the node's link.
  virtual void connect(std::uint32_t from, std::uint32_t to) = 0;
  virtual void close(std::uint32_t node, ConnectionNumber connection) = 0;
  virtual void send(std::uint32_t node, ConnectionNumber connection, std::string bytes) = 0;
};

class ReplicationNode {
 public:
  ReplicationNode(std::uint32_t number, ReplicationNet& net, HistoryWitness& witness, Random& random,
                  std::size_t backlog);

  // What a clean end, or a snapshot of some earlier moment, leaves.
  struct Saved {
    Writes data;
    ReplicationId id;
    ReplOffset offset;
    int database = -1;
  };
  void start_with(const Saved& saved, bool as_replica);
  [[nodiscard]] Saved saved() const { return {data_, history_.id, log_.end(), database()}; }

  void follow(std::uint32_t primary, MonoTime now);
  void promote();
  void write(Write first, std::size_t count);
  void ping();
  void tick(MonoTime now);

  // Our own link to the primary.
  void on_link_up(ConnectionNumber connection, MonoTime now);
  void on_link_lost(MonoTime now);
  void on_link_bytes(std::string_view bytes, MonoTime now);
  [[nodiscard]] std::optional<ConnectionNumber> link_connection() const { return connection_; }
  // Those who follow us.
  void on_guest_bytes(ConnectionNumber connection, std::string_view bytes);
  void on_guest_lost(ConnectionNumber connection) { guests_.erase(connection); }

  [[nodiscard]] bool is_replica() const { return primary_.has_value(); }
  [[nodiscard]] std::optional<std::uint32_t> primary() const { return primary_; }
  [[nodiscard]] const Writes& data() const { return data_; }
  [[nodiscard]] const History& history() const { return history_; }
  [[nodiscard]] ReplOffset end() const { return log_.end(); }
  [[nodiscard]] const std::optional<std::string>& broken() const { return broken_; }

  struct Tally {
    std::uint64_t full_syncs = 0, partial_syncs = 0, failed_syncs = 0, damaged_streams = 0;
  };
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  struct Guest {
    std::string input;
    std::optional<ReplicationLog::Reader> reader;
  };
  struct Arriving {
    std::optional<ReplicationId> id;
    ReplOffset offset;
    std::string payload;
  };

  // Which one the stream stands in at our offset.
  [[nodiscard]] int database() const { return is_replica() ? selected_ : writer_.database(); }
  void carry_out(ReplicaLink::Effects effects, MonoTime now);
  void install(MonoTime now);
  bool take_stream(std::string_view bytes);
  bool apply(const Arguments& words);
  void answer(ConnectionNumber connection, Guest& guest, const Arguments& words);
  void serve_sync(ConnectionNumber connection, Guest& guest, std::string_view id, std::string_view next_byte);
  void drop_guests();
  void judge(bool whole);

  std::uint32_t number_;
  ReplicationNet& net_;
  HistoryWitness& witness_;
  Random& random_;
  Writes data_;
  History history_;
  ReplicationLog log_;
  StreamWriter writer_;
  std::map<ConnectionNumber, Guest> guests_;

  std::optional<std::uint32_t> primary_;
  ReplicaLink link_;
  std::optional<ConnectionNumber> connection_;
  std::optional<Arriving> arriving_;
  bool history_lost_ = false;  // what we have can be read, and not continued
  std::string stream_;         // received and not yet a whole command or group
  std::optional<Writes> group_;
  int selected_ = -1;          // by the stream, as far as it has been executed
  int parsed_selected_ = -1;   // the same as far as it has been read

  Tally tally_;
  std::optional<std::string> broken_;
};

}  // namespace skein::sim
