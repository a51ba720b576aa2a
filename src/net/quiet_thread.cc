#include "quiet_thread.h"

#include <pthread.h>

#include <csignal>
#include <thread>
#include <utility>

#include <skein/base/memory.h>

namespace skein {

void start_quiet_thread(std::function<void()> work) {
  // A thread starts with its maker's mask.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([work = std::move(work)] {
    count_this_thread();
    work();
  }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace skein
