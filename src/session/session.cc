#include <skein/session/session.h>

#include <skein/session/watch.h>

namespace skein {

void Session::begin_transaction() {
  transaction = std::make_unique<Transaction>();
  shut(gate::kMulti, true);
}

void Session::end_transaction() {
  transaction.reset();
  shut(gate::kMulti, false);
}

void Session::discard_transaction() {
  end_transaction();
  if (watch_table != nullptr) watch_table->unwatch_all(*this);
}

void Session::begin_asking() {
  asking = true;
  asked_again = true;
  shut(gate::kOneShot, true);
}

void Session::end_asking() {
  if (asked_again || transaction != nullptr) return;
  asking = false;
  shut(gate::kOneShot, false);
}

void Session::suspend(SuspendReason reason, const Command& command, std::span<const std::string_view> arguments) {
  suspended = std::make_unique<SuspendedCall>();
  suspended->reason = reason;
  suspended->call.command = &command;
  suspended->call.arguments.assign(arguments.begin(), arguments.end());
}

void Session::set_reply_mode(ReplyMode mode) {
  reply_mode = mode;
  shut(gate::kReplyMode, mode != ReplyMode::kOn);
  writer_.set_muted(mode == ReplyMode::kOff || mode == ReplyMode::kSkipping);
}

void Session::begin_reply() {
  if (reply_mode == ReplyMode::kSkipNext) set_reply_mode(ReplyMode::kSkipping);
}

void Session::end_reply() {
  if (reply_mode == ReplyMode::kSkipping) set_reply_mode(ReplyMode::kOn);
}

}  // namespace skein
