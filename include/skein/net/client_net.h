// Which clients have something to serve: one call per turn of the loop with all of them.
//
// Client sockets stand in a readiness set of their own (epoll, level-triggered), of which
// asio's loop sees one descriptor. Read as asio reads a socket, every request would cost a
// second receive that finds nothing (asio 1.22 tries at once whenever a read is armed) or a
// system call to arm the wait; this way arming costs one call a turn, whatever the number
// of clients, and the batch comes for free.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <skein/net/client_connection.h>

namespace skein {

// The owner of the connections of a node.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  // These have new input, or asked to be served; called once a turn. Each is open.
  virtual void serve(std::span<ClientConnection* const> ready) = 0;
  // The connection broke, or has ended: the client sends no more but may still read. Nothing
  // was closed yet; nothing is read any more.
  virtual void on_broken(ClientConnection& connection, bool ended) = 0;
  // The socket takes more bytes.
  virtual void on_writable(ClientConnection& connection) = 0;
  // Closed, and nothing refers to it any more: destroy it.
  virtual void on_released(ClientConnection& connection) = 0;
};

// Buffers of 16 KiB lent to reads for one turn, most recently used first.
class ChunkPool {
 public:
  static constexpr std::size_t kChunk = 16 * 1024;
  ~ChunkPool();
  [[nodiscard]] char* take();
  void give_back(char* chunk);

 private:
  // Enough for a turn of many clients; what is above goes back to the allocator.
  static constexpr std::size_t kKept = 64;
  std::vector<char*> free_;
};

class ClientNet {
 public:
  ClientNet(asio::io_context& loop, ClientHandler& handler);

  [[nodiscard]] asio::io_context& loop() { return loop_; }
  [[nodiscard]] ClientHandler& handler() { return handler_; }
  [[nodiscard]] ChunkPool& chunks() { return chunks_; }
  // Serves `connection` in the next turn although nothing came from it.
  void make_ready(ClientConnection& connection);

  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;

 private:
  friend class ClientConnection;

  void watch(ClientConnection& connection, bool known);
  void unwatch(ClientConnection& connection);
  void release_later(ClientConnection& connection);
  void wait();
  void post_turn();
  void turn();
  void collect();

  asio::io_context& loop_;
  ClientHandler& handler_;
  ChunkPool chunks_;
  int set_;  // the epoll descriptor; owned by `readiness_`
  asio::posix::stream_descriptor readiness_;
  std::vector<ClientConnection*> listed_;  // for the next turn
  std::vector<ClientConnection*> ready_;   // of the turn under way
  bool posted_ = false;
  bool waiting_ = false;
};

}  // namespace skein
