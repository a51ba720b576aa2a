#include <skein/replication/stream_names.h>

#include <algorithm>

#include <skein/base/text.h>

namespace skein {

void StreamNames::rename(std::string_view original, std::string_view called) {
  if (!called.empty()) names_.emplace_back(original, called);
}

std::string_view StreamNames::of(std::string_view original) const {
  const auto found = std::find_if(names_.begin(), names_.end(),
                                  [&](const auto& name) { return equals_ignore_case(name.first, original); });
  return found == names_.end() ? original : std::string_view(found->second);
}

}  // namespace skein
