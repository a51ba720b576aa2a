// Asks a replica, as a client, to replace this node: CLUSTER FAILOVER.
//
// For replicas that are no Skein; among Skeins the cluster bus does it. How the failover goes is
// seen on the bus, only a refusal comes back here.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "primary_link_socket.h"

namespace skein {

class TakeoverRequest final : public std::enable_shared_from_this<TakeoverRequest>, public PrimarySocket::Owner {
 public:
  struct Target {
    std::string host;
    std::uint16_t port = 0;
    std::string source;    // bind-source-addr
    std::string user;      // masteruser
    std::string password;  // masterauth; empty: none is sent
  };
  // `refused` gets the reason, once at most, and not from inside of this call.
  [[nodiscard]] static std::shared_ptr<TakeoverRequest> send(asio::io_context& loop, const Target& target,
                                                             std::function<void(const std::string& why)> refused);
  ~TakeoverRequest() override { drop(); }
  // Nothing is told any more.
  void drop();

 private:
  TakeoverRequest(const Target& target, std::function<void(const std::string&)> refused);
  void on_socket_up() override;
  void on_socket_read(std::size_t bytes) override;
  void on_socket_down(const std::string& why) override;
  void refuse(const std::string& why);

  std::string words_;
  std::size_t replies_wanted_ = 1;
  std::function<void(const std::string&)> refused_;
  std::shared_ptr<PrimarySocket> socket_;
  std::array<char, 1024> buffer_{};
  std::string received_;
};

}  // namespace skein
