// Routes calls in cluster mode: finds a call's keys, asks whether their slot is served here
// and words the answer for the client.
//
// The decision itself is cluster/router's, a function of the slot map; finding keys is
// command/key_finder.h's. This joins the two, asks the keyspace which keys are there while a
// slot moves, and keeps the table that spares most calls the question.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <skein/base/ids.h>
#include <skein/cluster/router/route.h>
#include <skein/command/key_finder.h>
#include <skein/config/settings.h>
#include <skein/dispatch/facts.h>
#include <skein/keyspace/keyspace.h>

namespace skein {

class ClusterRouter final : public Router {
 public:
  // Both must outlive the router; settings are read when a call is routed.
  ClusterRouter(Keyspace& keyspace, const Settings& settings) : keyspace_(keyspace), settings_(settings) {}

  // The slot map or the cluster's state may have changed. Costs next to nothing when neither
  // has. Until the first call nothing is served.
  void update(const Topology& topology, bool cluster_ok);

  [[nodiscard]] std::optional<std::string> refuse(const Command& command, std::span<const std::string_view> arguments,
                                                  const Session& session) override;
  [[nodiscard]] std::optional<std::string> refuse_transaction(const Transaction& transaction,
                                                              const Session& session) override;

  // Slots that were this node's and have become another's since this was last asked.
  [[nodiscard]] std::vector<Slot> take_left_slots() { return std::exchange(left_, {}); }

  // For NodeFacts: kSlotCount bytes at one address, 1 where every call is served at once.
  [[nodiscard]] const std::uint8_t* served_slots() const { return served_.data(); }

 private:
  // False when the keys of the call cannot be found.
  [[nodiscard]] bool gather(const Command& command, std::span<const std::string_view> arguments);
  void begin();
  void note_left_slots(const Topology& next);
  [[nodiscard]] std::optional<std::string> judge(const Session& session);
  [[nodiscard]] KeyPresence count_keys() const;

  Keyspace& keyspace_;
  const Settings& settings_;
  std::optional<Topology> topology_;
  bool cluster_ok_ = false;
  std::array<std::uint8_t, kSlotCount> served_{};
  std::vector<Slot> left_;

  // What is gathered of one call, or of all calls of a transaction; members for their memory.
  RouteQuery query_;
  std::vector<std::string_view> keys_;
  std::vector<FoundKey> found_;
  std::vector<std::string_view> views_;
};

}  // namespace skein
