#include "loop_front.h"

#include <algorithm>
#include <unistd.h>
#include <utility>

#include <asio/detail/reactor.hpp>
#include <asio/detail/scheduler.hpp>
#include <asio/detail/scheduler_operation.hpp>
#include <asio/detail/scheduler_task.hpp>

#include <skein/base/assert.h>

namespace skein {

namespace {

using asio::detail::scheduler;
using asio::detail::scheduler_operation;
using asio::detail::scheduler_task;
using Reactor = asio::detail::reactor;

// An explicit instantiation may name private members: the one way the language has to reach them.
template <typename Which, typename Which::Member kMember>
struct Reach {
  friend typename Which::Member member(Which) { return kMember; }
};
struct SchedulersTask {
  using Member = scheduler_task* scheduler::*;
  friend Member member(SchedulersTask);
};
struct ReactorsDescriptor {
  using Member = int Reactor::*;
  friend Member member(ReactorsDescriptor);
};
template struct Reach<SchedulersTask, &scheduler::task_>;
template struct Reach<ReactorsDescriptor, &Reactor::epoll_fd_>;

}  // namespace

// Lies in the loop's queue as asio's own operations do.
class LoopFront::Turn final : public scheduler_operation {
 public:
  explicit Turn(LoopFront& front) : scheduler_operation(&Turn::run), front_(&front) {}

  bool queued = false;
  // The loop may still hold it, and lets it go with what else it has not run.
  void abandon() {
    front_ = nullptr;
    if (!queued) delete this;
  }

 private:
  static void run(void* owner, scheduler_operation* base, const asio::error_code&, std::size_t) {
    auto* const self = static_cast<Turn*>(base);
    self->queued = false;
    if (self->front_ == nullptr) {
      delete self;
    } else if (owner != nullptr) {
      // The scheduler takes a unit of work off for each operation; this one is no work that it has to wait for.
      static_cast<scheduler*>(owner)->compensating_work_started();
      self->front_->take_turn();
    }
  }

  LoopFront* front_;
};

class LoopFront::Wait final : public scheduler_task {
 public:
  Wait(asio::io_context& loop, LoopFront& front)
      : scheduler_(asio::use_service<scheduler>(loop)), reactor_(asio::use_service<Reactor>(loop)), front_(front) {
    reactor_.init_task();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    const int added = ::epoll_ctl(front_.set_, EPOLL_CTL_ADD, reactor_.*member(ReactorsDescriptor{}), &event);
    SKEIN_ASSERT(added == 0);
    scheduler_.*member(SchedulersTask{}) = this;
  }
  // After the loop has been shut down there is no task any more.
  ~Wait() {
    if (scheduler_.*member(SchedulersTask{}) == this) scheduler_.*member(SchedulersTask{}) = &reactor_;
  }

  void run(long usec, asio::detail::op_queue<scheduler_operation>& operations) override {
    int timeout = usec == 0 || front_.owner_.wants_turn() ? 0 : -1;
    if (timeout != 0 && usec > 0) timeout = static_cast<int>((usec - 1) / 1000 + 1);
    auto& events = front_.events_;
    const int count = ::epoll_wait(front_.set_, events.data(), static_cast<int>(events.size()), timeout);
    auto* end = events.data() + std::max(count, 0);
    auto* const reactors = std::find_if(events.data(), end, [](const epoll_event& event) { return event.data.ptr == nullptr; });
    if (reactors != end) {
      *reactors = *--end;
      reactor_.run(0, operations);
    }
    front_.count_ = static_cast<std::size_t>(end - events.data());
    if (front_.count_ == 0 && !front_.owner_.wants_turn()) return;
    front_.turn_->queued = true;
    operations.push(front_.turn_);
  }

  // Makes the reactor's set readable, and so ours.
  void interrupt() override { reactor_.interrupt(); }

 private:
  scheduler& scheduler_;
  Reactor& reactor_;
  LoopFront& front_;
};

LoopFront::LoopFront(asio::io_context& loop, Owner& owner)
    : owner_(owner), set_(::epoll_create1(EPOLL_CLOEXEC)), turn_(new Turn(*this)) {
  SKEIN_ASSERT(set_ >= 0);
  wait_ = new Wait(loop, *this);
}

LoopFront::~LoopFront() {
  delete wait_;
  turn_->abandon();
  ::close(set_);
}

void LoopFront::take_turn() { owner_.turn({events_.data(), std::exchange(count_, 0)}); }

void LoopFront::forget(const void* pointer) {
  for (std::size_t i = 0; i < count_; ++i) {
    if (events_[i].data.ptr == pointer) events_[i--] = events_[--count_];
  }
}

}  // namespace skein
