#include <skein/net/client_connection.h>

#include <array>
#include <cstring>
#include <new>

#include <asio/buffer.hpp>
#include <asio/post.hpp>

#include <skein/base/assert.h>
#include <skein/base/memory.h>

namespace skein {

namespace {

// More pieces than a pipeline of ordinary replies fills.
constexpr std::size_t kPieces = 32;
// Own input buffers grow by doubling from here.
constexpr std::size_t kOwnMinimum = 1024;

// Marks an untouched chunk. asio may read while a read is being armed and does not say
// whether it did; a chunk that still begins with this was not written to.
constexpr std::array<std::uint64_t, 2> kUntouched{0x9d3f7c15a86be204, 0x41c7e20f5bd8963a};

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

void ClientNet::make_ready(ClientConnection& connection) {
  if (connection.listed_ || !connection.open_) return;
  connection.listed_ = true;
  ready_.push_back(&connection);
  if (posted_) return;
  posted_ = true;
  // Posted behind everything that was ready in this round, so that one call serves it all.
  asio::post(loop_, [this] { serve_ready(); });
}

void ClientNet::serve_ready() {
  posted_ = false;
  serving_.swap(ready_);
  std::erase_if(serving_, [](ClientConnection* connection) {
    connection->listed_ = false;
    return !connection->open_;
  });
  if (!serving_.empty()) handler_.serve(serving_);
  serving_.clear();
}

void ClientNet::forget(ClientConnection& connection) {
  if (connection.listed_) std::erase(ready_, &connection);
  connection.listed_ = false;
}

// One buffer whose address is decided when asio asks for it. While a read is being armed
// asio first asks whether the buffer is empty; that question is answered without lending one.
struct ClientConnection::LazyBuffer {
  using value_type = asio::mutable_buffer;
  using const_iterator = const asio::mutable_buffer*;
  ClientConnection* connection;

  [[nodiscard]] const_iterator begin() const {
    connection->prepare_read_buffer();
    return reinterpret_cast<const asio::mutable_buffer*>(connection->read_buffer_);
  }
  [[nodiscard]] const_iterator end() const {
    return reinterpret_cast<const asio::mutable_buffer*>(connection->read_buffer_) + 1;
  }
};

// Runs on_read; its pending operation is kept in the connection's own memory.
struct ClientConnection::ReadHandler {
  ClientConnection* connection;

  template <typename T>
  struct Allocator {
    using value_type = T;
    ClientConnection* connection;

    explicit Allocator(ClientConnection* c) : connection(c) {}
    template <typename U>
    Allocator(const Allocator<U>& other) : connection(other.connection) {}  // NOLINT(google-explicit-constructor)
    T* allocate(std::size_t count) {
      if (count * sizeof(T) <= sizeof connection->read_memory_) return reinterpret_cast<T*>(connection->read_memory_);
      return static_cast<T*>(::operator new(count * sizeof(T)));
    }
    void deallocate(T* memory, std::size_t) {
      if (reinterpret_cast<unsigned char*>(memory) != connection->read_memory_) ::operator delete(memory);
    }
    friend bool operator==(const Allocator& a, const Allocator& b) { return a.connection == b.connection; }
  };
  using allocator_type = Allocator<char>;
  [[nodiscard]] allocator_type get_allocator() const { return allocator_type{connection}; }

