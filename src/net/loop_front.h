// The wait of an asio loop, with a readiness set of our own in front of asio's.
//
// asio waits in its reactor's epoll set. A set of ours could stand in that one as a descriptor, but then every turn
// would pay for two waits and for arming the inner set again, which with few clients is as much as the request
// itself. So it is the other way round: the loop waits in our set, and the reactor's set stands in ours. The reactor
// is asked for its events when it has some; posted handlers, timers and other threads' posts work as ever, as the
// scheduler goes on calling one task for waiting and this is that task.
//
// Two private members of asio have to be reached for it: the scheduler's pointer to its task, and the
// reactor's descriptor. Both have been there since asio 1.20; should that change, this does not compile.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <sys/epoll.h>

#include <asio/io_context.hpp>

namespace skein {

class LoopFront {
 public:
  // Sockets taken in one turn; the others come in the next.
  static constexpr std::size_t kPerTurn = 256;

  class Owner {
   public:
    // Whether there is a turn to take though nothing in the set is ready.
    [[nodiscard]] virtual bool wants_turn() const = 0;
    // Some of the set are ready, or it was wanted. Behind whatever else was ready in this round of the loop.
    virtual void turn(std::span<const epoll_event> events) = 0;

   protected:
    ~Owner() = default;
  };

  // For the loop's whole life but its end; not while it runs.
  LoopFront(asio::io_context& loop, Owner& owner);
  LoopFront(const LoopFront&) = delete;
  LoopFront& operator=(const LoopFront&) = delete;
  ~LoopFront();

  // The epoll set. Its events' data is a pointer and not null.
  [[nodiscard]] int set() const { return set_; }
  // Takes what is ready and belongs to `pointer` out of the turn to come.
  void forget(const void* pointer);

 private:
  class Wait;
  class Turn;

  void take_turn();

  Owner& owner_;
  int set_;
  Wait* wait_;
  Turn* turn_;
  std::array<epoll_event, kPerTurn + 1> events_;  // with the reactor's
  std::size_t count_ = 0;
};

}  // namespace skein
