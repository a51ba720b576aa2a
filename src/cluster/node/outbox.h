// The effects of a member, held back until what they promise is on disk.
//
// A decision that must survive a crash marks a barrier. Effects that show it to the world
// (packets) or cannot be taken back (giving up the data) and come after it wait until a save
// that was begun after it has been reported complete. Links, logs and state changes promise
// nothing and never wait; nor do lost slots, whose keys must be gone before the slot can come
// back. One save is under way at a time; what changes meanwhile goes into the next.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include <skein/base/time.h>
#include <skein/cluster/node/effects.h>
#include <skein/cluster/node/saved_state.h>
#include <skein/cluster/node/views.h>

namespace skein {

class Outbox {
 public:
  // `wait_for_saves` off is a planted bug.
  explicit Outbox(bool wait_for_saves) : wait_for_saves_(wait_for_saves) {}

  // Something worth saving changed; nobody waits for it.
  void want_save() { dirty_ = true; }
  // Something changed that later effects must not show before it is saved.
  void mark_barrier();
  // Whether that is so at the moment.
  [[nodiscard]] bool has_barrier() const { return last_barrier_ > saved_barrier_; }
  // A planted bug: what the last one keeps back need not wait.
  void forget_barrier() { saved_barrier_ = last_barrier_; }

  void push(Effect effect) { push(std::move(effect), MonoTime{}); }
  // Given up when it could not leave by `deadline`.
  void push(Effect effect, MonoTime deadline);
  // What shows nothing that is not saved yet.
  void push_at_once(Effect effect) { release(std::move(effect)); }

  // After each input: begins a save when one is due. `state` is asked only then.
  void begin_save(MonoTime now, const std::function<UnsavedState()>& state);
  // False for a ticket that is none of the save under way.
  bool on_saved(SaveTicket ticket, MonoTime now);

  // So long the last save took that was reported complete.
  [[nodiscard]] nanoseconds last_save_took() const { return last_save_took_; }

  [[nodiscard]] Effects take();
  [[nodiscard]] bool is_waiting() const { return !waiting_.empty(); }
  [[nodiscard]] const MessageCounts& counts() const { return counts_; }
  void count_received(MessageType type) { ++counts_.received[static_cast<std::size_t>(type)]; }

 private:
  struct Waiting {
    Effect effect;
    std::uint64_t barrier = 0;
    MonoTime deadline{};
  };
  void release(Effect effect);

  bool wait_for_saves_;
  bool dirty_ = false;
  std::uint64_t last_barrier_ = 0;
  std::uint64_t saved_barrier_ = 0;
  std::uint64_t last_ticket_ = 0;
  struct Save {
    SaveTicket ticket;
    std::uint64_t barrier = 0;
    MonoTime begun{};
  };
  std::optional<Save> under_way_;
  nanoseconds last_save_took_{0};
  std::deque<Waiting> waiting_;
  Effects ready_;
  MessageCounts counts_;
};

}  // namespace skein
