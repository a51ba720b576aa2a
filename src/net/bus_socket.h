// What the sockets of the bus have in common.
#pragma once

#include <string>

#include <asio/generic/stream_protocol.hpp>
#include <asio/ip/address.hpp>

#include <skein/base/time.h>

namespace skein {

using BusSocket = asio::generic::stream_protocol::socket;

// A link carries small packets that somebody waits for, and a peer that is gone without a
// word is to be noticed. Failing to set an option is no reason to give the link up.
void prepare_bus_socket(BusSocket& socket, seconds keepalive);

// Does not wait for something to send back: a redis-server keeps its next small packet, a vote perhaps,
// until what it sent before is acknowledged (it leaves Nagle's algorithm on for the links it opens). The
// system forgets this with time, so it is asked after each read.
void acknowledge_at_once(BusSocket& socket);

// The address without the port, as the other nodes know it: an IPv4 address in IPv6 clothes
// is shown as IPv4.
[[nodiscard]] std::string address_text(const asio::generic::stream_protocol::endpoint& endpoint);

void close_on_exec(int descriptor);

}  // namespace skein
