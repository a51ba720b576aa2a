#include "primary_link_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <skein/base/text.h>
#include <skein/session/watch.h>

namespace skein {

namespace {

constexpr std::size_t kRead = 64 * 1024;
constexpr std::size_t kBuffer = 2 * kRead;
// A buffer that grew for something large is not kept.
constexpr std::size_t kKept = 1024 * 1024;
// The primary may have a larger proto-max-bulk-len than we. Memory is taken as bytes come.
constexpr std::uint64_t kMaxBulk = 4ULL * 1024 * 1024 * 1024;
// A handler that refuses everything must not fill the disk with what it says.
constexpr int kErrorsPerSecond = 10;

}  // namespace

PrimaryStream::PrimaryStream(Parts parts, std::function<void()> closed)
    : parts_(parts), closed_(std::move(closed)), session_(std::make_unique<Session>(0, this)) {
  batch_.reserve(kBatch);
}

PrimaryStream::~PrimaryStream() { forget(); }

void PrimaryStream::begin_session(std::uint64_t id) {
  SKEIN_ASSERT(!running_);
  forget();
  const int db = session_->db;
  session_ = std::make_unique<Session>(id, this);
  session_->db = db;
  session_->user = "(superuser)";
  session_->is_primary_link = true;
}

std::span<char> PrimaryStream::room() {
  std::size_t wanted = kRead;
  // Up to as much again as there is: a length alone takes no memory.
  if (parser_.in_request() && parser_.wanted() > end_ - parsed_) {
    wanted = std::max(wanted, std::min(parser_.wanted() - (end_ - parsed_), end_ - parsed_));
  }
  make_room(wanted);
  return {bytes_.get() + end_, capacity_ - end_};
}

void PrimaryStream::append(std::string_view bytes) {
  make_room(bytes.size());
  std::memcpy(bytes_.get() + end_, bytes.data(), bytes.size());
  commit(bytes.size());
}

void PrimaryStream::make_room(std::size_t bytes) {
  if (logged_ == end_) {
    logged_ = executed_ = parsed_ = end_ = 0;
    if (capacity_ > kKept && bytes <= kBuffer) {
      bytes_.reset();
      capacity_ = 0;
    }
  }
  if (capacity_ - end_ >= bytes) return;
  const std::size_t used = end_ - logged_;
  if (used + bytes > capacity_) {
    const std::size_t larger = std::max({kBuffer, used + bytes, capacity_ + capacity_ / 2});
    auto moved = std::make_unique_for_overwrite<char[]>(larger);
    if (used != 0) std::memcpy(moved.get(), bytes_.get() + logged_, used);
    bytes_ = std::move(moved);
    capacity_ = larger;
  } else {
    std::memmove(bytes_.get(), bytes_.get() + logged_, used);
  }
  executed_ -= logged_;
  parsed_ -= logged_;
  end_ -= logged_;
  logged_ = 0;
}

// Whether it is something a primary sends. What no command is, or cannot be called like
// this, shows that bytes were damaged on the way.
bool PrimaryStream::judge(const Prepared& request) {
  if (request.command == nullptr) {
    damage_ = fmt::format("unknown command {}", quote(request.arguments[0].substr(0, 64)));
    return false;
  }
  if (!request.command->takes(request.arguments.size())) {
    damage_ = fmt::format("wrong number of arguments for '{}'", request.command->name);
    return false;
  }
  // What may not stand in a transaction turns the connection into something else, or ends the node.
  if (request.command->is(flag::kNoMulti)) {
    damage_ = fmt::format("'{}', which no primary sends", request.command->name);
    return false;
  }
  return true;
}

bool PrimaryStream::gather() {
  const RequestLimits limits{.max_bulk = std::max(parts_.settings.proto_max_bulk_len, kMaxBulk)};
  while (batch_.size() < kBatch) {
    const std::string_view input{bytes_.get() + parsed_, end_ - parsed_};
    if (input.empty()) break;
    // Anything else would be taken for a line, and one with a zero byte in it never ends.
    if (!parser_.in_request() && std::string_view{"*\r\n"}.find(input[0]) == std::string_view::npos) {
      damage_ = "bytes that begin no command";
      return false;
    }
    const std::size_t first = arguments_.size();
    const auto status = parser_.parse(input, limits, arguments_);
    if (status == RequestParser::Status::kNeedMore) break;
    if (status == RequestParser::Status::kError) {
      damage_ = parser_.error().substr(parser_.error().find(' ') + 1);
      return false;
    }
    if (status == RequestParser::Status::kRequest) {
      if (parser_.was_inline()) {
        damage_ = "an inline command, which no primary sends";
        return false;
      }
      Item item{.first_argument = first,
                .argument_count = arguments_.size() - first,
                .end = parsed_ + parser_.consumed(),
                .request = {.arguments = {arguments_.data() + first, arguments_.size() - first}}};
      parts_.dispatcher.prepare_original(item.request, session_->db);
      if (!judge(item.request)) return false;
      batch_.push_back(item);
    } else if (input.substr(0, parser_.consumed()).find_first_not_of("\r\n") != std::string_view::npos) {
      // An empty array: passed over it would count in the offset.
      damage_ = "a request without words, which no primary sends";
      return false;
    }
    parsed_ += parser_.consumed();
  }
  has_work_ = batch_.size() == kBatch && parsed_ < end_;
  return true;
}

// Each step's memory is on its way while the step is taken for the requests behind it.
void PrimaryStream::prefetch_batch() const {
  Database& db = parts_.keyspace.db(session_->db);
  if (parts_.facts.served_slots != nullptr) {
    for (const Item& item : batch_) {
      if (item.request.hinted) db.prefetch_bucket({{}, item.request.hash, item.request.slot});
    }
  }
  for (const Item& item : batch_) {
    if (item.request.hinted) db.prefetch_entry({{}, item.request.hash, item.request.slot});
  }
}

void PrimaryStream::run_batch() {
  // The vector of arguments may have moved while it grew.
  for (Item& item : batch_) {
    item.request.arguments = {arguments_.data() + item.first_argument, item.argument_count};
  }
  if (batch_.size() > 1) prefetch_batch();
  parts_.dispatcher.begin_batch();
  Output& output = session_->output();
  for (const Item& item : batch_) {
    const std::uint64_t errors = session_->writer().errors();
    const std::size_t reply_at = output.size();
    session_->last_command = item.request.command;
    parts_.dispatcher.apply(*session_, item.request);
    if (session_->writer().errors() != errors) [[unlikely]] log_error(item.request, reply_at);
    if (abandoned_) break;
    if (session_->transaction == nullptr) executed_ = item.end;
    if (session_->closing) break;
  }
  session_->suspended.reset();
  output.clear();
  batch_.clear();
  arguments_.clear();
}

PrimaryStream::Outcome PrimaryStream::run(microseconds budget) {
  const Ticks until = read_ticks() + static_cast<Ticks>(parts_.facts.ticks_per_micro * static_cast<double>(budget.count()));
  running_ = true;
  session_->last_active = parts_.facts.now.mono;
  Outcome outcome = Outcome::kHungry;
  for (;;) {
    const bool sound = gather();
    if (!batch_.empty()) run_batch();
    if (abandoned_ || session_->closing) {
      outcome = Outcome::kAbandoned;
      break;
    }
    if (session_->transaction == nullptr) executed_ = parsed_;  // empty lines count as well
    note_executed();
    if (!sound) {
      outcome = Outcome::kDamaged;
      break;
    }
    if (!has_work_) break;
    if (parts_.dispatcher.ticks() >= until) {
      outcome = Outcome::kMore;
      break;
    }
  }
  running_ = false;
  if (std::exchange(abandoned_, false)) reset();
  return outcome;
}

void PrimaryStream::note_executed() {
  if (executed_ == logged_) return;
  parts_.log.append({bytes_.get() + logged_, executed_ - logged_});
  logged_ = executed_;
}

void PrimaryStream::log_error(const Prepared& request, std::size_t reply_at) {
  const MonoTime now = parts_.facts.now.mono;
  if (now - errors_since_ > seconds{1}) {
    errors_since_ = now;
    errors_logged_ = 0;
  }
  if (++errors_logged_ > kErrorsPerSecond) return;
  std::string text = session_->output().str().substr(reply_at);
  text = text.substr(text.starts_with('-') ? 1 : 0, text.find('\r'));
  while (text.ends_with('\r')) text.pop_back();
  parts_.logger.warning(
      fmt::format("== CRITICAL == This replica is sending an error to its master: '{}' after processing the command '{}'",
                  text, request.command->name));
}

void PrimaryStream::forget() {
  session_->discard_transaction();
  if (session_->watch_table != nullptr) session_->watch_table->unwatch_all(*session_);
  session_->suspended.reset();
  session_->output().clear();
  session_->closing = false;
}

// The database stays selected: a primary that goes on where we were does not repeat it.
void PrimaryStream::reset() {
  if (running_) {
    abandoned_ = true;
    return;
  }
  forget();
  parser_.start_over();
  batch_.clear();
  arguments_.clear();
  has_work_ = false;
  logged_ = executed_ = parsed_ = end_ = 0;
  bytes_.reset();
  capacity_ = 0;
}

void PrimaryStream::close(bool) {
  session_->closing = true;
  if (!running_) closed_();
}

Peer::InputFigures PrimaryStream::input_figures() const { return {end_ - executed_, capacity_}; }

}  // namespace skein
