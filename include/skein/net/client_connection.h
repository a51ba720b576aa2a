// The bytes of one client: reads into borrowed chunks, gathered writes, closing.
//
// Knows no protocol. What was read stays untouched until its owner consumes it; the owner
// serves all connections that became readable in one call per turn (ClientHandler), and
// afterwards arms the next read of each.
//
// A waiting connection holds no buffer: asio asks for one when it really reads (LazyBuffer).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>

#include <skein/resp/output.h>

namespace skein {

class ClientConnection;

// The owner of the connections of a node.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  // These have new input, or asked to be served again; called once a turn. Each is open.
  virtual void serve(std::span<ClientConnection* const> ready) = 0;
  // The peer has closed or the connection broke. Nothing was closed yet.
  virtual void on_broken(ClientConnection& connection) = 0;
  // What could not be sent at once has been sent as far as it goes.
  virtual void on_writable(ClientConnection& connection) = 0;
  // No operation refers to it any more: destroy it.
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

// What all client connections of a node share: the loop, the chunks, the list of those to be served.
class ClientNet {
 public:
  ClientNet(asio::io_context& loop, ClientHandler& handler) : loop_(loop), handler_(handler) {}

  [[nodiscard]] asio::io_context& loop() { return loop_; }
  [[nodiscard]] ClientHandler& handler() { return handler_; }
  [[nodiscard]] ChunkPool& chunks() { return chunks_; }
  // Serves `connection` in this turn, or in the next if this turn's serving has begun.
  void make_ready(ClientConnection& connection);
  void forget(ClientConnection& connection);

  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;

 private:
  void serve_ready();

  asio::io_context& loop_;
  ClientHandler& handler_;
  ChunkPool chunks_;
  std::vector<ClientConnection*> ready_;
  std::vector<ClientConnection*> serving_;
  bool posted_ = false;
};

class ClientConnection {
 public:
  using Socket = asio::generic::stream_protocol::socket;

  ClientConnection(ClientNet& net, Socket socket);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;
  ~ClientConnection();

  // The owner's object that belongs to this connection.
  void* owner = nullptr;

  // What has been received and not consumed.
  [[nodiscard]] std::string_view input() const { return {data_ + begin_, end_ - begin_}; }
  void consume(std::size_t count) { begin_ += count; }
  // To be called when a turn is over and something is left, or nothing: moves the rest out of the
  // borrowed chunk, which goes back to the pool. Views of the input end here. `wanted`: how
  // long the input will have to be at least, so that a large argument is read in one piece.
  void settle(std::size_t wanted = 0);
  // Memory that holds unread input.
  [[nodiscard]] std::size_t input_memory() const { return own_capacity_; }

  // Arms the next read, unless one is pending. Only after settle().
  void read();
  // Sends what it can. False when some of it has to wait; on_writable tells when to go on.
  bool flush(Output& output);
  // Ends it. on_released follows when nothing refers to it any more.
  void close();
  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] bool waits_to_write() const { return writing_; }
  [[nodiscard]] int descriptor() { return socket_.native_handle(); }
  [[nodiscard]] Socket& socket() { return socket_; }

 private:
  friend class ClientNet;
  struct ReadHandler;
  struct LazyBuffer;

  void prepare_read_buffer();
  void on_read(const asio::error_code& error, std::size_t count);
  void release_chunk();
  void release_if_idle();

  ClientNet& net_;
  Socket socket_;
  char* data_ = nullptr;  // a chunk or own_
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t own_capacity_ = 0;  // 0: data_ is a chunk of the pool, or null
  std::size_t wanted_ = 0;
  void* read_buffer_[2] = {};     // an asio::mutable_buffer, filled in when asio reads
  bool open_ = true;
  bool reading_ = false;
  bool arming_ = false;
  bool writing_ = false;
  bool listed_ = false;    // in ClientNet's ready list
  bool releasing_ = false;
  alignas(std::max_align_t) unsigned char read_memory_[208];  // asio's pending read lives here
};

}  // namespace skein
