#include "outbox.h"

#include <utility>

namespace skein {

namespace {

// Behind a disk that hangs, heartbeats beyond this many are let go: the newest would say
// nothing that those to come do not.
constexpr std::size_t kMaxWaiting = 4096;

bool promises_something(const Effect& effect) {
  return std::holds_alternative<SendPacket>(effect) || std::holds_alternative<ReplicateFrom>(effect) ||
         std::holds_alternative<StopReplicating>(effect) || std::holds_alternative<EmptyDataset>(effect);
}

}  // namespace

void Outbox::mark_barrier() {
  dirty_ = true;
  if (wait_for_saves_) ++last_barrier_;
}

void Outbox::push(Effect effect, MonoTime deadline) {
  if (last_barrier_ <= saved_barrier_ || !promises_something(effect)) return release(std::move(effect));
  if (waiting_.size() >= kMaxWaiting && std::holds_alternative<SendPacket>(effect)) return;
  waiting_.push_back({std::move(effect), last_barrier_, deadline});
}

void Outbox::release(Effect effect) {
  if (const auto* packet = std::get_if<SendPacket>(&effect)) {
    ++counts_.sent[static_cast<std::size_t>(packet->type)];
  }
  ready_.push_back(std::move(effect));
}

void Outbox::begin_save(MonoTime now, const std::function<UnsavedState()>& state) {
  if (!dirty_ || under_way_) return;
  dirty_ = false;
  under_way_ = Save{SaveTicket{++last_ticket_}, last_barrier_, now};
  ready_.push_back(SaveTopology{under_way_->ticket, std::make_shared<const UnsavedState>(state())});
}

bool Outbox::on_saved(SaveTicket ticket, MonoTime now) {
  if (!under_way_ || under_way_->ticket != ticket) return false;
  saved_barrier_ = under_way_->barrier;
  last_save_took_ = now - under_way_->begun;
  under_way_.reset();
  while (!waiting_.empty() && waiting_.front().barrier <= saved_barrier_) {
    auto first = std::move(waiting_.front());
    waiting_.pop_front();
    if (first.deadline == MonoTime{} || now <= first.deadline) release(std::move(first.effect));
  }
  return true;
}

Effects Outbox::take() { return std::exchange(ready_, {}); }

}  // namespace skein
