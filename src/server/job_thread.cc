#include "job_thread.h"

#include <pthread.h>

#include <csignal>
#include <utility>

#include <asio/post.hpp>

#include <skein/base/memory.h>

namespace skein {

JobThread::JobThread(asio::io_context& loop) : loop_(loop) {
  // A thread starts with its maker's mask: blocked here, signals are delivered there only.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

JobThread::~JobThread() {
  {
    const std::lock_guard hold(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void JobThread::submit(Job work, Job done) {
  {
    const std::lock_guard hold(mutex_);
    tasks_.push_back({std::move(work), std::move(done)});
    ++pending_;
  }
  wake_.notify_one();
}

std::size_t JobThread::pending() const {
  const std::lock_guard hold(mutex_);
  return pending_;
}

void JobThread::run() {
  count_this_thread();
  pthread_setname_np(pthread_self(), "skein-jobs");
  std::unique_lock hold(mutex_);
  for (;;) {
    wake_.wait(hold, [this] { return ending_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      hold.unlock();
      task.work();
      // What the job holds is freed here and not on the node thread.
      task.work = {};
      if (task.done) asio::post(loop_, std::move(task.done));
    }
    hold.lock();
    --pending_;
  }
}

}  // namespace skein
