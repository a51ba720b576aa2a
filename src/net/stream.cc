#include <skein/net/stream.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

#include <asio/error.hpp>

namespace skein {

namespace {
constexpr std::size_t kMaxPieces = 32;

asio::error_code last_error() { return {errno, asio::error::get_system_category()}; }
}  // namespace

bool would_block(const asio::error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again || error == asio::error::interrupted;
}

Stream::Stream(int descriptor) : descriptor_(descriptor) {
  ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
}

Stream::Stream(Stream&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Stream::~Stream() { close(); }

void Stream::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

std::size_t Stream::read(std::span<char> into, asio::error_code& error) {
  const ssize_t count = ::recv(descriptor_, into.data(), into.size(), 0);
  if (count >= 0) {
    error = {};
    return static_cast<std::size_t>(count);
  }
  error = last_error();
  return 0;
}

std::size_t Stream::write(std::span<const std::string_view> pieces, asio::error_code& error) {
  ssize_t count = 0;
  if (pieces.size() == 1) {
    count = ::send(descriptor_, pieces[0].data(), pieces[0].size(), MSG_NOSIGNAL);
  } else {
    std::array<iovec, kMaxPieces> vectors;
    const std::size_t used = std::min(pieces.size(), kMaxPieces);
    for (std::size_t i = 0; i < used; ++i) vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = used;
    count = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
  }
  if (count >= 0) {
    error = {};
    return static_cast<std::size_t>(count);
  }
  error = last_error();
  return 0;
}

}  // namespace skein
