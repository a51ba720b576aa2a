// One connection of the cluster bus: frames in, packets out, urgent ones first.
//
// Lives until its last pending handler has run; after `drop` it does nothing more.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <asio/steady_timer.hpp>

#include <skein/net/bus_link.h>

#include "bus_dial.h"
#include "bus_socket.h"

namespace skein {

class BusLink : public std::enable_shared_from_this<BusLink> {
 public:
  using Bytes = std::shared_ptr<const std::string>;

  // An accepted one is a stranger's at first; `now` is when it began.
  BusLink(Bus& bus, BusKey key, BusSocket socket, bool accepted, MonoTime now);

  [[nodiscard]] BusKey key() const { return key_; }
  [[nodiscard]] MonoTime since() const { return since_; }
  // Exactly one of the first two begins its life.
  void connect(const std::string& host, std::uint16_t port);
  void begin();
  // Or the third: there is no room for it.
  void give_up() { fail_later(); }
  void send(Bytes bytes, bool urgent);
  // Closes the socket, forgets what waited, and the bus.
  void drop();

  void vouch();
  [[nodiscard]] bool is_vouched_for() const { return vouched_; }
  // It may be read again.
  void resume() { read_later(); }
  void end_with(BusTrouble trouble);

  [[nodiscard]] Bus::LinkFigures figures() const;
  [[nodiscard]] std::uint64_t memory() const;

 private:
  void dialled(const std::string& host, DialEnd end, BusSocket socket, const std::string& why);
  void fail_after(milliseconds span);
  // The bus is told from the event loop, never from inside one of its own calls.
  void fail_later();
  void fail();
  void read_later();
  void read();
  // False when the link has ended.
  bool take_input(std::string_view bytes);
  // Counts what is held of an unfinished packet. False when all links together hold too much.
  [[nodiscard]] bool hold(std::size_t bytes);
  // How many bytes were whole packets; nothing when the link has ended.
  std::optional<std::size_t> hand_over(std::string_view bytes);
  void write();
  void written(const asio::error_code& error);
  [[nodiscard]] bool is_strangers() const { return accepted_ && !vouched_; }
  // Counts what waits to be sent.
  void owe(std::uint64_t bytes);
  [[nodiscard]] bool owes_too_much() const;
  [[nodiscard]] bool is_dropped() const { return bus_ == nullptr; }

  Bus* bus_;
  BusKey key_;
  BusSocket socket_;
  bool accepted_;
  MonoTime since_;
  std::unique_ptr<asio::steady_timer> connecting_;
  std::shared_ptr<BusDial> dial_;  // until it has connected
  bool up_ = false;
  bool failing_ = false;
  std::string remote_ip_;
  std::string local_ip_;
  std::string partial_;  // the beginning of a packet
  std::size_t held_ = 0;  // its bytes, as the bus has counted them
  std::size_t skip_ = 0;  // so much of what comes next is of a packet nobody wants
  bool vouched_ = false;
  std::deque<Bytes> urgent_;
  std::deque<Bytes> others_;
  std::vector<Bytes> in_flight_;
  std::uint64_t unsent_ = 0;
};

}  // namespace skein
