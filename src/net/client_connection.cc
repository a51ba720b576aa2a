#include <skein/net/client_connection.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <skein/base/memory.h>
#include <skein/net/client_net.h>

namespace skein {

namespace {
// More pieces than a pipeline of ordinary replies fills.
constexpr std::size_t kPieces = 32;
// So much of an incomplete request is carried to the front of the next receive's window, so that each receive
// has a whole window of room. What is more stays where it is and is added to.
constexpr std::size_t kCarried = 16 * 1024;
// Who sends very large arguments is likely to send another: most of it is then received into its own memory.
constexpr std::size_t kVeryLarge = 64 * 1024;
constexpr std::size_t kBesideVeryLarge = 4 * 1024;

// An announcement is worth no memory, nor is the little of an argument that came with what was before it.
constexpr std::size_t kSetAsideFrom = 2 * 1024;

// Memory for an argument of which so much has come: all of it where that is not much more than what came, so
// that nothing is moved.
std::size_t room_for(std::size_t received, std::size_t size) {
  return std::min(size, received * (received < 128 * 1024 ? 16 : 2));
}
}  // namespace

ClientConnection::ClientConnection(ClientNet& net, Stream stream) : net_(net), stream_(std::move(stream)) {
  net_.watch(*this, false);
}

ClientConnection::~ClientConnection() {
  if (is_open()) net_.unwatch(*this);
  count(0, (asides_ != nullptr ? asides_->memory : 0) + owner_memory_);
  drop_input();
}

void ClientConnection::drop_input() {
  if (block_ != nullptr) {
    net_.blocks().give_back(std::exchange(block_, nullptr));
  } else if (data_ != nullptr) {
    count(0, own_capacity_);
    release(data_, own_capacity_);
  }
  data_ = nullptr;
  begin_ = end_ = own_capacity_ = 0;
}

// Modulo 2^64: `less` may be the larger.
void ClientConnection::count(std::size_t more, std::size_t less) { net_.input_memory_ += more - less; }

void ClientConnection::set_owner_memory(std::size_t bytes) { count(bytes, std::exchange(owner_memory_, bytes)); }

std::size_t ClientConnection::unread() const { return end_ - begin_ + (asides_ != nullptr ? asides_->received : 0); }

void ClientConnection::consume(std::size_t bytes) {
  begin_ += bytes;
  if (asides_ == nullptr) [[likely]] return;
  auto& list = asides_->list;
  const auto kept = std::find_if(list.begin(), list.end(), [&](const SetAside& each) { return each.at >= bytes; });
  for (auto each = list.begin(); each != kept; ++each) {
    asides_->received -= each->received;
    asides_->memory -= each->bytes.capacity();
    count(0, each->bytes.capacity());
  }
  for (auto each = kept; each != list.end(); ++each) each->at -= bytes;
  list.erase(list.begin(), kept);
  if (list.empty()) asides_.reset();
}

OwnedBytes ClientConnection::take(std::string_view argument) {
  if (asides_ == nullptr) return {};
  for (SetAside& each : asides_->list) {
    if (each.bytes.data() != argument.data() || !each.complete()) continue;
    asides_->memory -= each.bytes.capacity();
    count(0, each.bytes.capacity());
    return std::move(each.bytes);
  }
  return {};
}

bool ClientConnection::settle(std::size_t at, std::size_t large) {
  if (large >= kLarge && !awaits_large() && !set_aside(at, large)) return false;
  if (data_ == nullptr) return true;
  const std::size_t left = end_ - begin_;
  if (left == 0) {
    drop_input();
  } else if (block_ != nullptr || own_capacity_ / 4 > left) {
    return move_to_own(left > kCarried ? left * 2 : left);
  } else if (begin_ != 0) {
    std::memmove(data_, data_ + begin_, left);
    begin_ = 0;
    end_ = left;
  }
  return true;
}

// Where there is no memory to move to it stays in the block.
void ClientConnection::keep_waiting() {
  if (block_ == nullptr || !net_.blocks().crowded() || !can_allocate(end_ - begin_)) return;
  static_cast<void>(move_to_own(end_ - begin_));
}

bool ClientConnection::has_memory(std::size_t size) {
  lacks_memory_ = !can_allocate(size);
  return !lacks_memory_;
}

bool ClientConnection::move_to_own(std::size_t room) {
  if (!has_memory(room)) return false;
  const std::size_t left = end_ - begin_;
  const std::size_t capacity = allocation_size(room);
  auto* own = static_cast<char*>(allocate(capacity));
  std::memcpy(own, data_ + begin_, left);
  drop_input();
  data_ = own;
  end_ = left;
  own_capacity_ = capacity;
  count(capacity, 0);
  return true;
}

bool ClientConnection::set_aside(std::size_t at, std::size_t size) {
  sends_very_large_ = size >= kVeryLarge;
  // All but its line's end has come, and is set aside already.
  if (asides_ != nullptr && asides_->list.back().at == at) return true;
  const std::size_t here = std::min(size, end_ - begin_ - at);
  if (here < kSetAsideFrom) return true;
  if (!has_memory(room_for(here, size))) return false;
  SetAside aside{.at = at, .size = size, .received = here, .bytes = {}};
  aside.bytes.reallocate(room_for(here, size), 0);
  char* const place = data_ + begin_ + at;
  std::memcpy(aside.bytes.data(), place, here);
  std::memmove(place, place + here, end_ - begin_ - at - here);
  end_ -= here;
  if (asides_ == nullptr) asides_ = std::make_unique<Asides>();
  asides_->received += here;
  asides_->memory += aside.bytes.capacity();
  count(aside.bytes.capacity(), 0);
  asides_->list.push_back(std::move(aside));
  return true;
}

std::size_t ClientConnection::receive(std::span<char> first, std::span<char> second, ReadResult& result) {
  asio::error_code error;
  const std::size_t count = stream_.read(first, second, error);
  ++net_.reads;
  net_.bytes_in += count;
  if (count > 0) {
    result = ReadResult::kData;
  } else if (!error) {
    result = ReadResult::kEnded;
  } else {
    result = would_block(error) ? ReadResult::kNothing : ReadResult::kBroken;
  }
  return count;
}

// What is in the window just given replaces the input.
void ClientConnection::adopt_window(char* data, std::size_t size) {
  drop_input();
  data_ = data;
  end_ = size;
  block_ = net_.blocks().keep(size);
}

// One receive. Requests still to be served stay where they are, and nothing is read before they have been.
ClientConnection::ReadResult ClientConnection::read() {
  if (block_ != nullptr) return ReadResult::kNothing;
  if (awaits_large()) return read_aside();
  const std::size_t left = end_ - begin_;
  ReadResult result{};
  if (left > kCarried) {
    if (end_ == own_capacity_ && !move_to_own(left * 2)) return ReadResult::kBroken;
    end_ += receive({data_ + end_, own_capacity_ - end_}, {}, result);
    return result;
  }
  const std::size_t room = sends_very_large_ ? ReadBlocks::kSmallWindow : ReadBlocks::kWindow;
  sends_very_large_ = false;
  const std::span<char> window = net_.blocks().window(left + room).first(left + room);
  if (left != 0) std::memcpy(window.data(), data_ + begin_, left);
  const std::size_t count = receive(window.subspan(left), {}, result);
  if (count != 0) adopt_window(window.data(), left + count);
  return result;
}

// The argument's bytes go to where they stay, what follows them behind the rest of the input.
ClientConnection::ReadResult ClientConnection::read_aside() {
  SetAside& aside = asides_->list.back();
  if (aside.bytes.capacity() == aside.received) {
    // Without memory for what it sends this connection ends, and nothing else.
    if (!has_memory(room_for(aside.received, aside.size))) return ReadResult::kBroken;
    const std::size_t before = aside.bytes.capacity();
    aside.bytes.reallocate(room_for(aside.received, aside.size), aside.received);
    asides_->memory += aside.bytes.capacity() - before;
    count(aside.bytes.capacity(), before);
  }
  const std::size_t room = std::min(aside.bytes.capacity(), aside.size) - aside.received;
  const std::span<char> first(aside.bytes.data() + aside.received, room);
  const std::size_t left = end_ - begin_;
  ReadResult result{};
  std::size_t count = 0;
  if (room < aside.size - aside.received) {
    count = receive(first, {}, result);
  } else if (left > kCarried) {
    if (own_capacity_ - end_ < kBesideVeryLarge && !move_to_own(left * 2)) return ReadResult::kBroken;
    count = receive(first, {data_ + end_, own_capacity_ - end_}, result);
    if (count > room) end_ += count - room;
  } else {
    const std::size_t beside = aside.size >= kVeryLarge ? kBesideVeryLarge : ReadBlocks::kWindow;
    const std::span<char> window = net_.blocks().window(left + beside).first(left + beside);
    if (left != 0) std::memcpy(window.data(), data_ + begin_, left);
    count = receive(first, window.subspan(left), result);
    if (count > room) adopt_window(window.data(), left + count - room);
  }
  const std::size_t came = std::min(count, room);
  aside.received += came;
  asides_->received += came;
  return result;
}

void ClientConnection::set_reading(bool on) {
  reading_ = on;
  if (on && watched_ != Watched::kInput && is_open()) watch(Watched::kInput);
}

void ClientConnection::stop_reading() {
  reading_ = false;
  if (watched_ != Watched::kNothing && is_open()) watch(Watched::kNothing);
}

void ClientConnection::watch(Watched what) {
  watched_ = what;
  watch_for();
}

void ClientConnection::watch_for() { net_.watch(*this, true); }

// Nearly all replies are one piece.
std::size_t ClientConnection::write_pieces(const Output& output, asio::error_code& error) {
  if (output.is_one_piece()) {
    std::string_view only;
    output.for_each_piece(1, [&](std::string_view piece) { only = piece; });
    return stream_.write({&only, 1}, error);
  }
  std::array<std::string_view, kPieces> pieces;
  std::size_t count = 0;
  output.for_each_piece(kPieces, [&](std::string_view piece) { pieces[count++] = piece; });
  return stream_.write({pieces.data(), count}, error);
}

bool ClientConnection::flush(Output& output) {
  while (!writing_ && is_open() && !output.empty()) {
    asio::error_code error;
    const std::size_t sent = write_pieces(output, error);
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
