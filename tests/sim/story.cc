#include "story.h"

#include <fmt/format.h>

#include <functional>
#include <regex>
#include <sstream>

namespace skein::sim {

namespace {

using namespace std::chrono_literals;

// "250ms", "30s", "1h", "-1h".
nanoseconds parse_span(const std::string& text) {
  std::size_t end = 0;
  const long long number = std::stoll(text, &end);
  const auto unit = text.substr(end);
  if (unit == "ms") return milliseconds{number};
  if (unit == "h") return std::chrono::hours{number};
  return seconds{number};
}

std::uint32_t parse_count(const std::string& text) {
  return static_cast<std::uint32_t>(std::stoul(text));
}

std::optional<std::string> unless(bool is_so, std::string otherwise) {
  return is_so ? std::nullopt : std::optional<std::string>(std::move(otherwise));
}

const Node* entry_for(const Host& viewer, const Host& about) {
  const NodeIndex index = viewer.node().topology().find(about.node().id());
  return index.is_none() ? nullptr : &viewer.node().topology().node(index);
}

}  // namespace

struct Story::Step {
  using Action = std::optional<std::string> (*)(Story&, const std::smatch&);

  Step(const char* pattern, Action does) : words(pattern), action(does) {}

  std::regex words;
  Action action;
};

const std::vector<Story::Step>& Story::steps() {
  using Words = const std::smatch&;
  using Outcome = std::optional<std::string>;
  // In the order a story meets them: who there is, what happens, what is waited for, what
  // is to be so. A name is one upper-case letter.
  static const std::vector<Step> kSteps = {
      {R"(a cluster of (\d+) primaries with (\d+) replicas? each, node timeout (\w+))",
       [](Story& story, Words words) -> Outcome {
         ClusterShape shape;
         shape.primaries = parse_count(words[1]);
         shape.replicas_each = parse_count(words[2]);
         shape.node_timeout = std::chrono::duration_cast<milliseconds>(parse_span(words[3]));
         story.cluster_.emplace(story.sim_.cluster(shape));
         return std::nullopt;
       }},
      {R"(([A-Z]) is the primary of shard (\d+))",
       [](Story& story, Words words) -> Outcome {
         story.names_[words[1]] = story.cluster_->primary(Shard{parse_count(words[2])});
         return std::nullopt;
       }},
      {R"(([A-Z]) is replica (\d+) of shard (\d+))",
       [](Story& story, Words words) -> Outcome {
         const auto replicas = story.cluster_->replicas(Shard{parse_count(words[3])});
         const auto number = parse_count(words[2]);
         if (number == 0 || number > replicas.size()) return "there is no such replica";
         story.names_[words[1]] = replicas[number - 1];
         return std::nullopt;
       }},

      {R"(cut off ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         story.sim_.cut_off(story.named(words[1]).id());
         return std::nullopt;
       }},
      {R"(cut ([A-Z]) and ([A-Z]) apart)",
       [](Story& story, Words words) -> Outcome {
         story.sim_.cut(story.named(words[1]).id(), story.named(words[2]).id());
         return std::nullopt;
       }},
      {R"(replication between ([A-Z]) and ([A-Z]) is cut)",
       [](Story& story, Words words) -> Outcome {
         const MachineId a = story.named(words[1]).data().machine();
         const MachineId b = story.named(words[2]).data().machine();
         story.sim_.network().cut(a, b);
         story.sim_.network().cut(b, a);
         return std::nullopt;
       }},
      {R"(an operator makes ([A-Z]) a replica of ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         const NodeId id = story.named(words[2]).node().id();
         return unless(story.named(words[1]).operate(
                           [&](ClusterNode& node, Now now) { return node.replicate(id.view(), now); }),
                       "it is refused");
       }},
      {R"(then shard (\d+) still belongs to ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         // It may be down, so by its address.
         const HostId owner = story.cluster_->primary(Shard{parse_count(words[1])});
         return unless(owner == kNobody || owner == story.names_.at(words[2]), fmt::format("node{} has it", owner.value));
       }},
      {R"(mend all cuts)",
       [](Story& story, Words) -> Outcome {
         story.sim_.network().mend_all();
         return std::nullopt;
       }},
      {R"(mend all cuts except between ([A-Z]) and ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         story.sim_.network().mend_all();
         story.sim_.cut(story.named(words[1]).id(), story.named(words[2]).id());
         return std::nullopt;
       }},
      {R"(kill ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         story.named(words[1]).kill();
         return std::nullopt;
       }},
      {R"(([A-Z]) loses power)",
       [](Story& story, Words words) -> Outcome {
         story.named(words[1]).lose_power();
         return std::nullopt;
       }},
      {R"(start ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         story.named(words[1]).start();
         return std::nullopt;
       }},
      {R"(start ([A-Z]) at ([\d.]+):(\d+))",
       [](Story& story, Words words) -> Outcome {
         story.named(words[1]).move(words[2], static_cast<std::uint16_t>(parse_count(words[3])));
         story.named(words[1]).start();
         return std::nullopt;
       }},
      {R"(start ([A-Z]) without its data at ([\d.]+):(\d+))",
       [](Story& story, Words words) -> Outcome {
         story.named(words[1]).lose_data();
         story.named(words[1]).move(words[2], static_cast<std::uint16_t>(parse_count(words[3])));
         story.named(words[1]).start();
         return std::nullopt;
       }},
      {R"(([A-Z]) and ([A-Z]) swap their addresses and start)",
       [](Story& story, Words words) -> Outcome {
         Host& one = story.named(words[1]);
         Host& other = story.named(words[2]);
         if (one.is_up() || other.is_up()) return "one of them is up";
         const auto ip = one.ip();
         const auto port = one.settings().port;
         const auto others_ip = other.ip();
         const auto others_port = other.settings().port;
         // Two machines are never at one address.
         one.move("10.250.250.250", port);
         other.move(ip, port);
         one.move(others_ip, others_port);
         one.start();
         other.start();
         return std::nullopt;
       }},
      {R"(clients write to all shards)",
       [](Story& story, Words) -> Outcome {
         story.clients_.emplace(story.sim_, 5, story.first_slots());
         story.clients_->start(8 * story.cluster_->shape().primaries, 5ms, 20ms);
         return std::nullopt;
       }},
      {R"(clients fall silent)",
       [](Story& story, Words) -> Outcome {
         story.clients_->stop();
         story.sim_.run_for(2s);
         return std::nullopt;
       }},
      {R"((\d+) keys are at rest in slot (\d+))",
       [](Story& story, Words words) -> Outcome {
         Clients keeper(story.sim_, 7, {Slot{static_cast<std::uint16_t>(parse_count(words[2]))}});
         return unless(keeper.put_to_rest(parse_count(words[1])), "they were not acknowledged");
       }},
      {R"(stop ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         story.named(words[1]).shut_down();
         return std::nullopt;
       }},
      {R"(start ([A-Z]) without its data)",
       [](Story& story, Words words) -> Outcome {
         story.named(words[1]).lose_data();
         story.named(words[1]).start();
         return std::nullopt;
       }},
      {R"(an operator fails over to ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         return unless(story.named(words[1]).fail_over(""), "it is refused");
       }},
      {R"(an operator lets ([A-Z]) take over)",
       [](Story& story, Words words) -> Outcome {
         return unless(story.named(words[1]).fail_over("takeover"), "it is refused");
       }},
      {R"(an operator begins to move slot (\d+) from ([A-Z]) to ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         const Slot slot{static_cast<std::uint16_t>(parse_count(words[1]))};
         story.moves_.begin(slot, story.names_.at(words[2]), story.names_.at(words[3]));
         return std::nullopt;
       }},
      {R"(an operator repairs what is left open)",
       [](Story& story, Words) -> Outcome {
         return unless(story.moves_.fix(), "something refuses");
       }},
      {R"(pause ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         story.named(words[1]).pause();
         return std::nullopt;
       }},
      {R"(resume ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         story.named(words[1]).resume();
         return std::nullopt;
       }},
      {R"(the wall clock of ([A-Z]) jumps by (-?\w+))",
       [](Story& story, Words words) -> Outcome {
         story.named(words[1]).jump_wall_clock(
             std::chrono::duration_cast<milliseconds>(parse_span(words[2])));
         return std::nullopt;
       }},
      {R"(the disk of ([A-Z]) needs (\w+) for each step)",
       [](Story& story, Words words) -> Outcome {
         story.named(words[1]).slow_disk(parse_span(words[2]), parse_span(words[2]));
         return std::nullopt;
       }},
      {R"(an operator bumps the epoch of ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         const bool is_done =
             story.named(words[1]).operate([](ClusterNode& node, Now now) { return node.bump_epoch(now); });
         return unless(is_done, "it is refused");
       }},
      {R"(an operator opens slot (\d+) on its way from ([A-Z]) to ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         const Slot slot{static_cast<std::uint16_t>(parse_count(words[1]))};
         return unless(story.sim_.open_slot(slot, story.names_.at(words[2]), story.names_.at(words[3])),
                       "it is refused");
       }},
      {R"(an operator gives slot (\d+) from ([A-Z]) to ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         const Slot slot{static_cast<std::uint16_t>(parse_count(words[1]))};
         return unless(story.sim_.give_slot(slot, story.names_.at(words[2]), story.names_.at(words[3])),
                       "it is refused");
       }},
      {R"(kill ([A-Z]) right after its next vote)",
       [](Story& story, Words words) -> Outcome {
         Host& voter = story.named(words[1]);
         voter.after_next_vote([&voter] { voter.kill(); });
         return std::nullopt;
       }},

      {R"((\w+) pass(?:es)?)",
       [](Story& story, Words words) -> Outcome {
         story.sim_.run_for(parse_span(words[1]));
         return std::nullopt;
       }},
      {R"(within (\w+) ([A-Z]) is down)",
       [](Story& story, Words words) -> Outcome {
         Host& host = story.named(words[2]);
         return unless(story.sim_.run_until([&] { return !host.is_up(); }, parse_span(words[1])),
                       "it is still up");
       }},
      {R"(within (\w+) ([A-Z]) holds ([A-Z]) for failed)",
       [](Story& story, Words words) -> Outcome {
         const Host& viewer = story.named(words[2]);
         const std::string& ip = story.named(words[3]).ip();  // it may be down, so not by its id
         const auto has_failed = [&] {
           bool found = false;
           viewer.node().topology().for_each_node([&](NodeIndex, const Node& node) {
             if (node.address.ip == ip) found = node.has_failed();
           });
           return found;
         };
         return unless(story.sim_.run_until(has_failed, parse_span(words[1])), "it does not");
       }},
      {R"(within (\w+) ([A-Z]) acknowledges writes to shard (\d+))",
       [](Story& story, Words words) -> Outcome {
         const Host* writer = &story.named(words[2]);
         const Slot slot = story.slot_of(words[3]);
         return unless(story.sim_.run_until([&] { return story.sim_.data().last_writer(slot) == writer; },
                                            parse_span(words[1]), 5ms),
                       "it does not");
       }},
      {R"(within (\w+) slot (\d+) belongs to ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         const Slot slot{static_cast<std::uint16_t>(parse_count(words[2]))};
         const HostId owner = story.names_.at(words[3]);
         return unless(story.sim_.run_until([&] { return story.sim_.find_owner(slot) == owner; },
                                            parse_span(words[1])),
                       "it does not");
       }},
      {R"(within (\w+) shard (\d+) has another owner than ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         const Shard shard{parse_count(words[2])};
         const HostId before = story.names_.at(words[3]);
         const auto is_replaced = [&] {
           const HostId owner = story.cluster_->primary(shard);
           return owner != kNobody && owner != before;
         };
         return unless(story.sim_.run_until(is_replaced, parse_span(words[1])), "it has not");
       }},
      {R"(within (\w+) ([A-Z]) is a replica of ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         const Host& replica = story.named(words[2]);
         const Host& primary = story.named(words[3]);
         const auto is_so = [&] {
           const Topology& topology = replica.node().topology();
           const NodeIndex of = topology.self().primary;
           return !of.is_none() && topology.node(of).id == primary.node().id();
         };
         return unless(story.sim_.run_until(is_so, parse_span(words[1])), "it is not");
       }},
      {R"(within (\w+) ([A-Z]) stops serving)",
       [](Story& story, Words words) -> Outcome {
         const Host& host = story.named(words[2]);
         const auto is_so = [&] { return host.is_up() && host.node().state() == ClusterState::kFail; };
         return unless(story.sim_.run_until(is_so, parse_span(words[1])), "it still serves");
       }},
      {R"(within (\w+) all agree)",
       [](Story& story, Words words) -> Outcome {
         std::optional<std::string> lacking;
         const auto agree = [&] {
           lacking = find_disagreement(story.sim_.hosts(), Agreement::kHealth);
           return !lacking;
         };
         return unless(story.sim_.run_until(agree, parse_span(words[1])), lacking.value_or(""));
       }},

      {R"(then ([A-Z]) owns shard (\d+))",
       [](Story& story, Words words) -> Outcome {
         const HostId owner = story.cluster_->primary(Shard{parse_count(words[2])});
         return unless(owner == story.names_.at(words[1]), fmt::format("node{} does", owner.value));
       }},
      {R"(then ([A-Z]) takes ([A-Z]) for the owner of slot (\d+))",
       [](Story& story, Words words) -> Outcome {
         const Topology& topology = story.named(words[1]).node().topology();
         const NodeIndex owner = topology.owner(Slot{static_cast<std::uint16_t>(parse_count(words[3]))});
         return unless(!owner.is_none() && topology.node(owner).id == story.named(words[2]).node().id(),
                       "it does not");
       }},
      {R"(then slot (\d+) is on its way at ([A-Z]))",
       [](Story& story, Words words) -> Outcome {
         const Topology& topology = story.named(words[2]).node().topology();
         const Slot slot{static_cast<std::uint16_t>(parse_count(words[1]))};
         return unless(!topology.migrating_to(slot).is_none() || !topology.importing_from(slot).is_none(),
                       "it is closed");
       }},
      {R"(then ([A-Z]) has acknowledged nothing for (\w+))",
       [](Story& story, Words words) -> Outcome {
         const auto last = story.sim_.data().last_acknowledgement(story.named(words[1]));
         return unless(!last || story.sim_.queue().now() - *last >= parse_span(words[2]), "it has");
       }},
      {R"(then no acknowledged write is lost)",
       [](Story& story, Words) -> Outcome {
         const auto lost = story.sim_.data().count_lost_writes(story.sim_.hosts());
         return unless(lost == 0, fmt::format("{} are", lost));
       }},
      {R"(within (\w+) all data is where it belongs)",
       [](Story& story, Words words) -> Outcome {
         std::optional<std::string> wrong;
         const auto is_so = [&] {
           wrong = story.sim_.data().find_wrong_data(story.sim_.hosts());
           return !wrong;
         };
         return unless(story.sim_.run_until(is_so, parse_span(words[1])), wrong.value_or(""));
       }},
      {R"(then ([A-Z]) serves)",
       [](Story& story, Words words) -> Outcome {
         return unless(story.named(words[1]).node().state() == ClusterState::kOk, "it does not");
       }},
      {R"(then ([A-Z]) and ([A-Z]) have different config epochs)",
       [](Story& story, Words words) -> Outcome {
         const auto epoch = [&](int word) {
           return story.named(words[word]).node().topology().self().config_epoch;
         };
         return unless(epoch(1) != epoch(2), fmt::format("both have {}", epoch(1).value));
       }},
      {R"(then ([A-Z]) neither suspects ([A-Z]) nor holds it for failed)",
       [](Story& story, Words words) -> Outcome {
         const Node* entry = entry_for(story.named(words[1]), story.named(words[2]));
         return unless(entry != nullptr && !entry->is_suspected() && !entry->has_failed(), "it does");
       }},
  };
  return kSteps;
}

std::vector<Slot> Story::first_slots() const {
  std::vector<Slot> slots;
  for (std::uint32_t shard = 0; shard < cluster_->shape().primaries; ++shard) {
    slots.push_back(cluster_->slots(Shard{shard}).first);
  }
  return slots;
}

std::optional<std::string> Story::carry_out(const std::string& line) {
  for (const auto& step : steps()) {
    std::smatch words;
    if (!std::regex_match(line, words, step.words)) continue;
    try {
      auto wrong = step.action(*this, words);
      if (const auto broken = sim_.take_violation()) return "a rule is broken: " + *broken;
      return wrong;
    } catch (const std::out_of_range&) {
      return "it speaks of a node that has not been introduced";
    }
  }
  return "no step is called that";
}

std::optional<std::string> Story::tell(std::string_view text) {
  Story story(Seed{1});
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const auto start = line.find_first_not_of(' ');
    if (start == 0 || start == std::string::npos) continue;
    if (auto wrong = story.carry_out(line.substr(start))) {
      return fmt::format("line {}: \"{}\": {}\n{}", number, line.substr(start), *wrong,
                         story.sim_.journal().last_lines());
    }
  }
  return std::nullopt;
}

}  // namespace skein::sim
