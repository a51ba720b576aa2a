// A connected byte stream: non-blocking reads and gathered writes. Sockets of every family
// now; what encrypts can stand behind the same face later.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <asio/error_code.hpp>

namespace skein {

class Stream {
 public:
  // Takes the descriptor over.
  explicit Stream(int descriptor);
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&&) = delete;
  ~Stream();

  // How many bytes came. 0 without an error: the peer has closed. An error "would block" is none.
  std::size_t read(std::span<char> into, asio::error_code& error) { return read(into, {}, error); }
  // What does not fit into `first` goes to `second`.
  std::size_t read(std::span<char> first, std::span<char> second, asio::error_code& error);
  // How many bytes left. Pieces beyond the system's limit wait for the next call.
  std::size_t write(std::span<const std::string_view> pieces, asio::error_code& error);
  void close();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

[[nodiscard]] bool would_block(const asio::error_code& error);

}  // namespace skein
