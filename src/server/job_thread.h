// One helper thread for what would keep the node thread waiting: fsync, freeing much memory.
//
// Jobs get values, never the node's state, and run one after the other in the order given.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include <asio/io_context.hpp>

namespace skein {

class JobThread {
 public:
  using Job = std::function<void()>;

  // Signals stay with the thread that makes this one.
  explicit JobThread(asio::io_context& loop);
  // Runs what was submitted before it ends.
  ~JobThread();
  JobThread(const JobThread&) = delete;
  JobThread& operator=(const JobThread&) = delete;

  // Runs `work` on the helper thread, then `done`, if there is one, on the event loop.
  void submit(Job work, Job done = {});
  // Not yet finished, the running one included.
  [[nodiscard]] std::size_t pending() const;

 private:
  struct Task {
    Job work;
    Job done;
  };
  void run();

  asio::io_context& loop_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  std::size_t pending_ = 0;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace skein
