// Which clients have something to serve: one call per turn of the loop with all of them.
//
// Client sockets stand in a readiness set of their own (epoll, level-triggered), in which the
// loop waits (loop_front.h). Read as asio reads a socket, every request would cost a second
// receive that finds nothing (asio 1.22 tries at once whenever a read is armed) or a
// system call to arm the wait; this way one client that asks and is answered costs a wait, a
// receive and a send, and the batch of many comes for free.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <skein/net/client_connection.h>
#include <skein/net/read_blocks.h>

struct epoll_event;

namespace skein {

// The owner of the connections of a node.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  // These have new input, or asked to be served; called once a turn. Each is open.
  virtual void serve(std::span<ClientConnection* const> ready) = 0;
  // The connection broke, or has ended: the client sends no more but may still read. Nothing
  // was closed yet. It ended while it was not read: there may be input in its socket, which is read, and its
  // end told again, if reading goes on; otherwise nothing is read any more.
  virtual void on_broken(ClientConnection& connection, bool ended) = 0;
  // The socket takes more bytes.
  virtual void on_writable(ClientConnection& connection) = 0;
  // Closed, and nothing refers to it any more: destroy it.
  virtual void on_released(ClientConnection& connection) = 0;
};

class ClientNet {
 public:
  ClientNet(asio::io_context& loop, ClientHandler& handler);
  ~ClientNet();

  [[nodiscard]] asio::io_context& loop() { return loop_; }
  [[nodiscard]] ClientHandler& handler() { return handler_; }
  [[nodiscard]] ReadBlocks& blocks() { return blocks_; }
  // Serves `connection` in the next turn although nothing came from it.
  void make_ready(ClientConnection& connection);
  // Memory that holds what all clients have sent and has not been executed, and what their owner has counted with it.
  [[nodiscard]] std::size_t input_memory() const { return input_memory_; }

  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;

 private:
  friend class ClientConnection;
  class Front;

  void watch(ClientConnection& connection, bool known);
  void unwatch(ClientConnection& connection);
  void release_later(ClientConnection& connection);
  void turn(std::span<const epoll_event> events);
  void collect(ClientConnection& connection, std::uint32_t what);
  void collect_input(ClientConnection& connection);

  asio::io_context& loop_;
  ClientHandler& handler_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;  // the loop runs on though nothing is pending in it
  ReadBlocks blocks_;
  std::unique_ptr<Front> front_;
  std::size_t input_memory_ = 0;
  std::vector<ClientConnection*> listed_;  // for the next turn
  std::vector<ClientConnection*> ready_;   // of the turn under way
};

}  // namespace skein
