// The data side of a simulated process: clients' writes, replication, keys on their way.
//
// It does what the server does around its ClusterNode, by what that one shows and asks for:
// a write is executed and acknowledged only by an owner that is sure to be one; replicas copy
// from whom they are told to. What is right is judged in data_witness.h.
#pragma once

#include <skein/base/random.h>
#include <skein/cluster/node/node.h>

#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dataset.h"
#include "event_queue.h"
#include "network.h"

namespace skein::sim {

class DataWitness;
class Host;

enum class WriteAnswer { kAcknowledged, kMoved, kAsk, kRefused };
struct WriteReply {
  WriteAnswer answer = WriteAnswer::kRefused;
  NodeId target;  // of MOVED and ASK
};
struct WriteRequest {
  Slot slot;
  KeyNumber key = 0;
  KeyValue value = 0;
  bool asking = false;
  std::function<void(const WriteReply&)> reply;
};

class DataNode final : public Peer, public SlotKeys {
 public:
  DataNode(Host& host, EventQueue& queue, Network& network, MachineId machine, DataWitness& witness,
           std::uint64_t seed);

  // The process. `saved` is what its disk holds; see host.h.
  void start(std::optional<Dataset> saved, bool as_primary);
  void end();
  void tick();
  // Something the host's member decided may let waiting requests and replies go on.
  void look_again();

  // What the member asks for.
  void replicate_from(const ReplicateFrom& source);
  void stop_replicating();
  void lose_slots(const std::vector<Slot>& slots);
  void empty();
  void pause_writers(MonoTime until) { writers_paused_until_ = until; }
  void resume_writers() { writers_paused_until_ = {}; }
  [[nodiscard]] DataFacts facts() const;

  // What clients and operators ask for.
  void write(WriteRequest request);
  // MIGRATE of one key; `done(true)` when it is there and no longer here.
  void migrate(Slot slot, KeyNumber key, const NodeAddress& target, std::function<void(bool)> done);
  void erase(Slot slot, KeyNumber key);

  [[nodiscard]] const Dataset& data() const { return data_; }
  [[nodiscard]] bool started_without_data() const { return started_without_data_; }
  // Whether it holds what its primary has sent it since it began to follow.
  [[nodiscard]] bool is_in_sync() const { return source_ && is_in_sync_; }
  [[nodiscard]] std::size_t replicas_in_sync() const { return replicas_.size(); }
  [[nodiscard]] MachineId machine() const { return machine_; }

  [[nodiscard]] std::uint64_t keys_in(Slot slot) const override { return data_.keys(slot).size(); }
  [[nodiscard]] std::uint64_t total_keys() const override { return data_.total_keys(); }

  void link_up(LinkId link) override;
  void link_down(LinkId link) override;
  void packet(const Arrival& arrival) override;

 private:
  enum class Verdict { kServe, kWait, kMoved, kAsk, kRefused };
  struct Judgement {
    Verdict verdict;
    NodeId target;
  };
  // A key that was sent elsewhere; nobody may change it until the answer is there.
  struct Flight {
    Slot slot;
    KeyNumber key = 0;
    KeyValue value = 0;
    LinkId link;
    MonoTime give_up_at;
    std::function<void(bool)> done;
    bool is_answered = false;
    bool has_arrived = false;
  };
  // One that came from elsewhere: told once a replica has it.
  struct Landing {
    LinkId link;
    ReplOffset offset;
    MonoTime answer_at;
  };
  enum class MessageKind : std::uint8_t;
  struct Message;

  [[nodiscard]] Judgement judge(const WriteRequest& request) const;
  [[nodiscard]] bool may_write() const;
  [[nodiscard]] bool is_in_flight(Slot slot, KeyNumber key) const;
  void execute(WriteRequest request);
  void leave(WriteRequest request);
  void answer(const WriteRequest& request, WriteReply reply);
  void change(const Change& change);

  void connect();
  void drop_source_link();
  void drop_replicas();
  void end_flights(const std::function<bool(const Flight&)>& which);
  void on_sync(LinkId replica, const Message& message);
  void on_full_copy(const Message& message, const std::vector<Change>& contents);
  void on_restore(LinkId link, const Message& message, const Change& key);
  void land();
  void on_restored(LinkId link, bool is_done);
  void answer_landings();
  void send(LinkId link, const Message& message, const std::vector<Change>& changes = {});
  [[nodiscard]] bool may_take_key(Slot slot) const;

  Host& host_;
  EventQueue& queue_;
  Network& network_;
  MachineId machine_;
  DataWitness& witness_;
  Random random_;

  Dataset data_;
  bool started_without_data_ = false;
  std::uint64_t last_link_ = 0;

  // As a replica.
  std::optional<ReplicateFrom> source_;
  LinkId link_;
  bool link_is_up_ = false;
  bool is_in_sync_ = false;
  bool has_had_data_ = false;
  MonoTime link_opened_{};
  MonoTime last_heard_{};

  // As a primary.
  std::map<LinkId, ReplOffset> replicas_;  // in sync, and what they have acknowledged
  MonoTime writers_paused_until_{};
  std::list<WriteRequest> waiting_;
  std::list<WriteRequest> held_replies_;
  std::list<Flight> flights_;
  std::list<Landing> landings_;
  MonoTime last_ping_{};
};

}  // namespace skein::sim
