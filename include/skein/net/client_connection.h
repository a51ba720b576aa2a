// The bytes of one client: reads into memory that all share, gathered writes, closing.
//
// Knows no protocol. What was read stays untouched until its owner consumes it. Which
// connections are readable is client_net.h's to find out; a waiting connection holds no more
// memory than the bytes that wait for the rest of their request.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <skein/net/read_blocks.h>
#include <skein/net/stream.h>
#include <skein/resp/output.h>
#include <skein/resp/set_aside.h>

namespace skein {

class ClientNet;

class ClientConnection {
 public:
  // A large argument is received into memory of its own from this size on.
  static constexpr std::size_t kLarge = 16 * 1024;

  ClientConnection(ClientNet& net, Stream stream);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;
  ~ClientConnection();

  // The owner's object that belongs to this connection.
  void* owner = nullptr;

  // What has been received and not consumed, without what was set aside.
  [[nodiscard]] std::string_view input() const { return {data_ + begin_, end_ - begin_}; }
  // Arguments beside the input; places count from its front. `origin`: where in the input parsing goes on.
  [[nodiscard]] SetAsides asides(std::size_t origin) const {
    if (asides_ == nullptr) [[likely]] return {};
    return {asides_->list, origin};
  }
  // Nothing of the input can be used before more of a large argument has come.
  [[nodiscard]] bool awaits_large() const { return asides_ != nullptr && !asides_->list.back().complete(); }
  // The memory of a whole argument that was set aside, or nothing.
  [[nodiscard]] OwnedBytes take(std::string_view argument);
  void consume(std::size_t bytes);
  // To be called when a turn is over: what is left moves out of the shared block. Views of the input end
  // here. An argument of `large` bytes or more whose beginning stands at `at` is set aside: memory for it is
  // taken as its bytes come. False when there is no memory for what is left: it can only be closed.
  [[nodiscard]] bool settle(std::size_t at = 0, std::size_t large = 0);
  // To be called instead when requests are left to be served in a later turn.
  void keep_waiting();
  // Whether it broke, or could not settle, for lack of memory.
  [[nodiscard]] bool lacks_memory() const { return lacks_memory_; }
  // Bytes received and not consumed, all in all.
  [[nodiscard]] std::size_t unread() const;
  // Memory that holds them, and what the owner has beside it because of them.
  [[nodiscard]] std::size_t input_memory() const {
    return own_capacity_ + (asides_ != nullptr ? asides_->memory : 0) + owner_memory_;
  }
  void set_owner_memory(std::size_t bytes);
  [[nodiscard]] std::size_t owner_memory() const { return owner_memory_; }

  // Whether new input is read when it comes. Not reading pushes back on the client; that it has gone is
  // noticed all the same. Costs nothing unless something comes meanwhile.
  void set_reading(bool on);
  // Nothing is read any more, and its end is not told again.
  void stop_reading();
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
  // What the readiness set is asked to tell of the socket's input.
  enum class Watched : std::uint8_t { kInput, kEnd, kNothing };

  // The sums are kept because there may be many of them.
  struct Asides {
    std::vector<SetAside> list;  // never empty; only the last may be incomplete
    std::size_t received = 0;
    std::size_t memory = 0;
  };

  ReadResult read();
  ReadResult read_aside();
  std::size_t receive(std::span<char> first, std::span<char> second, ReadResult& result);
  std::size_t write_pieces(const Output& output, asio::error_code& error);
  void watch(Watched what);
  void watch_for();
  void drop_input();
  void adopt_window(char* data, std::size_t size);
  [[nodiscard]] bool has_memory(std::size_t size);
  // False, and nothing has changed, where there is no memory.
  [[nodiscard]] bool move_to_own(std::size_t room);
  [[nodiscard]] bool set_aside(std::size_t at, std::size_t size);
  // In the sum that the net keeps.
  void count(std::size_t more, std::size_t less);

  ClientNet& net_;
  Stream stream_;
  // Packed, as there may be many idle connections.
  bool sends_very_large_ : 1 = false;  // arguments: one was set aside after the last receive
  bool reading_ : 1 = false;
  bool writing_ : 1 = false;           // waits until the socket takes more
  bool lacks_memory_ : 1 = false;
  bool listed_ : 1 = false;            // in ClientNet's list for the next turn
  Watched watched_ = Watched::kNothing;
  char* data_ = nullptr;  // in a shared block, or of its own
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t own_capacity_ = 0;  // 0: data_ is not its own
  ReadBlock* block_ = nullptr;    // that data_ is in
  std::unique_ptr<Asides> asides_;
  std::size_t owner_memory_ = 0;
};

}  // namespace skein
