// SKEIN_ASSERT: our own bugs, and nothing else.
//
// On in release builds. Never on input that came from outside: that is an error reply or
// a Result.
#pragma once

namespace skein {

// Writes file, line and condition to standard error and aborts.
[[noreturn]] void assert_failed(const char* condition, const char* file, int line);

}  // namespace skein

#define SKEIN_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::skein::assert_failed(#condition, __FILE__, __LINE__))
