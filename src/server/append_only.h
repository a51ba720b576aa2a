// The append-only file, as long as there is none: who has one of redis's must not start empty beside it.
#pragma once

#include <skein/base/result.h>
#include <skein/config/settings.h>

namespace skein {

// Refuses when the configuration says that the data is in an append-only file, and one is there. The working directory
// must be `dir`.
[[nodiscard]] Result<void> check_no_append_only_file(const Settings& settings);

}  // namespace skein
