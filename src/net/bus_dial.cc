#include "bus_dial.h"

#include <utility>

#include <asio/post.hpp>

#include <skein/base/host_text.h>

namespace skein {

using asio::ip::tcp;

namespace {
// So long the first try of an address may take where there are others: a packet round the world, as RFC 8305 has it.
constexpr std::chrono::milliseconds kHaste{250};
}  // namespace

BusDial::BusDial(asio::any_io_executor executor, Sources sources)
    : executor_(std::move(executor)), sources_(std::move(sources)), socket_(executor_), lookup_(executor_), haste_(executor_) {}

void BusDial::start(const std::string& host, std::uint16_t port, Done done) {
  done_ = std::move(done);
  asio::error_code no_address;
  const auto address = asio::ip::make_address(host, no_address);
  if (!no_address) return start({tcp::endpoint(address, port)}, std::move(done_));
  if (!is_host(host)) return end_later(DialEnd::kNoConnection);
  lookup_.start(host, port, [this](NameLookup::Places places, const std::string& why) {
    if (places.empty()) return end_with(DialEnd::kNameUnknown, why);
    start(std::move(places), std::move(done_));
  });
}

void BusDial::start(std::vector<tcp::endpoint> places, Done done) {
  places_ = std::move(places);
  done_ = std::move(done);
  try_next();
}

bool BusDial::prepare(const tcp::endpoint& there) {
  asio::error_code error;
  socket_.close(error);
  socket_.open(asio::generic::stream_protocol(there.protocol()), error);
  if (error) return false;
  close_on_exec(socket_.native_handle());
  const bool within_machine = sources_.any.empty() && there.address().is_loopback();
  const auto& own = within_machine ? sources_.loopback : sources_.any;
  if (own.empty()) return true;
  const auto source = asio::ip::make_address(own, error);
  if (!error) socket_.bind(tcp::endpoint(source, 0), error);
  return !error;
}

void BusDial::try_next() {
  haste_.cancel();
  const std::size_t hasty = places_.size() > 1 ? places_.size() : 0;
  while (tried_ < hasty + places_.size()) {
    const bool in_haste = tried_ < hasty;
    const tcp::endpoint there = places_[tried_++ % places_.size()];
    if (!prepare(there)) continue;
    socket_.async_connect(there, [self = shared_from_this(), turn = tried_](const asio::error_code& error) {
      if (!self->done_ || self->tried_ != turn) return;
      error ? self->try_next() : self->end_with(DialEnd::kConnected);
    });
    if (!in_haste) return;
    haste_.expires_after(kHaste);
    haste_.async_wait([self = shared_from_this(), turn = tried_](const asio::error_code& cancelled) {
      if (!cancelled && self->done_ && self->tried_ == turn) self->try_next();
    });
    return;
  }
  end_later(DialEnd::kNoConnection);
}

void BusDial::end_later(DialEnd end) {
  asio::post(executor_, [self = shared_from_this(), end] {
    if (self->done_) self->end_with(end);
  });
}

void BusDial::end_with(DialEnd end, const std::string& why) {
  haste_.cancel();
  const Done done = std::exchange(done_, nullptr);
  done(end, std::move(socket_), why);
}

void BusDial::cancel() {
  done_ = nullptr;
  haste_.cancel();
  lookup_.cancel();
  asio::error_code ignored;
  socket_.close(ignored);
}

}  // namespace skein
