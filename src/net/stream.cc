#include <skein/net/stream.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

#include <asio/error.hpp>

namespace skein {

namespace {
constexpr std::size_t kMaxPieces = 32;

// Receives and sends of one piece, which nearly all are, go past the library: there each is a point where a
// thread may be cancelled, which no thread of ours is, and that costs two atomic instructions a call.

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

std::size_t Stream::read(std::span<char> first, std::span<char> second, asio::error_code& error) {
  ssize_t count = 0;
  if (second.empty()) {
    count = ::syscall(SYS_recvfrom, descriptor_, first.data(), first.size(), 0, nullptr, nullptr);
  } else {
    iovec vectors[] = {{first.data(), first.size()}, {second.data(), second.size()}};
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = 2;
    count = ::recvmsg(descriptor_, &message, 0);
  }
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
    count = ::syscall(SYS_sendto, descriptor_, pieces[0].data(), pieces[0].size(), MSG_NOSIGNAL, nullptr, 0);
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
