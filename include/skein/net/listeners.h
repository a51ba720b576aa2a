// The sockets clients connect to: TCP addresses and a unix socket.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>

#include <skein/base/result.h>
#include <skein/net/socket_file.h>

namespace skein {

// A connection that has been accepted.
struct Accepted {
  asio::generic::stream_protocol::socket socket;
  std::string address;        // "ip:port" of the client, "path:0" for a unix socket
  std::string local_address;
  bool local = false;         // over loopback or a unix socket
  bool unix_socket = false;
};

class Listeners {
 public:
  using OnAccept = std::function<void(Accepted)>;

  // A connection that waits could not be taken: out of descriptors, or of memory. It is tried again.
  using OnFailure = std::function<void(const std::string& why)>;

  Listeners(asio::io_context& loop, OnAccept on_accept, OnFailure on_failure = {});
  ~Listeners();

  // Listens on every address, or on none: an address with "-" in front may be missing, a
  // missing kind of network (no IPv6 here) is passed over; "*" and "::*" are all addresses.
  // `port` 0 listens nowhere. Replaces what was listened on before once it has succeeded.
  Result<void> listen_tcp(const std::vector<std::string>& addresses, std::uint16_t port, int backlog);
  // A socket file that nobody listens on any more is replaced. `permissions` 0 leaves the umask's.
  Result<void> listen_unix(const std::string& path, unsigned permissions, int backlog);
  void close();

  // Applied to connections accepted from now on; 0 turns keep-alive off.
  void set_keepalive(std::chrono::seconds interval) { keepalive_ = interval; }

  // Why addresses of the last listen_tcp that may be missing are: a sentence each.
  [[nodiscard]] const std::vector<std::string>& passed_over() const { return passed_over_; }
  // Addresses listened on, as configured.
  [[nodiscard]] const std::vector<std::string>& tcp_addresses() const { return tcp_addresses_; }

 private:
  struct Acceptor;
  void accept_next(const std::shared_ptr<Acceptor>& acceptor);

  asio::io_context& loop_;
  OnAccept on_accept_;
  OnFailure on_failure_;
  std::chrono::seconds keepalive_{300};
  std::vector<std::string> tcp_addresses_;
  std::vector<std::string> passed_over_;
  std::vector<std::shared_ptr<Acceptor>> tcp_;
  std::shared_ptr<Acceptor> unix_;
  SocketFile unix_file_;
};

}  // namespace skein
