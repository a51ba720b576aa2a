#include <skein/net/client_connection.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <skein/base/memory.h>
#include <skein/net/client_net.h>

namespace skein {

namespace {
// More pieces than a pipeline of ordinary replies fills.
constexpr std::size_t kPieces = 32;
constexpr std::size_t kOwnMinimum = 1024;
}  // namespace

ClientConnection::ClientConnection(ClientNet& net, Stream stream) : net_(net), stream_(std::move(stream)) {
  net_.watch(*this, false);
}

ClientConnection::~ClientConnection() {
  if (is_open()) net_.unwatch(*this);
  release_buffer();
}

void ClientConnection::release_buffer() {
  if (data_ == nullptr) return;
  if (own_capacity_ != 0) {
    release(data_, own_capacity_);
  } else {
    net_.chunks().give_back(data_);
  }
  data_ = nullptr;
  begin_ = end_ = own_capacity_ = 0;
}

void ClientConnection::settle(std::size_t wanted) {
  if (data_ == nullptr) return;
  const std::size_t left = end_ - begin_;
  if (left == 0) {
    release_buffer();
    return;
  }
  // Room for what is known to come, or for as much again.
  const std::size_t room = std::max({wanted, left * 2, kOwnMinimum});
  if (own_capacity_ >= room && own_capacity_ / 4 < room) {
    if (begin_ != 0) std::memmove(data_, data_ + begin_, left);
  } else {
    const std::size_t capacity = allocation_size(room);
    auto* own = static_cast<char*>(allocate(capacity));
    std::memcpy(own, data_ + begin_, left);
    release_buffer();
    data_ = own;
    own_capacity_ = capacity;
  }
  begin_ = 0;
  end_ = left;
}

// One receive: into the room left in the connection's own buffer, or into a chunk.
ClientConnection::ReadResult ClientConnection::read() {
  if (own_capacity_ != 0 && end_ == own_capacity_) settle(end_ - begin_ + kOwnMinimum);
  if (data_ == nullptr) data_ = net_.chunks().take();
  const std::size_t capacity = own_capacity_ != 0 ? own_capacity_ : ChunkPool::kChunk;
  // A chunk that is not settled yet belongs to requests still to be served.
  if (end_ == capacity) return ReadResult::kNothing;
  asio::error_code error;
  const std::size_t count = stream_.read({data_ + end_, capacity - end_}, error);
  ++net_.reads;
  if (count > 0) {
    end_ += count;
    net_.bytes_in += count;
    return ReadResult::kData;
  }
  if (begin_ == end_) release_buffer();
  if (!error) return ReadResult::kEnded;
  return would_block(error) ? ReadResult::kNothing : ReadResult::kBroken;
}

void ClientConnection::set_reading(bool on) {
  if (reading_ == on || !is_open()) return;
  reading_ = on;
  watch_for();
}

void ClientConnection::watch_for() { net_.watch(*this, true); }

bool ClientConnection::flush(Output& output) {
  while (!writing_ && is_open() && !output.empty()) {
    std::array<std::string_view, kPieces> pieces;
    std::size_t count = 0;
    output.for_each_piece(kPieces, [&](std::string_view piece) { pieces[count++] = piece; });
    asio::error_code error;
    const std::size_t sent = stream_.write({pieces.data(), count}, error);
    ++net_.writes;
    net_.bytes_out += sent;
    output.consume(sent);
    if (!error) continue;
    if (would_block(error)) {
      writing_ = true;
      watch_for();
    } else {
      net_.handler().on_broken(*this, false);
    }
    return false;
  }
  return output.empty();
}

std::size_t ClientConnection::send(std::span<const std::string_view> pieces) {
  if (writing_ || !is_open() || pieces.empty()) return 0;
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  asio::error_code error;
  const std::size_t sent = stream_.write(pieces, error);
  ++net_.writes;
  net_.bytes_out += sent;
  if (error && !would_block(error)) {
    net_.handler().on_broken(*this, false);
  } else if (sent < size) {
    send_later();
  }
  return sent;
}

void ClientConnection::send_later() {
  if (writing_ || !is_open()) return;
  writing_ = true;
  watch_for();
}

void ClientConnection::close() {
  if (!is_open()) return;
  net_.unwatch(*this);
  stream_.close();
  net_.release_later(*this);
}

}  // namespace skein
