#include <skein/net/listeners.h>

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <fmt/format.h>

namespace skein {

namespace {

using Protocol = asio::generic::stream_protocol;

std::string endpoint_text(const Protocol::endpoint& endpoint) {
  const auto* raw = static_cast<const sockaddr*>(endpoint.data());
  if (raw->sa_family == AF_UNIX) return "";
  asio::ip::tcp::endpoint tcp;
  if (endpoint.size() > tcp.capacity()) return "?:0";
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  tcp.resize(endpoint.size());
  const auto text = tcp.address().to_string();
  return tcp.address().is_v6() ? fmt::format("[{}]:{}", text, tcp.port()) : fmt::format("{}:{}", text, tcp.port());
}

bool is_loopback(const Protocol::endpoint& endpoint) {
  const auto* raw = static_cast<const sockaddr*>(endpoint.data());
  if (raw->sa_family == AF_UNIX) return true;
  asio::ip::tcp::endpoint tcp;
  if (endpoint.size() > tcp.capacity()) return false;
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  tcp.resize(endpoint.size());
  const auto address = tcp.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
  }
  return address.is_loopback();
}

void set_option(int descriptor, int level, int name, int value) {
  setsockopt(descriptor, level, name, &value, sizeof value);
}

// The first probe after `interval`, then three more, a third of it apart.
void set_keepalive_on(int descriptor, std::chrono::seconds interval) {
  const auto every = static_cast<int>(interval.count());
  if (every == 0) return;
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, every);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, std::max(every / 3, 1));
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

// The machine has no such network, say no IPv6.
bool is_missing_kind(int code) {
  return code == ENOPROTOOPT || code == EPROTONOSUPPORT || code == ESOCKTNOSUPPORT || code == EPFNOSUPPORT ||
         code == EAFNOSUPPORT;
}

}  // namespace

struct Listeners::Acceptor {
  explicit Acceptor(asio::io_context& loop) : acceptor(loop), pause(loop) {}
  asio::basic_socket_acceptor<Protocol> acceptor;
  asio::steady_timer pause;  // after running out of descriptors
  std::string unix_path;
};

Listeners::Listeners(asio::io_context& loop, OnAccept on_accept, OnFailure on_failure)
    : loop_(loop), on_accept_(std::move(on_accept)), on_failure_(std::move(on_failure)) {}

Listeners::~Listeners() { close(); }

Result<void> Listeners::listen_tcp(const std::vector<std::string>& addresses, std::uint16_t port, int backlog) {
  std::vector<std::shared_ptr<Acceptor>> fresh;
  // The old sockets would hold the addresses that stay; they come back if this fails.
  for (const auto& old : tcp_) {
    asio::error_code ignored;
    old->acceptor.close(ignored);
  }
  tcp_.clear();
  passed_over_.clear();
  for (const auto& written : addresses) {
    if (port == 0) break;
    const bool optional = written.starts_with('-');
    const std::string name = optional ? written.substr(1) : written;
    const bool any6 = name == "::*";
    asio::error_code error;
    const auto address = name == "*"  ? asio::ip::address{asio::ip::address_v4::any()}
                         : any6       ? asio::ip::address{asio::ip::address_v6::any()}
                                      : asio::ip::make_address(name, error);
    asio::ip::address resolved = address;
    if (error) {
      asio::ip::tcp::resolver resolver(loop_);
      // A name means its IPv4 address, as in redis.
      const auto found =
          resolver.resolve(asio::ip::tcp::v4(), name, std::to_string(port), asio::ip::tcp::resolver::passive, error);
      if (!error && !found.empty()) resolved = found.begin()->endpoint().address();
    }
    auto acceptor = std::make_shared<Acceptor>(loop_);
    std::string_view step;
    const asio::ip::tcp::endpoint endpoint(resolved, port);
    if (!error) acceptor->acceptor.open(Protocol(endpoint.protocol().family(), IPPROTO_TCP), error);
    if (!error) {
      const int descriptor = acceptor->acceptor.native_handle();
      set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
      if (resolved.is_v6()) set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      acceptor->acceptor.bind(Protocol::endpoint(endpoint), error);
      if (error) step = "bind: ";
    }
    if (!error) {
      acceptor->acceptor.listen(backlog, error);
      if (error) step = "listen: ";
    }
    if (error) {
      const bool system = error.category() == asio::error::get_system_category();
      const std::string why =
          fmt::format("Could not create server TCP listening socket {}:{}: {}{}", name, port, step, error.message());
      const bool may_be_missing = optional && (!system || error.value() == EADDRNOTAVAIL);
      if (!may_be_missing && !(system && is_missing_kind(error.value()))) return Error(why);
      passed_over_.push_back(why);
      continue;
    }
    fresh.push_back(std::move(acceptor));
  }
  if (port != 0 && fresh.empty() && !addresses.empty()) {
    return Error("None of the addresses of 'bind' can be listened on");
  }
  tcp_ = std::move(fresh);
  tcp_addresses_ = addresses;
  for (const auto& acceptor : tcp_) accept_next(acceptor);
  return {};
}

