// All sessions of a node, oldest first: CLIENT LIST, KILL and PAUSE work on it.
#pragma once

#include <span>
#include <vector>

#include <skein/session/session.h>

namespace skein {

class SessionRegistry {
 public:
  [[nodiscard]] std::uint64_t next_id() { return ++last_id_; }
  void add(Session& session);
  void remove(Session& session);
  [[nodiscard]] Session* find(std::uint64_t id) const;
  // Oldest first. Sessions are never removed while somebody walks here: closing is deferred by the connection.
  [[nodiscard]] std::span<Session* const> all() const { return sessions_; }
  [[nodiscard]] std::size_t size() const { return sessions_.size(); }

 private:
  std::uint64_t last_id_ = 0;
  std::vector<Session*> sessions_;  // by id, which only grows
};

}  // namespace skein
