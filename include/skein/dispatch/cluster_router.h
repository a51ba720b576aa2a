// Routes calls in cluster mode: finds a call's keys, asks whether their slot is served here
// and words the answer for the client.
//
// The decision itself is cluster/router's, a function of the slot map; finding keys is
// command/key_finder.h's. This joins the two, asks the keyspace which keys are there while a
// slot moves, and keeps the table that spares most calls the question.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/command/key_finder.h>
#include <skein/config/settings.h>
#include <skein/dispatch/facts.h>
#include <skein/keyspace/keyspace.h>

namespace skein {

class Topology;

class ClusterRouter final : public Router {
 public:
  // Both must outlive the router; settings are read when a call is routed.
  ClusterRouter(Keyspace& keyspace, const Settings& settings);
  ~ClusterRouter() override;

  // The slot map or the cluster's state may have changed. Costs nothing when neither has.
  // Until the first call nothing is served.
  void update(const Topology& topology, bool cluster_ok);

  [[nodiscard]] std::optional<std::string> refuse(const Command& command, std::span<const std::string_view> arguments,
                                                  const Session& session) override;
  [[nodiscard]] std::optional<std::string> refuse_transaction(const Transaction& transaction,
                                                              const Session& session) override;

  // For NodeFacts: kSlotCount bytes at one address, 1 where every call is served at once.
  [[nodiscard]] const std::uint8_t* served_slots() const { return served_.data(); }
  // Which slot a key is in, by its hash tag.
  [[nodiscard]] static Slot slot_of(std::string_view key);

 private:
  struct Call;
  struct Gathered;
  bool gather(const Command& command, std::span<const std::string_view> arguments, Gathered& gathered);
  [[nodiscard]] std::optional<std::string> judge(const Gathered& gathered, const Session& session) const;
  void refresh_served();

  Keyspace& keyspace_;
  const Settings& settings_;
  std::unique_ptr<const Topology> topology_;
  bool cluster_ok_ = false;
  std::vector<FoundKey> found_;  // kept for its memory
  std::array<std::uint8_t, kSlotCount> served_{};
};

}  // namespace skein
