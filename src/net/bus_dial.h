// Connects to where a member is: a name is looked up first, and of several addresses each is tried in turn.
// One that does not answer at all costs a moment, not the time there is: the others are tried, and then it again.
//
// Says how it ended once, from the event loop, unless it is cancelled.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include <skein/net/name_lookup.h>

#include "bus_socket.h"

namespace skein {

enum class DialEnd : std::uint8_t {
  kConnected,
  kNameUnknown,  // no lookup has found it
  kNoConnection
};

class BusDial : public std::enable_shared_from_this<BusDial> {
 public:
  // The addresses to call from; empty: the system's choice. The second one within this machine.
  struct Sources {
    std::string any;
    std::string loopback;
  };
  // `why` is the error's text when the name is unknown. The socket is open when connected.
  using Done = std::function<void(DialEnd end, BusSocket socket, const std::string& why)>;

  BusDial(asio::any_io_executor executor, Sources sources);
  void start(const std::string& host, std::uint16_t port, Done done);
  // The same for where a name has led to.
  void start(std::vector<asio::ip::tcp::endpoint> places, Done done);
  void cancel();

 private:
  void try_next();
  // False when the socket cannot even begin.
  bool prepare(const asio::ip::tcp::endpoint& there);
  void end_with(DialEnd end, const std::string& why = {});
  void end_later(DialEnd end);

  asio::any_io_executor executor_;
  Sources sources_;
  BusSocket socket_;
  NameLookup lookup_;
  std::vector<asio::ip::tcp::endpoint> places_;
  std::size_t tried_ = 0;  // of the places, twice: in haste, and with all the time there is
  asio::steady_timer haste_;
  Done done_;
};

}  // namespace skein
