#include <skein/net/client_net.h>

#include <asio/post.hpp>

#include <skein/base/assert.h>

#include "loop_front.h"

namespace skein {

// What joins the clients' readiness set with the loop.
class ClientNet::Front final : public LoopFront::Owner {
 public:
  explicit Front(ClientNet& net) : net_(net), front_(net.loop_, *this) {}
  LoopFront* operator->() { return &front_; }
  [[nodiscard]] bool wants_turn() const override { return !net_.listed_.empty(); }
  void turn(std::span<const epoll_event> events) override { net_.turn(events); }

 private:
  ClientNet& net_;
  LoopFront front_;
};

ClientNet::ClientNet(asio::io_context& loop, ClientHandler& handler)
    : loop_(loop), handler_(handler), work_(loop.get_executor()), front_(std::make_unique<Front>(*this)) {}

ClientNet::~ClientNet() = default;

void ClientNet::turn(std::span<const epoll_event> events) {
  ready_.swap(listed_);
  for (const epoll_event& event : events) {
    auto& connection = *static_cast<ClientConnection*>(event.data.ptr);
    if (connection.is_open()) collect(connection, event.events);
  }
  std::erase_if(ready_, [](ClientConnection* connection) {
    connection->listed_ = false;
    return !connection->is_open();
  });
  if (!ready_.empty()) handler_.serve(ready_);
  ready_.clear();
}

void ClientNet::collect(ClientConnection& connection, std::uint32_t what) {
  if ((what & EPOLLOUT) != 0) {
    connection.writing_ = false;
    connection.watch_for();
    handler_.on_writable(connection);
    if (!connection.is_open()) return;
  }
  if (connection.reading_) {
    if ((what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) collect_input(connection);
  } else if ((what & (EPOLLHUP | EPOLLERR)) != 0) {
    handler_.on_broken(connection, false);
  } else if ((what & EPOLLRDHUP) != 0) {
    connection.watch(ClientConnection::Watched::kNothing);
    handler_.on_broken(connection, true);
  } else if ((what & EPOLLIN) != 0) {
    // It sends while it is not read: its socket would stay ready.
    connection.watch(ClientConnection::Watched::kEnd);
  }
}

void ClientNet::collect_input(ClientConnection& connection) {
  // It has requests to be served first.
  if (connection.listed_ && !connection.input().empty()) return;
  const auto result = connection.read();
  switch (result) {
    case ClientConnection::ReadResult::kData:
      if (!connection.listed_) ready_.push_back(&connection);
      connection.listed_ = true;
      break;
    case ClientConnection::ReadResult::kNothing: break;
    case ClientConnection::ReadResult::kEnded:
    case ClientConnection::ReadResult::kBroken:
      // Told once: the socket would stay ready until its owner closes it.
      connection.stop_reading();
      handler_.on_broken(connection, result == ClientConnection::ReadResult::kEnded);
      break;
  }
}

void ClientNet::make_ready(ClientConnection& connection) {
  if (connection.listed_ || !connection.is_open()) return;
  connection.listed_ = true;
  listed_.push_back(&connection);
}

void ClientNet::watch(ClientConnection& connection, bool known) {
  epoll_event event{};
  switch (connection.watched_) {
    case ClientConnection::Watched::kInput: event.events = EPOLLIN | EPOLLRDHUP; break;
    case ClientConnection::Watched::kEnd: event.events = EPOLLRDHUP; break;
    case ClientConnection::Watched::kNothing: break;
  }
  if (connection.writing_) event.events |= EPOLLOUT;
  event.data.ptr = &connection;
  ::epoll_ctl((*front_)->set(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, connection.descriptor(), &event);
}

void ClientNet::unwatch(ClientConnection& connection) {
  ::epoll_ctl((*front_)->set(), EPOLL_CTL_DEL, connection.descriptor(), nullptr);
  (*front_)->forget(&connection);
  std::erase(listed_, &connection);
}

void ClientNet::release_later(ClientConnection& connection) {
  asio::post(loop_, [this, &connection] { handler_.on_released(connection); });
}

}  // namespace skein
