#include "bus_connection.h"

#include <algorithm>
#include <utility>

#include <asio/post.hpp>
#include <asio/write.hpp>

#include <skein/cluster/bus/packet.h>

namespace skein {

namespace {

// How much of one link is read in a turn: others wait for theirs.
constexpr int kReadsPerTurn = 8;
// How much is given to the system at once. Urgent packets wait for no more than this.
constexpr std::size_t kPacketsPerWrite = 16;
constexpr std::size_t kBytesPerWrite = 128 * 1024;
constexpr milliseconds kLookupPause{1000};
// A buffer that grew for one large packet is not kept.
constexpr std::size_t kKeptBuffer = 16 * 1024;

}  // namespace

BusLink::BusLink(Bus& bus, BusKey key, BusSocket socket, bool accepted, MonoTime now)
    : bus_(&bus), key_(key), socket_(std::move(socket)), accepted_(accepted), since_(now) {}

void BusLink::connect(const std::string& host, std::uint16_t port) {
  const BusSettings& settings = bus_->settings_;
  fail_after(settings.connect_timeout);
  dial_ = std::make_shared<BusDial>(socket_.get_executor(),
                                    BusDial::Sources{settings.source_address, settings.loopback_source_address});
  dial_->start(host, port, [self = shared_from_this(), host](DialEnd end, BusSocket socket, const std::string& why) {
    self->dialled(host, end, std::move(socket), why);
  });
}

void BusLink::dialled(const std::string& host, DialEnd end, BusSocket socket, const std::string& why) {
  if (is_dropped()) return;
  dial_.reset();
  if (end == DialEnd::kNameUnknown) {
    // Who is told that a link is down opens another one: whom nobody knows is not asked for all the time.
    fail_after(std::min<milliseconds>(kLookupPause, bus_->settings_.connect_timeout));
    return bus_->name_was_unknown(host, why);
  }
  bus_->name_was_found(host);
  if (end == DialEnd::kNoConnection) return fail();
  socket_ = std::move(socket);
  connecting_.reset();
  begin();
  bus_->owner_.on_bus_up(key_);
}

void BusLink::fail_after(milliseconds span) {
  connecting_ = std::make_unique<asio::steady_timer>(socket_.get_executor(), span);
  connecting_->async_wait([self = shared_from_this()](const asio::error_code& ended) {
    if (!ended && !self->is_dropped() && !self->up_) self->fail();
  });
}

void BusLink::begin() {
  prepare_bus_socket(socket_, std::chrono::duration_cast<seconds>(bus_->settings_.keepalive));
  asio::error_code error;
  const auto remote = socket_.remote_endpoint(error);
  const auto local = socket_.local_endpoint(error);
  if (error) return fail_later();
  remote_ip_ = address_text(remote);
  local_ip_ = address_text(local);
  up_ = true;
  read_later();
  write();
}

void BusLink::fail_later() {
  failing_ = true;
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->fail(); });
}

void BusLink::fail() {
  if (is_dropped()) return;
  Bus& bus = *bus_;
  drop();
  bus.lost(key_);
}

void BusLink::drop() {
  if (bus_ != nullptr) {
    (void)hold(0);
    owe(0);
  }
  bus_ = nullptr;
  connecting_.reset();
  if (dial_ != nullptr) dial_->cancel();
  dial_.reset();
  asio::error_code ignored;
  socket_.close(ignored);
  urgent_.clear();
  others_.clear();
}

// Waiting without a buffer: most links are idle most of the time.
void BusLink::read_later() {
  socket_.async_wait(BusSocket::wait_read, [self = shared_from_this()](const asio::error_code& error) {
    if (self->is_dropped()) return;
    if (error) {
      self->fail();
    } else {
      self->read();
    }
  });
}

void BusLink::read() {
  for (int i = 0; i < (is_strangers() ? 1 : kReadsPerTurn); ++i) {
    asio::error_code error;
    std::vector<char>& buffer = bus_->read_buffer_;
    const std::size_t got = socket_.read_some(asio::buffer(buffer), error);
    if (error == asio::error::would_block || error == asio::error::try_again) break;
    if (error == asio::error::interrupted) continue;
    if (error) return fail();
    if (!take_input({buffer.data(), got})) return;
    if (got < buffer.size()) break;
  }
  // At the end, so that an answer on this link has taken the acknowledgement along.
  acknowledge_at_once(socket_);
  if (!is_strangers() || bus_->may_read_stranger(key_)) read_later();
}

bool BusLink::take_input(std::string_view bytes) {
  if (partial_.empty()) {
    const auto used = hand_over(bytes);
    if (!used) return false;
    partial_.assign(bytes.substr(*used));
  } else {
    partial_.append(bytes);
    const auto used = hand_over(partial_);
    if (!used) return false;
    partial_.erase(0, *used);
    if (partial_.empty() && partial_.capacity() > kKeptBuffer) partial_.shrink_to_fit();
  }
  if (hold(partial_.size())) return true;
  end_with(BusTrouble::kTooLarge);
  return false;
}

