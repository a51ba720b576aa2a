// The packets of the cluster bus, as Redis 7.0 writes them: bytes to a checked view, and
// back to bytes.
//
// A packet is checked whole before anything in it is shown: lengths, counts, extension
// sums, ids, names, addresses, flags. An entry of gossip that makes no sense is the exception: it is shown without its id
// or host, and costs nobody the rest. What a packet means, and whether its sender is
// believed, is decided in cluster/node.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <skein/base/host_text.h>
#include <skein/base/ids.h>
#include <skein/cluster/bus/message_type.h>
#include <skein/cluster/topology/node_flags.h>
#include <skein/cluster/topology/slot_bitmap.h>

namespace skein {

inline constexpr std::size_t kHeaderBytes = 2256;
inline constexpr std::size_t kGossipBytes = 104;
inline constexpr std::size_t kMaxHostname = 255;

// Who sends by a link: until a member has spoken by it, anybody.
enum class FrameSender : std::uint8_t { kMember, kStranger };

// A stranger sends heartbeats, of at most what one about a cluster of kMaxNodes takes.
inline constexpr std::size_t kMaxStrangersPacket = 2 * 1024 * 1024;

// How far the bytes received so far reach. Judged by the first few of them, so that nothing is
// kept of a packet that would be dropped when it is there.
struct Frame {
  enum class Kind : std::uint8_t {
    kNeedMore,  // ask again when `bytes` are there
    kComplete,  // the first `bytes` are one packet
    kSkip,      // a packet nobody wants: its `bytes` are to be passed over, whether they are there or not
    kTooLarge,  // more than this sender may send: close the link
    kBroken     // not this protocol, or a length no packet has: close the link
  };
  Kind kind = Kind::kNeedMore;
  std::size_t bytes = 0;
};
[[nodiscard]] Frame judge_frame(std::string_view received, FrameSender sender = FrameSender::kMember);

// Why a packet is dropped.
enum class PacketFault : std::uint8_t {
  kShort,         // less than a header, or another length than the header says
  kSignature,
  kVersion,
  kType,
  kChecksum,      // marked, and changed on the way
  kLength,        // does not fit the type, the counts or the extensions
  kSender,        // an id that is none
  kRole,          // primary and replica at once, or neither
  kAddress,
  kEpoch,         // a number no cluster reaches
  kState,
  kExtension,
  kBody
};
[[nodiscard]] std::string_view packet_fault_name(PacketFault fault);

struct GossipEntry {
  NodeId id;  // none when what stood there is no id
  std::uint32_t ping_sent_seconds = 0;
  std::uint32_t pong_received_seconds = 0;
  std::string_view ip;  // or the name it announces; empty when unknown or no host at all
  std::uint16_t port = 0;
  std::uint16_t bus_port = 0;
  std::uint16_t plain_port = 0;
  NodeFlags flags;
};

struct ForgottenNode {
  NodeId id;
  std::uint64_t ban_seconds = 0;
};

// A slot of the sender that is on its way, as a primary shows its replicas.
struct ShownSlot {
  Slot slot;
  bool arrives = false;  // from `other`; else it leaves for it
  NodeId other;
  friend bool operator==(const ShownSlot&, const ShownSlot&) = default;
};

struct FailBody {
  NodeId failed;
};
struct UpdateBody {
  NodeId node;
  Epoch config_epoch;
  std::string_view slots;  // a bitmap
};
struct PublishBody {
  std::string_view channel;
  std::string_view message;
};
struct ModuleBody {
  std::uint64_t module = 0;
  std::uint8_t type = 0;
  std::string_view payload;
};

// What every packet says about its sender.
struct PacketHeader {
  MessageType type = MessageType::kPing;
  NodeId sender;
  Epoch current_epoch;
  Epoch config_epoch;      // of its primary when it is a replica
  ReplOffset offset;
  std::string_view slots;  // a bitmap; of its primary when it is a replica
  NodeId replica_of;       // none for a primary
  std::string_view ip;     // or the name it announces; empty: the address the packet came from
  std::uint16_t port = 0;
  std::uint16_t plain_port = 0;
  std::uint16_t bus_port = 0;
  NodeFlags flags;
  bool state_ok = false;
  bool paused = false;                 // writes are held for a manual failover
  bool forced = false;                 // the vote is asked for although the primary is up
  bool understands_extensions = false;
};

// A view: it lives as long as the bytes it was decoded from.
struct Packet : PacketHeader {
  bool marked = false;  // carried Skein's checksum, and it was right
  std::size_t gossip_count = 0;
  std::variant<std::monostate, FailBody, UpdateBody, PublishBody, ModuleBody> body;

  [[nodiscard]] GossipEntry gossip(std::size_t index) const;
  // Of heartbeats. A heartbeat without one says that the sender has none.
  std::string_view hostname;
  // Calls `visit(ForgottenNode)` for each node the sender wants forgotten.
  template <typename Visit>
  void for_each_forgotten(Visit&& visit) const {
    for (std::size_t at = 0; auto forgotten = next_forgotten(at);) visit(*forgotten);
  }

  // Calls `visit(ShownSlot)` for each slot of the sender that is open.
  template <typename Visit>
  void for_each_open_slot(Visit&& visit) const {
    for (OpenSlotsCursor at; auto open = next_open_slot(at);) visit(*open);
  }

  std::string_view gossip_bytes;
  std::string_view extension_bytes;

 private:
  struct OpenSlotsCursor {
    std::size_t extension = 0;  // where the next one begins
    std::string_view slots;     // what is left of the current one
    ShownSlot shown;
  };
  [[nodiscard]] std::optional<ShownSlot> next_open_slot(OpenSlotsCursor& at) const;
  [[nodiscard]] std::optional<ForgottenNode> next_forgotten(std::size_t& at) const;
};

// One whole packet, as judge_frame cut it.
[[nodiscard]] std::variant<Packet, PacketFault> decode_packet(std::string_view bytes);
// Whom a packet names as its sender, whatever else is wrong with it; none when it names nobody.
[[nodiscard]] NodeId sender_of(std::string_view bytes);

// Encoding. Every packet is marked with a checksum in header bytes Redis ignores, unless
// `mark` says no.
struct Extensions {
  std::string_view hostname;  // empty: none
  std::span<const ForgottenNode> forgotten;
  std::span<const ShownSlot> open_slots;
};
// `header.type` is PING, PONG or MEET.
[[nodiscard]] std::string encode_heartbeat(const PacketHeader& header, std::span<const GossipEntry> gossip,
                                           const Extensions& extensions, bool mark = true);
// Types without a body: votes and the start of a manual failover.
[[nodiscard]] std::string encode_bare(const PacketHeader& header, bool mark = true);
[[nodiscard]] std::string encode_fail(const PacketHeader& header, const NodeId& failed, bool mark = true);
[[nodiscard]] std::string encode_update(const PacketHeader& header, const UpdateBody& update, bool mark = true);
// `header.type` is PUBLISH or PUBLISHSHARD.
[[nodiscard]] std::string encode_publish(const PacketHeader& header, const PublishBody& publish, bool mark = true);

// What cluster-announce-hostname takes: letters, digits, hyphens and dots, at most kMaxHostname.
[[nodiscard]] bool is_hostname(std::string_view text);

}  // namespace skein
