#include <skein/net/bus_link.h>

#include <utility>

#include <asio/post.hpp>

#include "bus_connection.h"

namespace skein {

namespace {

constexpr std::size_t kReadBuffer = 64 * 1024;

}  // namespace

Bus::Bus(asio::io_context& loop, BusOwner& owner, BusSettings settings)
    : loop_(loop),
      owner_(owner),
      settings_(std::move(settings)),
      listeners_(loop, [this](Accepted accepted) { accept(std::move(accepted)); }),
      read_buffer_(kReadBuffer) {}

Bus::~Bus() { stop(); }

Result<void> Bus::listen(const std::vector<std::string>& addresses, std::uint16_t port) {
  return listeners_.listen_tcp(addresses, port, settings_.backlog);
}

void Bus::set(BusSettings settings) { settings_ = std::move(settings); }

void Bus::stop() {
  listeners_.close();
  for (const auto& [key, link] : links_) link->drop();
  links_.clear();
  *running_ = false;
}

void Bus::accept(Accepted accepted) {
  const BusKey key = owner_.on_bus_accepted();
  const auto link = std::make_shared<BusLink>(*this, key, std::move(accepted.socket));
  links_.emplace(key, link);
  link->begin();
}

void Bus::open(BusKey key, const std::string& ip, std::uint16_t port) {
  const auto link = std::make_shared<BusLink>(*this, key, BusSocket(loop_));
  links_.emplace(key, link);
  link->connect(ip, port);
}

void Bus::close(BusKey key) {
  const auto at = links_.find(key);
  if (at == links_.end()) return;
  const auto link = at->second;
  links_.erase(at);
  link->drop();
}

void Bus::vouch(BusKey key) {
  const auto at = links_.find(key);
  if (at != links_.end()) at->second->vouch();
}

bool Bus::is_vouched_for(BusKey key) const {
  const auto at = links_.find(key);
  return at != links_.end() && at->second->is_vouched_for();
}

void Bus::send(BusKey key, std::shared_ptr<const std::string> bytes, bool urgent) {
  const auto at = links_.find(key);
  if (at != links_.end()) at->second->send(std::move(bytes), urgent);
}

void Bus::lost(BusKey key) {
  links_.erase(key);
  owner_.on_bus_down(key);
}

void Bus::trouble_later(BusKey key, BusTrouble trouble) {
  asio::post(loop_, [this, running = running_, key, trouble] {
    if (*running) owner_.on_bus_trouble(key, trouble);
  });
}

std::uint64_t Bus::unsent_limit() const {
  return settings_.send_limit == 0 ? kMaxUnsent : settings_.send_limit;
}

Bus::LinkFigures Bus::figures(BusKey key) const {
  const auto at = links_.find(key);
  return at == links_.end() ? LinkFigures{} : at->second->figures();
}

std::uint64_t Bus::memory() const {
  std::uint64_t sum = 0;
  for (const auto& [key, link] : links_) sum += link->memory();
  return sum;
}

}  // namespace skein
