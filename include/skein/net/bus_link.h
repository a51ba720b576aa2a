// The sockets of the cluster bus: listeners, links, and what waits to be sent on them.
//
// Cuts what arrives into packets and hands each to the owner as soon as it is read, so that
// the bus comes before clients. What a packet means is the owner's. Every link is known by
// a number the owner gives it.
#pragma once

#include <cstdint>
#include <memory>
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
  kNoPackets,  // what came is something else
  kTooLarge,   // it announces a packet larger than it may send, or all links together hold too much
  kOverLimit   // too much waits to be sent: the other end does not read
};

// Whom a bus tells what happens: always from the event loop, never from inside a call of the
// bus. In return links may be opened, closed and written to at any time.
class BusOwner {
 public:
  virtual ~BusOwner() = default;
  // Somebody connected: the number it is to have.
  virtual BusKey on_bus_accepted() = 0;
  virtual void on_bus_up(BusKey link) = 0;    // an outbound one
  virtual void on_bus_down(BusKey link) = 0;  // any; not for those closed by `close`
  virtual void on_bus_packet(BusKey link, std::string_view remote_ip, std::string_view local_ip,
                             std::string_view bytes) = 0;
  virtual void on_bus_trouble(BusKey link, BusTrouble trouble) = 0;
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
};

class BusLink;

class Bus {
 public:
  // What a link may owe when no limit is set: a peer that does not read must not take the
  // memory of the keys.
  static constexpr std::uint64_t kMaxUnsent = 64ULL * 1024 * 1024;
  // Anybody who finds the port can announce large packets and send most of them. Before a
  // link is vouched for it may send as much as a heartbeat about a cluster of kMaxNodes
  // takes, and all such links together hold so much of unfinished packets. Members hold as
  // much as two of the largest messages.
  static constexpr std::uint64_t kMaxStrangersPacket = 2ULL * 1024 * 1024;
  static constexpr std::uint64_t kMaxHeldOfStrangers = 64ULL * 1024 * 1024;
  static constexpr std::uint64_t kMaxHeldOfMembers = 2ULL * 1024 * 1024 * 1024;

  Bus(asio::io_context& loop, BusOwner& owner, BusSettings settings);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  // Addresses as `bind` writes them.
  Result<void> listen(const std::vector<std::string>& addresses, std::uint16_t port);
  void set(BusSettings settings);
  // Nothing is reported any more.
  void stop();

  void open(BusKey link, const std::string& ip, std::uint16_t port);
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
  [[nodiscard]] std::size_t link_count() const { return links_.size(); }
  [[nodiscard]] std::uint64_t links_over_limit() const { return over_limit_; }

 private:
  friend class BusLink;

  void accept(Accepted accepted);
  void lost(BusKey link);
  void trouble_later(BusKey link, BusTrouble trouble);
  [[nodiscard]] std::uint64_t unsent_limit() const;
  // Of unfinished packets, by links vouched for and by others.
  [[nodiscard]] std::uint64_t& held(bool vouched) { return vouched ? held_of_members_ : held_of_strangers_; }

  asio::io_context& loop_;
  BusOwner& owner_;
  BusSettings settings_;
  Listeners listeners_;
  std::unordered_map<BusKey, std::shared_ptr<BusLink>> links_;
  std::uint64_t over_limit_ = 0;
  std::uint64_t held_of_strangers_ = 0;
  std::uint64_t held_of_members_ = 0;
  std::vector<char> read_buffer_;  // shared: what is read is handed over or copied at once
  std::shared_ptr<bool> running_ = std::make_shared<bool>(true);
};

}  // namespace skein
