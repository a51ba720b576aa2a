// Walks over the keys of a call with many of them, fetching ahead.
//
// The misses of up to sixteen keys (bucket, then entry) overlap instead of following each
// other. No heap: the references live on the stack.
#pragma once

#include <algorithm>
#include <array>

#include <skein/command/call.h>

namespace skein {

// Calls visit(KeyRef, position) for every `step`th argument from `first` on, in order.
template <typename Visit>
void for_each_key(const Call& call, std::size_t first, std::size_t step, Visit&& visit) {
  constexpr std::size_t kBatch = 16;
  const Database& db = call.db();
  if (first + step >= call.size()) {
    visit(call.key(first), first);
    return;
  }
  std::array<KeyRef, kBatch> refs;
  for (std::size_t from = first; from < call.size();) {
    std::size_t count = 0;
    for (std::size_t i = from; i < call.size() && count < kBatch; i += step) {
      refs[count] = call.key(i);
      db.prefetch_head(refs[count++]);
    }
    for (std::size_t i = 0; i < count; ++i) db.prefetch_bucket(refs[i]);
    for (std::size_t i = 0; i < count; ++i) db.prefetch_entry(refs[i]);
    for (std::size_t i = 0; i < count; ++i, from += step) visit(refs[i], from);
  }
}

}  // namespace skein