Result<void> Listeners::listen_unix(const std::string& path, unsigned permissions, int backlog) {
  auto acceptor = std::make_shared<Acceptor>(loop_);
  acceptor->unix_path = path;
  asio::error_code error;
  sockaddr_un probe;
  if (path.size() >= sizeof probe.sun_path) return Error("Failed opening Unix socket: path too long: " + path);
  if (auto room = SocketFile::make_room(path); !room) {
    return Error(fmt::format("Failed opening Unix socket: bind: {}: {}", path, room.error().message()));
  }
  const asio::local::stream_protocol::endpoint endpoint(path);
  acceptor->acceptor.open(Protocol(AF_UNIX, 0), error);
  if (!error) acceptor->acceptor.bind(Protocol::endpoint(endpoint), error);
  SocketFile file;
  if (!error) file = SocketFile(path);
  if (!error) acceptor->acceptor.listen(backlog, error);
  if (!error && permissions != 0 && ::chmod(path.c_str(), permissions) != 0) {
    error = asio::error_code(errno, asio::error::get_system_category());
  }
  if (error) {
    file.remove();
    return Error("Failed opening Unix socket: " + path + ": " + error.message());
  }
  unix_ = std::move(acceptor);
  unix_file_ = file;
  accept_next(unix_);
  return {};
}

void Listeners::close() {
  asio::error_code ignored;
  for (const auto& acceptor : tcp_) {
    acceptor->acceptor.close(ignored);
    acceptor->pause.cancel();
  }
  tcp_.clear();
  if (unix_ != nullptr) {
    unix_->acceptor.close(ignored);
    unix_->pause.cancel();
    unix_.reset();
    unix_file_.remove();
  }
}

void Listeners::accept_next(const std::shared_ptr<Acceptor>& acceptor) {
  acceptor->acceptor.async_accept([this, acceptor](const asio::error_code& error, Protocol::socket socket) {
    if (!acceptor->acceptor.is_open() || error == asio::error::operation_aborted) return;
    if (error) {
      // Out of descriptors or memory: waiting connections stay in the backlog for a while.
      if (on_failure_) on_failure_(error.message());
      acceptor->pause.expires_after(std::chrono::milliseconds{100});
      acceptor->pause.async_wait([this, acceptor](const asio::error_code& cancelled) {
        if (!cancelled && acceptor->acceptor.is_open()) accept_next(acceptor);
      });
      return;
    }
    asio::error_code ignored;
    const auto remote = socket.remote_endpoint(ignored);
    const bool gone = static_cast<bool>(ignored);
    const auto local = socket.local_endpoint(ignored);
    Accepted accepted{std::move(socket), "", "", false, !acceptor->unix_path.empty()};
    if (accepted.unix_socket) {
      accepted.local = true;
      accepted.address = accepted.local_address = acceptor->unix_path + ":0";
    } else {
      const int descriptor = accepted.socket.native_handle();
      set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
      set_keepalive_on(descriptor, keepalive_);
      accepted.address = gone ? "?:0" : endpoint_text(remote);
      accepted.local = !gone && is_loopback(remote);
      accepted.local_address = ignored ? "?:0" : endpoint_text(local);
    }
    on_accept_(std::move(accepted));
    accept_next(acceptor);
  });
}

}  // namespace skein
