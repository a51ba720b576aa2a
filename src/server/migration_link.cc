#include "migration_link.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <asio/post.hpp>

#include <skein/base/clock.h>
#include <skein/base/text.h>

namespace skein {

namespace {

using asio::ip::tcp;

bool is_not_yet(const asio::error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again || error == asio::error::interrupted;
}

}  // namespace

MigrationLink::MigrationLink(asio::io_context& loop, std::string host, std::string port)
    : host_(std::move(host)), port_(std::move(port)), lookup_(loop.get_executor()), socket_(loop) {}

std::uint16_t MigrationLink::port_number() const { return static_cast<std::uint16_t>(parse_uint64(port_).value_or(0)); }

std::optional<tcp::endpoint> MigrationLink::address() const {
  asio::error_code error;
  const auto ip = asio::ip::make_address(host_, error);
  if (error) return std::nullopt;
  return tcp::endpoint(ip, port_number());
}

bool MigrationLink::prepare(const tcp::endpoint& there) {
  asio::error_code error;
  socket_.close(error);
  socket_.open(there.protocol(), error);
  if (error) return false;
  ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
  socket_.non_blocking(true, error);
  asio::error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  if (source_.empty()) return true;
  const auto own = asio::ip::make_address(source_, error);
  if (!error) socket_.bind(tcp::endpoint(own, 0), error);
  return !error;
}

void MigrationLink::connect(User& user, const std::string& source) {
  user_ = &user;
  source_ = source;
  // It would be taken for this host.
  if (host_.empty()) {
    fail_later(Step::kFinding);
    return;
  }
  if (const auto known = address()) {
    addresses_ = {*known};
    try_next();
    return;
  }
  lookup_.start(host_, port_number(), [self = shared_from_this()](NameLookup::Places places, const std::string&) {
    if (places.empty()) {
      self->fail(Step::kFinding);
      return;
    }
    self->addresses_ = std::move(places);
    self->try_next();
  });
}

void MigrationLink::try_next() {
  while (tried_ < addresses_.size()) {
    const tcp::endpoint there = addresses_[tried_++];
    if (!prepare(there)) continue;
    socket_.async_connect(there, [self = shared_from_this()](const asio::error_code& error) {
      if (self->user_ == nullptr) return;
      if (error) {
        self->try_next();
      } else {
        self->up();
      }
    });
    return;
  }
  // Nobody listens: redis finds that out when it writes, and says so.
  fail_later(Step::kWriting);
}

void MigrationLink::up() {
  up_ = true;
  user_->on_link_up();
}

void MigrationLink::fail_later(Step step) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), step] { self->fail(step); });
}

void MigrationLink::fail(Step step) {
  if (User* user = user_; user != nullptr) {
    close();
    user->on_link_failed(step);
  }
}

void MigrationLink::close() {
  user_ = nullptr;
  up_ = false;
  head_ = requests_ = {};
  asio::error_code ignored;
  lookup_.cancel();
  socket_.close(ignored);
}

void MigrationLink::send(std::string_view head, std::string_view requests) {
  head_ = head;
  requests_ = requests;
  if (!write_some()) {
    fail_later(Step::kWriting);
    return;
  }
  if (has_unsent()) write();
  if (!reading_) read();
}

bool MigrationLink::write_some() {
  while (has_unsent()) {
    const std::array<asio::const_buffer, 2> both = {asio::buffer(head_.data(), head_.size()),
                                                    asio::buffer(requests_.data(), requests_.size())};
    asio::error_code error;
    const std::size_t sent = socket_.write_some(both, error);
    if (error) return is_not_yet(error);
    const std::size_t of_head = std::min(sent, head_.size());
    head_.remove_prefix(of_head);
    requests_.remove_prefix(sent - of_head);
  }
  return true;
}

void MigrationLink::write() {
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const asio::error_code& error) {
    if (self->user_ == nullptr || !self->has_unsent()) return;
    if (error || !self->write_some()) {
      self->fail(Step::kWriting);
      return;
    }
    self->user_->on_link_written();
    if (self->user_ != nullptr && self->has_unsent()) self->write();
  });
}

// Goes on while somebody uses the link, and ends with the answer that was the last.
void MigrationLink::read() {
  reading_ = true;
  socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](const asio::error_code& error, std::size_t size) {
    self->reading_ = false;
    if (self->user_ == nullptr) return;
    if (error) {
      self->fail(Step::kReading);
      return;
    }
    self->user_->on_link_read({self->buffer_.data(), size});
    if (self->user_ != nullptr && !self->reading_) self->read();
  });
}

bool MigrationLink::wait_for(short events, MonoTime deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - read_boot_clock());
    if (left.count() <= 0) return false;
    pollfd one{.fd = socket_.native_handle(), .events = events, .revents = 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left.count(), INT32_MAX)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

std::optional<MigrationLink::Step> MigrationLink::connect_now(const std::string& source, MonoTime deadline) {
  source_ = source;
  if (host_.empty()) return Step::kFinding;
  if (const auto known = address()) {
    addresses_ = {*known};
  } else {
    asio::error_code error;
    for (const auto& entry : tcp::resolver(socket_.get_executor()).resolve(host_, port_, error)) addresses_.push_back(entry.endpoint());
    if (error) return Step::kFinding;
  }
  for (const tcp::endpoint& there : addresses_) {
    if (!prepare(there)) continue;
    // asio's own would wait for as long as it takes.
    int failure = ::connect(socket_.native_handle(), there.data(), static_cast<socklen_t>(there.size())) == 0 ? 0 : errno;
    if (failure == EINPROGRESS) {
      if (!wait_for(POLLOUT, deadline)) return Step::kFinding;
      socklen_t size = sizeof failure;
      ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &failure, &size);
    }
    if (failure != 0) continue;
    up_ = true;
    return std::nullopt;
  }
  return Step::kWriting;
}

std::optional<MigrationLink::Step> MigrationLink::send_now(std::string_view head, std::string_view requests,
                                                           MonoTime deadline) {
  head_ = head;
  requests_ = requests;
  for (;;) {
    if (!write_some()) return Step::kWriting;
    if (!has_unsent()) return std::nullopt;
    if (!wait_for(POLLOUT, deadline)) return Step::kWriting;
  }
}

std::string_view MigrationLink::read_now(MonoTime deadline) {
  for (;;) {
    asio::error_code error;
    const std::size_t size = socket_.read_some(asio::buffer(buffer_), error);
    if (!error) return {buffer_.data(), size};
    if (!is_not_yet(error) || !wait_for(POLLIN, deadline)) return {};
  }
}

}  // namespace skein
