#include <skein/replication/log.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <skein/base/assert.h>

namespace skein {

ReplicationLog::Reader::Reader(ReplicationLog& log, ReplOffset at) : log_(&log), at_(at) {
  log.readers_.push_back(this);
}

ReplicationLog::Reader::Reader(Reader&& other) noexcept : log_(std::exchange(other.log_, nullptr)), at_(other.at_) {
  if (log_ != nullptr) std::replace(log_->readers_.begin(), log_->readers_.end(), &other, this);
}

ReplicationLog::Reader& ReplicationLog::Reader::operator=(Reader&& other) noexcept {
  if (this == &other) return *this;
  leave();
  log_ = std::exchange(other.log_, nullptr);
  at_ = other.at_;
  if (log_ != nullptr) std::replace(log_->readers_.begin(), log_->readers_.end(), &other, this);
  return *this;
}

ReplicationLog::Reader::~Reader() { leave(); }

void ReplicationLog::Reader::leave() {
  if (log_ == nullptr) return;
  std::erase(log_->readers_, this);
  log_->trim();
  log_ = nullptr;
}

std::size_t ReplicationLog::Reader::behind() const { return static_cast<std::size_t>(log_->end_ - at_); }

void ReplicationLog::Reader::pieces(std::size_t limit, std::vector<std::string_view>& into) const {
  into.clear();
  if (behind() == 0) return;
  for (std::size_t i = log_->block_of(at_); i < log_->blocks_.size() && into.size() < limit; ++i) {
    const Block& block = log_->blocks_[i];
    const auto skip = static_cast<std::size_t>(std::max<std::int64_t>(at_ - block.start, 0));
    into.emplace_back(block.bytes.get() + skip, block.size - skip);
  }
}

void ReplicationLog::Reader::advance(std::size_t bytes) {
  SKEIN_ASSERT(bytes <= behind());
  const bool was_in_first = log_->blocks_.size() > 1 && at_ < log_->blocks_[1].start;
  at_ = at_ + static_cast<std::int64_t>(bytes);
  if (was_in_first) log_->trim();
}

ReplicationLog::ReplicationLog(std::size_t backlog) : backlog_(backlog) {}

ReplicationLog::~ReplicationLog() { SKEIN_ASSERT(readers_.empty()); }

void ReplicationLog::open() {
  if (open_) return;
  open_ = true;
  opened_at_ = end_;
}

void ReplicationLog::close() {
  open_ = false;
  trim();
}

void ReplicationLog::restart(ReplOffset at) {
  SKEIN_ASSERT(readers_.empty());
  blocks_.clear();
  end_ = opened_at_ = at;
}

void ReplicationLog::set_backlog(std::size_t bytes) {
  backlog_ = bytes;
  trim();
}

ReplOffset ReplicationLog::backlog_start() const {
  if (!open_ || blocks_.empty()) return end_;
  return std::max(blocks_.front().start, opened_at_);
}

ReplicationLog::Reader ReplicationLog::read_from(ReplOffset at) {
  SKEIN_ASSERT(at == end_ || holds(at));
  return Reader(*this, at);
}

void ReplicationLog::append(std::string_view bytes) {
  if (!open_ && readers_.empty()) {
    blocks_.clear();  // a gap follows
    end_ = end_ + static_cast<std::int64_t>(bytes.size());
    return;
  }
  while (!bytes.empty()) {
    if (blocks_.empty() || blocks_.back().size == kBlock) {
      blocks_.push_back({.start = end_, .size = 0, .bytes = std::make_unique_for_overwrite<char[]>(kBlock)});
      trim();
    }
    Block& last = blocks_.back();
    const std::size_t part = std::min(bytes.size(), kBlock - last.size);
    std::memcpy(last.bytes.get() + last.size, bytes.data(), part);
    last.size += part;
    end_ = end_ + static_cast<std::int64_t>(part);
    bytes.remove_prefix(part);
  }
}

std::size_t ReplicationLog::memory() const { return blocks_.size() * (kBlock + sizeof(Block)); }

// All blocks but the last are full, so the place follows from the distance.
std::size_t ReplicationLog::block_of(ReplOffset at) const {
  const ReplOffset first = blocks_.front().start;
  return at <= first ? 0 : static_cast<std::size_t>(at - first) / kBlock;
}

void ReplicationLog::trim() {
  ReplOffset needed = end_;
  for (const Reader* reader : readers_) needed = std::min(needed, reader->at_);
  if (open_) needed = std::min(needed, end_ + -static_cast<std::int64_t>(backlog_));
  while (!blocks_.empty() && blocks_.front().size == kBlock && blocks_.front().start + kBlock <= needed) {
    blocks_.pop_front();
  }
}

}  // namespace skein