  void operator()(const asio::error_code& error, std::size_t count) const { connection->on_read(error, count); }
};

ClientConnection::ClientConnection(ClientNet& net, Socket socket) : net_(net), socket_(std::move(socket)) {
  static_assert(sizeof read_buffer_ == sizeof(asio::mutable_buffer));
  asio::error_code ignored;
  socket_.non_blocking(true, ignored);
}

ClientConnection::~ClientConnection() {
  SKEIN_ASSERT(!reading_ && !writing_);
  net_.forget(*this);
  release_chunk();
}

void ClientConnection::release_chunk() {
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
  if (left == 0 && wanted == 0) {
    release_chunk();
    return;
  }
  // Room for what is known to come, or for as much again.
  const std::size_t room = std::max({wanted, left + left / 2, kOwnMinimum});
  if (own_capacity_ >= room && begin_ == 0) return;
  if (own_capacity_ >= room && own_capacity_ < room * 4) {
    std::memmove(data_, data_ + begin_, left);
  } else {
    const std::size_t capacity = allocation_size(room);
    auto* own = static_cast<char*>(allocate(capacity));
    std::memcpy(own, data_ + begin_, left);
    release_chunk();
    data_ = own;
    own_capacity_ = capacity;
  }
  begin_ = 0;
  end_ = left;
}

void ClientConnection::prepare_read_buffer() {
  static char nothing = 0;
  asio::mutable_buffer buffer{&nothing, 1};
  if (arming_) {
    arming_ = false;
  } else if (own_capacity_ != 0) {
    if (end_ == own_capacity_) {
      const std::size_t capacity = allocation_size(own_capacity_ * 2);
      auto* grown = static_cast<char*>(allocate(capacity));
      std::memcpy(grown, data_, end_);
      release(data_, own_capacity_);
      data_ = grown;
      own_capacity_ = capacity;
    }
    buffer = {data_ + end_, own_capacity_ - end_};
  } else {
    if (data_ == nullptr) {
      data_ = net_.chunks().take();
      std::memcpy(data_, kUntouched.data(), sizeof kUntouched);
    }
    buffer = {data_, ChunkPool::kChunk};
  }
  new (read_buffer_) asio::mutable_buffer(buffer);
}

void ClientConnection::read() {
  if (!open_ || reading_) return;
  reading_ = true;
  arming_ = true;
  socket_.async_read_some(LazyBuffer{this}, ReadHandler{this});
  arming_ = false;
  const bool lent = data_ != nullptr && own_capacity_ == 0;
  if (lent && std::memcmp(data_, kUntouched.data(), sizeof kUntouched) == 0) {
    net_.chunks().give_back(std::exchange(data_, nullptr));
  }
}

void ClientConnection::on_read(const asio::error_code& error, std::size_t count) {
  reading_ = false;
  if (!open_) {
    release_if_idle();
    return;
  }
  if (error) {
    // An interrupted or empty attempt is none; everything else ends the connection.
    if (error == asio::error::would_block || error == asio::error::interrupted) {
      read();
    } else {
      net_.handler().on_broken(*this);
    }
    return;
  }
  end_ += count;
  net_.bytes_in += count;
  ++net_.reads;
  net_.make_ready(*this);
}

bool ClientConnection::flush(Output& output) {
  while (!writing_ && open_ && !output.empty()) {
    std::array<asio::const_buffer, kPieces> pieces;
    std::size_t count = 0;
    output.for_each_piece(kPieces, [&](std::string_view piece) { pieces[count++] = {piece.data(), piece.size()}; });
    asio::error_code error;
    // A single buffer takes the cheaper system call.
    const std::size_t sent =
        count == 1 ? socket_.write_some(pieces[0], error)
                   : socket_.write_some(std::span<const asio::const_buffer>(pieces.data(), count), error);
    ++net_.writes;
    net_.bytes_out += sent;
    output.consume(sent);
    if (error == asio::error::would_block || error == asio::error::try_again) {
      writing_ = true;
      socket_.async_wait(Socket::wait_write, [this](const asio::error_code& failure) {
        writing_ = false;
        if (!open_) {
          release_if_idle();
        } else if (failure) {
          net_.handler().on_broken(*this);
        } else {
          net_.handler().on_writable(*this);
        }
      });
      return false;
    }
    if (error && error != asio::error::interrupted) {
      net_.handler().on_broken(*this);
      return false;
    }
  }
  return output.empty();
}

void ClientConnection::close() {
  if (!open_) return;
  open_ = false;
  net_.forget(*this);
  asio::error_code ignored;
  socket_.close(ignored);
  release_if_idle();
}

void ClientConnection::release_if_idle() {
  if (open_ || reading_ || writing_ || releasing_) return;
  releasing_ = true;
  // Never from inside a call of its owner.
  asio::post(net_.loop(), [this] { net_.handler().on_released(*this); });
}

}  // namespace skein
