#include <skein/resp/output.h>

#include <algorithm>

namespace skein {

namespace {
// With its header a block fills a size class of the allocator.
constexpr std::size_t kFirstBlock = 1024;
constexpr std::size_t kLargestBlock = 16 * 1024;
// Whether there is memory for more is asked once for so much.
constexpr std::size_t kProbed = 1024 * 1024;
}  // namespace

void Output::add_block(std::size_t at_least) {
  if (passed_at_ != 0) [[unlikely]] {
    open_scrap(at_least);
    return;
  }
  const std::size_t wanted = this->size() + at_least;
  const bool has_grown = wanted >= memory_asked_at_ + kProbed;
  if (has_grown) [[unlikely]] memory_asked_at_ = wanted;
  if ((bound_ != 0 && wanted > bound_) || (has_grown && !can_allocate(kProbed))) [[unlikely]] {
    end_at(wanted);
    open_scrap(at_least);
    return;
  }
  std::size_t size = kFirstBlock;
  if (tail_ != nullptr) {
    tail_->used = static_cast<std::size_t>(cursor_ - tail_->data());
    full_ += tail_->used;
    size = std::min((tail_->room + sizeof(Block)) * 4, kLargestBlock);
  }
  size = std::max(size, at_least + sizeof(Block));
  size = allocation_size(size);
  auto* block = static_cast<Block*>(allocate(size));
  block->next = nullptr;
  block->room = size - sizeof(Block);
  block->used = 0;
  (tail_ == nullptr ? head_ : tail_->next) = block;
  tail_ = block;
  cursor_ = block->data();
  end_ = cursor_ + block->room;
}

void Output::end_at(std::size_t size) {
  clear();
  passed_at_ = size;
}

void Output::open_scrap(std::size_t at_least) {
  if (scrap_ == nullptr || scrap_->room < at_least) {
    free_scrap();
    const std::size_t size = allocation_size(std::max(at_least + sizeof(Block), kFirstBlock));
    scrap_ = static_cast<Block*>(allocate(size));
    scrap_->room = size - sizeof(Block);
  }
  cursor_ = scrap_->data();
  end_ = cursor_ + scrap_->room;
}

void Output::free_scrap() {
  if (scrap_ == nullptr) return;
  release(scrap_, scrap_->room + sizeof(Block));
  scrap_ = nullptr;
  cursor_ = end_ = nullptr;
}

void Output::append_in_pieces(std::string_view bytes) {
  // A text that is larger than the bound alone is not begun.
  if (bound_ != 0 && passed_at_ == 0 && size() + bytes.size() > bound_) end_at(size() + bytes.size());
  while (!bytes.empty() && passed_at_ == 0) {
    if (cursor_ == end_) add_block(std::min(bytes.size(), kProbed));
    const std::size_t piece = std::min(bytes.size(), static_cast<std::size_t>(end_ - cursor_));
    std::memcpy(cursor_, bytes.data(), piece);
    cursor_ += piece;
    bytes.remove_prefix(piece);
  }
}

void Output::append(const Output& other) {
  if (other.has_passed_bound()) {
    end_at(other.passed_at_);
    return;
  }
  other.for_each_piece(SIZE_MAX, [this](std::string_view piece) { append(piece); });
}

std::size_t Output::memory() const {
  std::size_t sum = 0;
  for (const Block* block = head_; block != nullptr; block = block->next) sum += block->room + sizeof(Block);
  return scrap_ == nullptr ? sum : sum + scrap_->room + sizeof(Block);
}

void Output::free_head() {
  Block* gone = head_;
  head_ = gone->next;
  release(gone, gone->room + sizeof(Block));
}

void Output::consume(std::size_t count) {
  sent_ += count;
  while (head_ != tail_ && sent_ >= head_->used) {
    sent_ -= head_->used;
    full_ -= head_->used;
    free_head();
  }
  if (head_ != nullptr && head_ == tail_ && sent_ == static_cast<std::size_t>(cursor_ - head_->data())) clear();
}

void Output::clear() {
  while (head_ != nullptr) free_head();
  tail_ = nullptr;
  cursor_ = end_ = nullptr;
  sent_ = full_ = memory_asked_at_ = 0;
}

std::string Output::str() const {
  std::string text;
  for_each_piece(SIZE_MAX, [&](std::string_view piece) { text += piece; });
  return text;
}

}  // namespace skein
