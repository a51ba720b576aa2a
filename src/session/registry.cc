#include <skein/session/registry.h>

#include <algorithm>

namespace skein {

namespace {
auto position(const std::vector<Session*>& sessions, std::uint64_t id) {
  return std::lower_bound(sessions.begin(), sessions.end(), id,
                          [](const Session* session, std::uint64_t wanted) { return session->id() < wanted; });
}
}  // namespace

void SessionRegistry::add(Session& session) { sessions_.push_back(&session); }

void SessionRegistry::remove(Session& session) {
  const auto at = position(sessions_, session.id());
  if (at != sessions_.end() && *at == &session) sessions_.erase(at);
}

Session* SessionRegistry::find(std::uint64_t id) const {
  const auto at = position(sessions_, id);
  return at != sessions_.end() && (*at)->id() == id ? *at : nullptr;
}

}  // namespace skein
