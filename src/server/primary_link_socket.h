// One connection to our primary: found by name or address, made, read from, written to.
//
// Lives until its last pending handler. Once dropped it tells its owner nothing more.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <skein/base/time.h>
#include <skein/net/name_lookup.h>

namespace skein {

class PrimarySocket : public std::enable_shared_from_this<PrimarySocket> {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_socket_up() = 0;
    virtual void on_socket_read(std::size_t bytes) = 0;
    virtual void on_socket_down(const std::string& why) = 0;
  };

  PrimarySocket(asio::io_context& loop, Owner& owner) : lookup_(loop.get_executor()), socket_(loop), owner_(&owner) {}

  // All addresses are tried in turn.
  void connect(const std::string& host, std::uint16_t port, const std::string& source, seconds keepalive);
  // One read at a time, into memory that stays until it is told or the socket is dropped.
  void read(std::span<char> into);
  void send(std::string bytes);
  // Bytes not yet taken by the system.
  [[nodiscard]] std::size_t unsent() const { return sending_.size() + waiting_.size(); }
  void drop();

  [[nodiscard]] int descriptor() { return socket_.native_handle(); }
  [[nodiscard]] std::string remote() const;
  [[nodiscard]] std::string local() const;

 private:
  using Addresses = std::vector<asio::ip::tcp::endpoint>;
  void try_next();
  [[nodiscard]] bool prepare(const asio::ip::tcp::endpoint& there, asio::error_code& error);
  void up();
  void down_later(std::string why);
  void down(const std::string& why);
  void write();

  NameLookup lookup_;
  asio::ip::tcp::socket socket_;
  Owner* owner_;  // null once dropped
  Addresses addresses_;
  std::size_t tried_ = 0;
  std::string source_;
  seconds keepalive_{};
  std::string last_error_;
  std::string sending_;
  std::string waiting_;
};

}  // namespace skein
