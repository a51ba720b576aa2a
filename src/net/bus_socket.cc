#include "bus_socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cstring>

#include <asio/ip/tcp.hpp>
#include <asio/socket_base.hpp>

namespace skein {

void prepare_bus_socket(BusSocket& socket, seconds keepalive) {
  asio::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  close_on_exec(socket.native_handle());
  if (keepalive.count() <= 0) return;
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  // Three probes, a third of the idle time apart.
  const auto idle = static_cast<int>(std::min<std::int64_t>(keepalive.count(), 32767));
  using Integer = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using Interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  using Count = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
  socket.set_option(Integer(idle), ignored);
  socket.set_option(Interval(std::max(idle / 3, 1)), ignored);
  socket.set_option(Count(3), ignored);
}

void acknowledge_at_once(BusSocket& socket) {
  using QuickAck = asio::detail::socket_option::boolean<IPPROTO_TCP, TCP_QUICKACK>;
  asio::error_code ignored;
  socket.set_option(QuickAck(true), ignored);
}

std::string address_text(const asio::generic::stream_protocol::endpoint& endpoint) {
  asio::ip::tcp::endpoint tcp;
  if (endpoint.size() > tcp.capacity()) return "";
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  tcp.resize(endpoint.size());
  const asio::ip::address address = tcp.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

void close_on_exec(int descriptor) { ::fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

}  // namespace skein
