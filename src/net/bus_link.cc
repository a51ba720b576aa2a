#include <skein/net/bus_link.h>

#include <algorithm>
#include <utility>

#include <asio/post.hpp>

#include <skein/base/clock.h>

#include "bus_connection.h"

namespace skein {

namespace {

constexpr std::size_t kReadBuffer = 64 * 1024;
// Of more names than this the others are not told of.
constexpr std::size_t kMaxUnknownNames = 256;

}  // namespace

Bus::Bus(asio::io_context& loop, BusOwner& owner, BusSettings settings)
    : loop_(loop),
      owner_(owner),
      settings_(std::move(settings)),
      listeners_(
          loop, [this](Accepted accepted) { accept(std::move(accepted)); },
          [this](const std::string& why) { owner_.on_bus_accept_failed(why); }),
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
  strangers_.clear();
  *running_ = false;
}

// Whoever comes now is as likely to be wanted as whoever has said nothing yet: the oldest goes. A member
// that had to go comes again, and is known by the first packet after this node has heard of it.
void Bus::accept(Accepted accepted) {
  end_strangers(settings_.max_strangers - std::min<std::size_t>(settings_.max_strangers, 1));
  if (links_.size() >= settings_.max_links && !strangers_.empty()) end_strangers(strangers_.size() - 1);
  // What is dropped here closes its socket.
  if (links_.size() >= settings_.max_links) return;
  const BusKey key = owner_.on_bus_accepted();
  const auto link = std::make_shared<BusLink>(*this, key, std::move(accepted.socket), true, read_boot_clock());
  links_.emplace(key, link);
  strangers_.insert(key);
  link->begin();
}

void Bus::open(BusKey key, const std::string& host, std::uint16_t port) {
  const auto link = std::make_shared<BusLink>(*this, key, BusSocket(loop_), false, read_boot_clock());
  const bool has_room = links_.size() < settings_.max_links;
  links_.emplace(key, link);
  has_room ? link->connect(host, port) : link->give_up();
}

void Bus::end_strangers(std::size_t beyond) {
  while (strangers_.size() > beyond) {
    const auto link = links_.at(*strangers_.begin());
    link->end_with(BusTrouble::kCrowdedOut);
  }
}

void Bus::tick(MonoTime now) {
  while (!strangers_.empty()) {
    const auto link = links_.at(*strangers_.begin());
    if (now - link->since() <= settings_.strangers_patience) break;
    link->end_with(BusTrouble::kNoMember);
  }
  strangers_packets_ = 0;
  for (const BusKey key : std::exchange(unread_, {})) {
    if (const auto at = links_.find(key); at != links_.end()) at->second->resume();
  }
}

bool Bus::may_read_stranger(BusKey key) {
  if (strangers_packets_ < kStrangersPacketsPerTick) return true;
  unread_.push_back(key);
  return false;
}

void Bus::close(BusKey key) {
  const auto at = links_.find(key);
  if (at == links_.end()) return;
  const auto link = at->second;
  links_.erase(at);
  strangers_.erase(key);
  link->drop();
}

void Bus::vouch(BusKey key) {
  const auto at = links_.find(key);
  if (at == links_.end()) return;
  at->second->vouch();
  strangers_.erase(key);
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
  strangers_.erase(key);
  owner_.on_bus_down(key);
}

void Bus::trouble_later(BusKey key, BusTrouble trouble) {
  asio::post(loop_, [this, running = running_, key, trouble] {
    if (*running) owner_.on_bus_trouble(key, trouble);
  });
}

void Bus::name_was_unknown(const std::string& name, const std::string& why) {
  if (unknown_names_.size() < kMaxUnknownNames && unknown_names_.insert(name).second) {
    owner_.on_bus_name_unknown(name, why);
  }
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
