#include <skein/replication/history.h>

#include <skein/base/assert.h>

namespace skein {

namespace {

ReplicationId new_id(Random& random) {
  const auto id = ReplicationId::parse(random.hex(ReplicationId::kSize));
  SKEIN_ASSERT(id.has_value());
  return *id;
}

}  // namespace

History History::begin(Random& random) { return {.id = new_id(random), .former = std::nullopt}; }

void History::branch(Random& random, ReplOffset at) { rename(new_id(random), at); }

void History::rename(const ReplicationId& new_name, ReplOffset at) {
  if (new_name == id) return;
  former = Former{id, at};
  id = new_name;
}

bool History::includes(const ReplicationId& other, ReplOffset at) const {
  if (other.is_none()) return false;
  return other == id || (former && other == former->id && at <= former->until);
}

}  // namespace skein
