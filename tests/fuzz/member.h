// One member of a cluster for a target to be hard on: its clock, its saves and its links are
// played here, and everything it hands out is checked.
#pragma once

#include <skein/cluster/node/node.h>

#include <string>
#include <string_view>

namespace skein::fuzz {

// Of the cluster that `kClusterOfThree` describes.
inline constexpr std::string_view kOwnId = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
inline constexpr std::string_view kKnownId = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
inline constexpr std::string_view kReplicaId = "cccccccccccccccccccccccccccccccccccccccc";
inline constexpr std::string_view kUnknownId = "dddddddddddddddddddddddddddddddddddddddd";
extern const std::string_view kClusterOfThree;  // a nodes.conf

// The saves and packets of one input's member. Throws Finding where something is junk.
class Member {
 public:
  explicit Member(SavedState saved);

  ClusterNode& node() { return node_; }
  [[nodiscard]] Now now() const { return now_; }
  // The link the member has opened to the node with kKnownId, once it ticked.
  [[nodiscard]] LinkId link_to_known() const { return link_to_known_; }

  void tick();
  void receive(LinkId link, std::string_view bytes);
  // Carries out what is to be done; true when there was more than something to log.
  bool carry_out();

  // Everything shown and saved can be read again, and names only what can exist.
  void check_views();
  // The nodes.conf it would save now.
  std::string saved_text();

 private:
  struct NoKeys final : SlotKeys {
    [[nodiscard]] std::uint64_t keys_in(Slot) const override { return 0; }
    [[nodiscard]] std::uint64_t total_keys() const override { return 0; }
  };

  NoKeys keys_;
  Now now_{MonoTime{} + seconds(1000), UnixMillis{1'700'000'000'000}};
  ClusterNode node_;
  LinkId link_to_known_;
  std::string last_saved_;
};

}  // namespace skein::fuzz
