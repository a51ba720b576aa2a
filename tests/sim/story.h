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

#include "sim.h"

namespace skein::sim {

class Story {
 public:
  // What went otherwise than told, with its line; nothing when all of it is true.
  [[nodiscard]] static std::optional<std::string> tell(std::string_view text);

 private:
  explicit Story(Seed seed) : sim_(seed) {}

  struct Step;
  static const std::vector<Step>& steps();
  // Why the step failed.
  std::optional<std::string> carry_out(const std::string& line);

  Host& named(const std::string& name) { return sim_.host(names_.at(name)); }

  Sim sim_;
  std::optional<Cluster> cluster_;
  std::map<std::string, HostId> names_;
};

}  // namespace skein::sim
