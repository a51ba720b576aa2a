#include <skein/session/registry.h>

#include <algorithm>

namespace skein {

namespace {
template <typename Places>
auto position(Places& places, std::uint64_t id) {
  return std::lower_bound(places.begin(), places.end(), id,
                          [](const auto& place, std::uint64_t wanted) { return place.id < wanted; });
}
}  // namespace

void SessionRegistry::add(Session& session) { places_.push_back({session.id(), &session}); }

void SessionRegistry::remove(Session& session) {
  const auto at = position(places_, session.id());
  if (at == places_.end() || at->session != &session) return;
  if (walks_ == 0) {
    places_.erase(at);
  } else {
    at->session = nullptr;
    ++gaps_;
  }
}

void SessionRegistry::close_gaps() const {
  std::erase_if(places_, [](const Place& place) { return place.session == nullptr; });
  gaps_ = 0;
}

Session* SessionRegistry::find(std::uint64_t id) const {
  const auto at = position(places_, id);
  return at != places_.end() && at->id == id ? at->session : nullptr;
}

}  // namespace skein
