// The bytes of one client: reads into borrowed chunks, gathered writes, closing.
//
// Knows no protocol. What was read stays untouched until its owner consumes it. Which
// connections are readable is client_net.h's to find out; a waiting connection holds no buffer.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <skein/net/stream.h>
#include <skein/resp/output.h>

namespace skein {

class ClientNet;

class ClientConnection {
 public:
  ClientConnection(ClientNet& net, Stream stream);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;
  ~ClientConnection();

  // The owner's object that belongs to this connection.
  void* owner = nullptr;

  // What has been received and not consumed.
  [[nodiscard]] std::string_view input() const { return {data_ + begin_, end_ - begin_}; }
  void consume(std::size_t count) { begin_ += count; }
  // To be called when a turn is over: what is left moves out of the borrowed chunk, which
  // goes back to the pool. Views of the input end here. `wanted`: how long the input will have to be at
  // least, so that a large argument is read in one piece.
  void settle(std::size_t wanted = 0);
  // Memory that holds unread input.
  [[nodiscard]] std::size_t input_memory() const { return own_capacity_; }

  // Whether new input is read when it comes. Not reading pushes back on the client.
  void set_reading(bool on);
  // Sends what it can. False when some of it has to wait; ClientHandler::on_writable tells when to go on.
  bool flush(Output& output);
  // Sends pieces that somebody else keeps, once: how many bytes the socket took. Nothing while
  // it is known to take none. Fewer than all: ClientHandler::on_writable tells when to go on.
  std::size_t send(std::span<const std::string_view> pieces);
  // There is more to send, but others come first: on_writable follows when the socket takes more.
  void send_later();
  [[nodiscard]] bool waits_to_send() const { return writing_; }
  // Ends it. ClientHandler::on_released follows, not from inside this call.
  void close();
  [[nodiscard]] bool is_open() const { return stream_.is_open(); }
  [[nodiscard]] int descriptor() const { return stream_.descriptor(); }

 private:
  friend class ClientNet;

  enum class ReadResult : std::uint8_t { kData, kNothing, kEnded, kBroken };
  ReadResult read();
  void watch_for();
  void release_buffer();

  ClientNet& net_;
  Stream stream_;
  char* data_ = nullptr;  // a chunk of the pool, or a buffer of its own
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t own_capacity_ = 0;  // 0: data_ is a chunk, or null
  bool reading_ = false;
  bool writing_ = false;  // waits until the socket takes more
  bool listed_ = false;   // in ClientNet's list for the next turn
};

}  // namespace skein
