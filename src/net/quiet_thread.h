// A thread that nobody waits for: for calls that cannot be broken off. No signal is delivered there, and what it
// allocates is counted.
#pragma once

#include <functional>

namespace skein {

// What `work` refers to has to live as long as the process, or be its own.
void start_quiet_thread(std::function<void()> work);

}  // namespace skein
