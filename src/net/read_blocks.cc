#include <skein/net/read_blocks.h>

#include <skein/base/assert.h>
#include <skein/base/memory.h>

namespace skein {

struct ReadBlock {
  std::size_t used = 0;
  std::size_t readers = 0;
  char bytes[ReadBlocks::kBlock];
};

static_assert(sizeof(ReadBlock) == 128 * 1024);

namespace {

ReadBlock* new_block() {
  // Its bytes are left as they are.
  auto* block = static_cast<ReadBlock*>(allocate(sizeof(ReadBlock)));
  block->used = block->readers = 0;
  return block;
}

std::size_t whole_lines(std::size_t size) { return (size + kCacheLine - 1) / kCacheLine * kCacheLine; }

}  // namespace

ReadBlocks::~ReadBlocks() {
  SKEIN_ASSERT(outstanding_ == 0);
  if (current_ != nullptr) release(current_, sizeof(ReadBlock));
  for (ReadBlock* block : free_) release(block, sizeof(ReadBlock));
}

std::span<char> ReadBlocks::window(std::size_t size) {
  SKEIN_ASSERT(size <= kBlock);
  if (current_ == nullptr || kBlock - current_->used < size) {
    // One with readers stays with them.
    if (current_ != nullptr) ++outstanding_;
    if (free_.empty()) {
      current_ = new_block();
    } else {
      current_ = free_.back();
      free_.pop_back();
    }
  }
  window_ = current_->used;
  return {current_->bytes + window_, kBlock - window_};
}

ReadBlock* ReadBlocks::keep(std::size_t used) {
  current_->used = window_ + whole_lines(used);
  if (current_->used > kBlock) current_->used = kBlock;
  ++current_->readers;
  return current_;
}

void ReadBlocks::give_back(ReadBlock* block) {
  if (--block->readers != 0) return;
  block->used = 0;
  if (block == current_) return;
  --outstanding_;
  if (free_.size() < kKept) {
    free_.push_back(block);
  } else {
    release(block, sizeof(ReadBlock));
  }
}

std::size_t ReadBlocks::memory() const {
  return (outstanding_ + free_.size() + (current_ != nullptr ? 1 : 0)) * sizeof(ReadBlock);
}

}  // namespace skein
