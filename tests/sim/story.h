// Runs that are told as text: stories/*.story.
//
// An indented line is a step and is carried out; all other lines are for the reader. The
// steps are listed in story.cc, in the words stories use.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clients.h"
#include "sim.h"
#include "slot_moves.h"

namespace skein::sim {

class Story {
 public:
  // What went otherwise than told, with its line; nothing when all of it is true.
  [[nodiscard]] static std::optional<std::string> tell(std::string_view text);

 private:
  explicit Story(Seed seed) : sim_(seed), moves_(sim_, seed.value + 1) {}

  struct Step;
  static const std::vector<Step>& steps();
  // Why the step failed.
  std::optional<std::string> carry_out(const std::string& line);

  Host& named(const std::string& name) { return sim_.host(names_.at(name)); }

  // The first slot of a shard: what its clients write to.
  [[nodiscard]] Slot slot_of(const std::string& shard) const {
    return cluster_->slots(Shard{static_cast<std::uint32_t>(std::stoul(shard))}).first;
  }
  [[nodiscard]] std::vector<Slot> first_slots() const;

  Sim sim_;
  SlotMoves moves_;
  std::optional<Cluster> cluster_;
  std::optional<Clients> clients_;
  std::map<std::string, HostId> names_;
};

}  // namespace skein::sim
