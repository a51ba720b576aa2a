#include <skein/net/client_net.h>

#include <array>
#include <sys/epoll.h>

#include <asio/post.hpp>

#include <skein/base/assert.h>
#include <skein/base/memory.h>

namespace skein {

namespace {
// Clients taken in one turn; the others come in the next.
constexpr std::size_t kPerTurn = 256;

epoll_event interest(ClientConnection& connection, bool read, bool write) {
  epoll_event event{};
  event.events = (read ? EPOLLIN : 0U) | (write ? EPOLLOUT : 0U);
  event.data.ptr = &connection;
  return event;
}
}  // namespace

ChunkPool::~ChunkPool() {
  for (char* chunk : free_) release(chunk, kChunk);
}

char* ChunkPool::take() {
  if (free_.empty()) return static_cast<char*>(allocate(kChunk));
  char* chunk = free_.back();
  free_.pop_back();
  return chunk;
}

void ChunkPool::give_back(char* chunk) {
  if (free_.size() < kKept) {
    free_.push_back(chunk);
  } else {
    release(chunk, kChunk);
  }
}

ClientNet::ClientNet(asio::io_context& loop, ClientHandler& handler)
    : loop_(loop), handler_(handler), set_(::epoll_create1(EPOLL_CLOEXEC)), readiness_(loop, set_) {
  SKEIN_ASSERT(set_ >= 0);
  wait();
}

// Armed again only when the set has been emptied as far as a turn goes: arming while
// something is readable in it would call for another turn at once.
void ClientNet::wait() {
  if (waiting_) return;
  waiting_ = true;
  readiness_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
    if (error) return;
    waiting_ = false;
    post_turn();
  });
}

// Posted behind everything else that was ready in this round of the loop: the bus and the
// timers come before clients.
void ClientNet::post_turn() {
  if (posted_) return;
  posted_ = true;
  asio::post(loop_, [this] { turn(); });
}

void ClientNet::turn() {
  posted_ = false;
  collect();
  if (!ready_.empty()) handler_.serve(ready_);
  ready_.clear();
  wait();
}

void ClientNet::collect() {
  ready_.swap(listed_);
  std::erase_if(ready_, [](const ClientConnection* connection) { return !connection->is_open(); });
  std::array<epoll_event, kPerTurn> events;
  const int count = ::epoll_wait(set_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    auto& connection = *static_cast<ClientConnection*>(events[static_cast<std::size_t>(i)].data.ptr);
    const std::uint32_t what = events[static_cast<std::size_t>(i)].events;
    if ((what & EPOLLOUT) != 0 && connection.is_open()) {
      connection.writing_ = false;
      connection.watch_for();
      handler_.on_writable(connection);
    }
    if ((what & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || !connection.is_open()) continue;
    // What it has sent already comes first: else who sends faster than is executed would fill memory.
    if (connection.listed_) continue;
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
        connection.set_reading(false);
        handler_.on_broken(connection, result == ClientConnection::ReadResult::kEnded);
        break;
    }
  }
  for (ClientConnection* connection : ready_) connection->listed_ = false;
}

void ClientNet::make_ready(ClientConnection& connection) {
  if (connection.listed_ || !connection.is_open()) return;
  connection.listed_ = true;
  listed_.push_back(&connection);
  post_turn();
}

void ClientNet::watch(ClientConnection& connection, bool known) {
  epoll_event event = interest(connection, connection.reading_, connection.writing_);
  ::epoll_ctl(set_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, connection.descriptor(), &event);
}

void ClientNet::unwatch(ClientConnection& connection) {
  ::epoll_ctl(set_, EPOLL_CTL_DEL, connection.descriptor(), nullptr);
  std::erase(listed_, &connection);
}

void ClientNet::release_later(ClientConnection& connection) {
  asio::post(loop_, [this, &connection] { handler_.on_released(connection); });
}

}  // namespace skein