void BusLink::vouch() {
  const std::size_t held = held_;
  const std::uint64_t unsent = unsent_;
  (void)hold(0);
  owe(0);
  vouched_ = true;
  (void)hold(held);
  owe(unsent);
}

bool BusLink::hold(std::size_t bytes) {
  std::uint64_t& all = bus_->held(vouched_);
  all = all - held_ + bytes;
  held_ = bytes;
  return bytes == 0 || all <= (vouched_ ? Bus::kMaxHeldOfMembers : Bus::kMaxHeldOfStrangers);
}

void BusLink::end_with(BusTrouble trouble) {
  bus_->owner_.on_bus_trouble(key_, trouble);
  if (!is_dropped()) fail();
}

std::optional<std::size_t> BusLink::hand_over(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    if (skip_ > 0) {
      const std::size_t passed = std::min(skip_, bytes.size() - used);
      skip_ -= passed;
      used += passed;
      continue;
    }
    // By a link that this node has opened come answers alone.
    const Frame frame = judge_frame(bytes.substr(used), vouched_ ? FrameSender::kMember : FrameSender::kStranger);
    if (frame.kind == Frame::Kind::kNeedMore) break;
    if (frame.kind == Frame::Kind::kTooLarge || frame.kind == Frame::Kind::kBroken) {
      end_with(frame.kind == Frame::Kind::kTooLarge ? BusTrouble::kTooLarge : BusTrouble::kNoPackets);
      return std::nullopt;
    }
    if (is_strangers()) ++bus_->strangers_packets_;
    if (frame.kind == Frame::Kind::kSkip) {
      skip_ = frame.bytes;
      continue;
    }
    bus_->owner_.on_bus_packet(key_, remote_ip_, local_ip_, bytes.substr(used, frame.bytes));
    if (is_dropped()) return std::nullopt;
    used += frame.bytes;
  }
  return used;
}

void BusLink::owe(std::uint64_t bytes) {
  bus_->unsent_ = bus_->unsent_ - unsent_ + bytes;
  if (is_strangers()) bus_->unsent_to_strangers_ = bus_->unsent_to_strangers_ - unsent_ + bytes;
  unsent_ = bytes;
}

bool BusLink::owes_too_much() const {
  if (bus_->unsent_ > Bus::kMaxUnsentInAll) return true;
  if (is_strangers()) {
    return unsent_ > Bus::kMaxUnsentToStranger || bus_->unsent_to_strangers_ > Bus::kMaxUnsentToStrangers;
  }
  const std::uint64_t given = bus_->settings_.send_limit;
  const std::uint64_t limit = given == 0 ? Bus::kMaxUnsent : given;
  return unsent_ > (accepted_ ? std::min(limit, Bus::kMaxUnsentAnswers) : limit);
}

void BusLink::send(Bytes bytes, bool urgent) {
  if (failing_) return;
  const bool is_first = unsent_ == 0;
  owe(unsent_ + bytes->size());
  (urgent ? urgent_ : others_).push_back(std::move(bytes));
  if (!is_first && owes_too_much()) {
    ++bus_->over_limit_;
    urgent_.clear();
    others_.clear();
    owe(0);
    bus_->trouble_later(key_, BusTrouble::kOverLimit);
    return fail_later();
  }
  if (up_ && in_flight_.empty()) write();
}

void BusLink::write() {
  std::vector<asio::const_buffer> buffers;
  std::size_t size = 0;
  while (in_flight_.size() < kPacketsPerWrite && size < kBytesPerWrite) {
    auto& queue = urgent_.empty() ? others_ : urgent_;
    if (queue.empty()) break;
    size += queue.front()->size();
    buffers.push_back(asio::buffer(*queue.front()));
    in_flight_.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  if (in_flight_.empty()) return;
  asio::async_write(socket_, buffers, [self = shared_from_this()](const asio::error_code& error, std::size_t) {
    self->written(error);
  });
}

void BusLink::written(const asio::error_code& error) {
  if (is_dropped()) {
    in_flight_.clear();
    return;
  }
  if (error) return fail();
  std::uint64_t sent = 0;
  for (const auto& bytes : in_flight_) sent += bytes->size();
  owe(unsent_ - std::min(unsent_, sent));
  in_flight_.clear();
  if (!failing_) write();
}

Bus::LinkFigures BusLink::figures() const {
  return {.exists = true,
          .readable = up_,
          .writable = !up_ || !in_flight_.empty(),
          .send_buffer_allocated = unsent_,
          .send_buffer_used = unsent_};
}

std::uint64_t BusLink::memory() const { return sizeof *this + partial_.capacity() + unsent_; }

}  // namespace skein
