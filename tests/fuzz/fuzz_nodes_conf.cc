// A nodes.conf that is read gives a member that writes the same again; one that is refused
// says where and why.
#include <skein/cluster/node/saved_state.h>

#include <utility>

#include "member.h"
#include "targets.h"

namespace skein::fuzz {

namespace {

void check_kept(const Topology& before, const Topology& after) {
  expect(before.self().id == after.self().id, "the same identity");
  expect(before.node_count() == after.node_count(), "the same members");
  expect(before.migrating().size() == after.migrating().size(), "the slots on their way out");
  expect(before.importing().size() == after.importing().size(), "the slots on their way in");
  before.for_each_node([&](NodeIndex index, const Node& node) {
    const NodeIndex other = after.find(node.id);
    expect(!other.is_none(), "a member was lost");
    const Node& kept = after.node(other);
    // What is the file's own node's, its settings say anew.
    expect(index == kSelf || kept.address == node.address, "the same address");
    expect(index == kSelf || kept.hostname == node.hostname, "the same host name");
    expect(kept.slot_count == node.slot_count, "as many slots");
    expect(node.is_replica() == kept.is_replica() && node.is_primary() == kept.is_primary(), "the same role");
    expect(node.primary.is_none() == kept.primary.is_none(), "a primary or none");
    if (!node.primary.is_none()) {
      expect(before.node(node.primary).id == after.node(kept.primary).id, "the same primary");
    }
  });
  for (std::uint16_t s = 0; s < kSlotCount; ++s) {
    const NodeIndex was = before.owner({s});
    const NodeIndex is = after.owner({s});
    expect(was.is_none() == is.is_none(), "an owner or none");
    expect(was.is_none() || before.node(was).id == after.node(is).id, "the same owner");
  }
}

// A replica is shown with its primary's epoch. Where that is a replica too, as for a moment
// after a failover, epochs move along the chain with each writing; none of them counts.
bool has_chain(const Topology& topology) {
  bool found = false;
  topology.for_each_node([&](NodeIndex, const Node& node) {
    found = found || (!node.primary.is_none() && topology.node(node.primary).is_replica());
  });
  return found;
}

}  // namespace

void fuzz_nodes_conf(Input input) {
  const ExactBytes bytes(text_of(input));
  auto parsed = parse_nodes_conf(bytes.view());
  if (!parsed) {
    const auto& reason = parsed.error().message();
    const bool about_a_line = reason.starts_with("line ") && reason.find(": ") != std::string::npos;
    const bool about_the_file = reason == "no node is myself" || reason.starts_with("lastVoteEpoch");
    return expect(about_a_line || about_the_file, "a refusal says where and why");
  }
  const SavedState before = *parsed;
  Member member(std::move(parsed).value());
  member.check_views();
  const std::string written = member.saved_text();
  auto again = parse_nodes_conf(written);
  if (!again) throw Finding("written and not readable: " + again.error().message());
  check_kept(before.topology, again->topology);
  expect(before.current_epoch == again->current_epoch, "the current epoch");
  expect(before.last_vote_epoch == again->last_vote_epoch, "the vote given");
  if (has_chain(before.topology)) return;
  Member second(std::move(again).value());
  expect(second.saved_text() == written, "written again it is the same");
}

}  // namespace skein::fuzz
