// The sockets of the cluster bus: listeners, links, and what waits to be sent on them.
//
// Cuts what arrives into packets and hands each to the owner as soon as it is read, so that
// the bus comes before clients. What a packet means is the owner's. Every link is known by
// a number the owner gives it.
//
// Anybody can connect. Until the owner vouches for a link it is a stranger's: there are few of
// them, and what they send, are owed and cost is bounded, for each and for all together.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <asio/io_context.hpp>

#include <skein/base/result.h>
#include <skein/base/time.h>
#include <skein/net/listeners.h>

namespace skein {

using BusKey = std::uint64_t;

// What is wrong with a link that goes down next.
enum class BusTrouble : std::uint8_t {
  kNoPackets,   // what came is something else
  kTooLarge,    // it announces a packet larger than it may send, or all links together hold too much
  kOverLimit,   // too much waits to be sent: the other end does not read
  kCrowdedOut,  // a stranger's, the oldest of too many
  kNoMember     // a stranger's, and no member has spoken by it for too long
};

// Whom a bus tells what happens: always from the event loop, never from inside a call of the
// bus. In return links may be opened, closed and written to at any time.
class BusOwner {
 public:
  virtual ~BusOwner() = default;
  // Somebody connected: the number it is to have, greater than those before.
  virtual BusKey on_bus_accepted() = 0;
  virtual void on_bus_up(BusKey link) = 0;    // an outbound one
  virtual void on_bus_down(BusKey link) = 0;  // any; not for those closed by `close`
  virtual void on_bus_packet(BusKey link, std::string_view remote_ip, std::string_view local_ip,
                             std::string_view bytes) = 0;
  virtual void on_bus_trouble(BusKey link, BusTrouble trouble) = 0;
  // Somebody could not be accepted, as there are no descriptors left; told at each try.
  virtual void on_bus_accept_failed(std::string_view why) = 0;
  // The name a link was to be opened to cannot be looked up. Told once until it can be again.
  virtual void on_bus_name_unknown(std::string_view name, std::string_view why) = 0;
};

struct BusSettings {
  int backlog = 511;
  std::string source_address;    // bind-source-addr; empty: the system's choice
  // The same for connections within this machine. Among 127.0.0.x the system would choose
  // 127.0.0.1, and the other end takes the address it sees for where this node listens.
  std::string loopback_source_address;
  std::uint64_t send_limit = 0;  // cluster-link-sendbuf-limit; 0: none but kMaxUnsent
  milliseconds connect_timeout{15000};
  milliseconds keepalive{30000};  // idle time before the system asks whether the other end is there
  std::size_t max_strangers = 128;   // links nobody has vouched for; of more the oldest go
  std::size_t max_links = SIZE_MAX;  // of all: clients need descriptors, too
  milliseconds strangers_patience{15000};  // so long a link may stay a stranger's
};

class BusLink;

class Bus {
 public:
  // What a link may owe when no limit is set: a peer that does not read must not take the
  // memory of the keys. By a link that a member has opened there go answers alone; a stranger
  // is owed no more than the answers of a moment. One packet always finds room.
  static constexpr std::uint64_t kMaxUnsent = 64ULL * 1024 * 1024;
  static constexpr std::uint64_t kMaxUnsentAnswers = 4ULL * 1024 * 1024;
  static constexpr std::uint64_t kMaxUnsentToStranger = 256ULL * 1024;
  static constexpr std::uint64_t kMaxUnsentToStrangers = 4ULL * 1024 * 1024;
  static constexpr std::uint64_t kMaxUnsentInAll = 256ULL * 1024 * 1024;
  // What all links together hold of unfinished packets: by those nobody has vouched for, and by
  // members as much as two of the largest messages.
  static constexpr std::uint64_t kMaxHeldOfStrangers = 64ULL * 1024 * 1024;
  static constexpr std::uint64_t kMaxHeldOfMembers = 2ULL * 1024 * 1024 * 1024;
  // Of all strangers together between two calls of `tick`; what they send beyond lies unread
  // until then, so that members and clients are served.
  static constexpr std::size_t kStrangersPacketsPerTick = 512;

  Bus(asio::io_context& loop, BusOwner& owner, BusSettings settings);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  // Addresses as `bind` writes them.
  Result<void> listen(const std::vector<std::string>& addresses, std::uint16_t port);
  void set(BusSettings settings);
  // Nothing is reported any more.
  void stop();
  // Every 100 ms or so. Ends links that have been strangers' for too long.
  void tick(MonoTime now);

  // `host` is an IP address, or a name that is looked up.
  void open(BusKey link, const std::string& host, std::uint16_t port);
  void close(BusKey link);
  // A member speaks by this link: it may send large packets.
  void vouch(BusKey link);
  [[nodiscard]] bool is_vouched_for(BusKey link) const;
  // Urgent packets leave before others that wait. Waits for the link to be up; dropped when
  // there is no such link.
  void send(BusKey link, std::shared_ptr<const std::string> bytes, bool urgent);

  struct LinkFigures {
    bool exists = false;
    bool readable = false;  // asked of the event loop, as CLUSTER LINKS shows
    bool writable = false;
    std::uint64_t send_buffer_allocated = 0;
    std::uint64_t send_buffer_used = 0;
  };
  [[nodiscard]] LinkFigures figures(BusKey link) const;
  [[nodiscard]] std::uint64_t memory() const;  // all links': mem_cluster_links
  // What waits to be sent, and what is held of unfinished packets: known without counting.
  [[nodiscard]] std::uint64_t buffered() const { return unsent_ + held_of_strangers_ + held_of_members_; }
  [[nodiscard]] std::size_t link_count() const { return links_.size(); }
  [[nodiscard]] std::size_t stranger_count() const { return strangers_.size(); }
  [[nodiscard]] std::uint64_t links_over_limit() const { return over_limit_; }

 private:
  friend class BusLink;

  void accept(Accepted accepted);
  void lost(BusKey link);
  void end_strangers(std::size_t beyond);
  void trouble_later(BusKey link, BusTrouble trouble);
  void name_was_unknown(const std::string& name, const std::string& why);
  void name_was_found(const std::string& name) { unknown_names_.erase(name); }
  // Of unfinished packets, by links vouched for and by others.
  [[nodiscard]] std::uint64_t& held(bool vouched) { return vouched ? held_of_members_ : held_of_strangers_; }
  // False when strangers have been heard enough for now: the link goes on with the next tick.
  [[nodiscard]] bool may_read_stranger(BusKey link);

  asio::io_context& loop_;
  BusOwner& owner_;
  BusSettings settings_;
  Listeners listeners_;
  std::unordered_map<BusKey, std::shared_ptr<BusLink>> links_;
  std::uint64_t over_limit_ = 0;
  std::uint64_t held_of_strangers_ = 0;
  std::uint64_t held_of_members_ = 0;
  std::uint64_t unsent_ = 0;               // by all links
  std::uint64_t unsent_to_strangers_ = 0;  // part of it
  std::set<BusKey> strangers_;             // accepted and not vouched for, the oldest first
  std::size_t strangers_packets_ = 0;      // since the last tick
  std::vector<BusKey> unread_;             // strangers whose packets wait for the next
  std::set<std::string> unknown_names_;
  std::vector<char> read_buffer_;  // shared: what is read is handed over or copied at once
  std::shared_ptr<bool> running_ = std::make_shared<bool>(true);
};

}  // namespace skein
