#include <skein/net/name_lookup.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include <asio/execution/outstanding_work.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>

#include "quiet_thread.h"

namespace skein {

using asio::ip::tcp;

// What the thread has of a lookup. Whoever asked goes without notice, and his loop with him.
struct NameLookup::Job {
  std::string host;
  std::uint16_t port = 0;
  std::mutex mutex;
  NameLookup* asked_by = nullptr;  // null: cancelled. Read by the loop's thread without the mutex, as only that one writes
};

class NameLookup::Worker {
 public:
  static void add(std::shared_ptr<Job> job) {
    static auto* const worker = new Worker;  // as long as the process: its thread is never joined
    {
      const std::lock_guard hold(worker->mutex_);
      worker->jobs_.push_back(std::move(job));
    }
    worker->wake_.notify_one();
  }

 private:
  Worker() {
    start_quiet_thread([this] { run(); });
  }

  [[noreturn]] void run() {
    for (;;) {
      std::unique_lock hold(mutex_);
      wake_.wait(hold, [this] { return !jobs_.empty(); });
      const std::shared_ptr<Job> job = std::move(jobs_.front());
      jobs_.pop_front();
      hold.unlock();
      look_up(job);
    }
  }

  static bool is_wanted(Job& job) {
    const std::lock_guard hold(job.mutex);
    return job.asked_by != nullptr;
  }

  void look_up(const std::shared_ptr<Job>& job) {
    if (!is_wanted(*job)) return;
    asio::error_code error;
    Places places;
    for (const auto& entry : tcp::resolver(own_loop_).resolve(job->host, std::to_string(job->port), error)) {
      places.push_back(entry.endpoint());
    }
    // While it has not been cancelled its loop is there.
    const std::lock_guard hold(job->mutex);
    if (job->asked_by == nullptr) return;
    asio::post(job->asked_by->executor_, [job, places = std::move(places), why = error ? error.message() : std::string()]() mutable {
      if (job->asked_by != nullptr) job->asked_by->finish(std::move(places), why);
    });
  }

  asio::io_context own_loop_;  // never run: the resolver wants one
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> jobs_;
};

NameLookup::NameLookup(asio::any_io_executor executor) : executor_(std::move(executor)) {}

void NameLookup::start(const std::string& host, std::uint16_t port, Done done) {
  cancel();
  done_ = std::move(done);
  work_ = asio::prefer(executor_, asio::execution::outstanding_work.tracked);
  job_ = std::make_shared<Job>();
  job_->host = host;
  job_->port = port;
  job_->asked_by = this;
  Worker::add(job_);
}

void NameLookup::cancel() {
  if (job_ == nullptr) return;
  {
    const std::lock_guard hold(job_->mutex);
    job_->asked_by = nullptr;
  }
  job_.reset();
  work_ = {};
  done_ = nullptr;
}

void NameLookup::finish(Places places, const std::string& why) {
  const Done done = std::exchange(done_, nullptr);
  cancel();
  done(std::move(places), why);
}

}  // namespace skein
