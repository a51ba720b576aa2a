#include "primary_link_socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <utility>

#include <asio/post.hpp>
#include <asio/write.hpp>
#include <fmt/format.h>

namespace skein {

namespace {

using asio::ip::tcp;

// A primary that is gone without a word is to be noticed even where nobody sends. Three
// probes, a third of the idle time apart.
void keep_alive(tcp::socket& socket, seconds idle) {
  if (idle.count() <= 0) return;
  const auto first = static_cast<int>(std::min<std::int64_t>(idle.count(), 32767));
  asio::error_code ignored;
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.set_option(asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>(first), ignored);
  socket.set_option(asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>(std::max(first / 3, 1)), ignored);
  socket.set_option(asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>(3), ignored);
}

std::string text_of(const tcp::endpoint& endpoint) {
  return fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
}

}  // namespace

void PrimarySocket::connect(const std::string& host, std::uint16_t port, const std::string& source, seconds keepalive) {
  source_ = source;
  keepalive_ = keepalive;
  asio::error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    addresses_ = {tcp::endpoint(address, port)};
    try_next();
    return;
  }
  lookup_.start(host, port, [self = shared_from_this()](NameLookup::Places places, const std::string& why) {
    if (places.empty()) return self->down(why);
    self->addresses_ = std::move(places);
    self->try_next();
  });
}

bool PrimarySocket::prepare(const tcp::endpoint& there, asio::error_code& error) {
  asio::error_code ignored;
  socket_.close(ignored);
  socket_.open(there.protocol(), error);
  if (error) return false;
  ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
  if (source_.empty()) return true;
  const auto own = asio::ip::make_address(source_, error);
  if (!error) socket_.bind(tcp::endpoint(own, 0), error);
  return !error;
}

void PrimarySocket::try_next() {
  while (tried_ < addresses_.size()) {
    const tcp::endpoint there = addresses_[tried_++];
    asio::error_code error;
    if (!prepare(there, error)) {
      last_error_ = error.message();
      continue;
    }
    socket_.async_connect(there, [self = shared_from_this()](const asio::error_code& result) {
      if (self->owner_ == nullptr) return;
      if (!result) {
        self->up();
        return;
      }
      self->last_error_ = result.message();
      self->try_next();
    });
    return;
  }
  down_later(last_error_.empty() ? "no address found" : last_error_);
}

void PrimarySocket::up() {
  asio::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  keep_alive(socket_, keepalive_);
  owner_->on_socket_up();
}

void PrimarySocket::down_later(std::string why) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), why = std::move(why)] { self->down(why); });
}

void PrimarySocket::down(const std::string& why) {
  if (owner_ == nullptr) return;
  Owner& owner = *owner_;
  drop();
  owner.on_socket_down(why);
}

void PrimarySocket::drop() {
  owner_ = nullptr;
  asio::error_code ignored;
  lookup_.cancel();
  socket_.close(ignored);
}

void PrimarySocket::read(std::span<char> into) {
  socket_.async_read_some(asio::buffer(into.data(), into.size()),
                          [self = shared_from_this()](const asio::error_code& error, std::size_t bytes) {
                            if (self->owner_ == nullptr) return;
                            if (bytes > 0) self->owner_->on_socket_read(bytes);
                            if (error) self->down(error == asio::error::eof ? "connection lost" : error.message());
                          });
}

void PrimarySocket::send(std::string bytes) {
  if (owner_ == nullptr) return;
  waiting_ += bytes;
  if (sending_.empty()) write();
}

void PrimarySocket::write() {
  sending_ = std::exchange(waiting_, {});
  asio::async_write(socket_, asio::buffer(sending_), [self = shared_from_this()](const asio::error_code& error, std::size_t) {
    if (self->owner_ == nullptr) return;
    self->sending_.clear();
    if (error) {
      self->down(error.message());
    } else if (!self->waiting_.empty()) {
      self->write();
    }
  });
}

std::string PrimarySocket::remote() const {
  asio::error_code error;
  const auto endpoint = socket_.remote_endpoint(error);
  return error ? std::string() : text_of(endpoint);
}

std::string PrimarySocket::local() const {
  asio::error_code error;
  const auto endpoint = socket_.local_endpoint(error);
  return error ? std::string() : text_of(endpoint);
}

}  // namespace skein
