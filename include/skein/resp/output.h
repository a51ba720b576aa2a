// Bytes on their way to one client: a chain of blocks, written once and sent by reference.
//
// An empty output holds no memory. Blocks start small and grow, so that a reply to one
// request touches little memory and a long pipeline's replies leave in few pieces. Their
// addresses stay until they have been consumed, so a pending write may refer to them.
//
// An output may have a bound. What passes it ends the output: everything is dropped, and what
// is written afterwards goes nowhere, so that a command runs to its end without holding a reply
// that nobody will be sent. So does a lack of memory: it costs this client its reply, and nobody else.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <skein/base/memory.h>

namespace skein {

class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  Output(Output&& other) noexcept { swap(other); }
  Output& operator=(Output&& other) noexcept {
    Output(std::move(other)).swap(*this);
    return *this;
  }
  ~Output() {
    clear();
    free_scrap();
  }

  void swap(Output& other) noexcept {
    std::swap(head_, other.head_);
    std::swap(tail_, other.tail_);
    std::swap(cursor_, other.cursor_);
    std::swap(end_, other.end_);
    std::swap(sent_, other.sent_);
    std::swap(full_, other.full_);
    std::swap(bound_, other.bound_);
    std::swap(memory_asked_at_, other.memory_asked_at_);
    std::swap(passed_at_, other.passed_at_);
    std::swap(scrap_, other.scrap_);
  }

  // How much may wait here, as from now; 0: any amount. Looked at when a block is full, so that up to
  // a block more may be held.
  void set_bound(std::size_t bytes) { bound_ = bytes; }
  [[nodiscard]] std::size_t bound() const { return bound_; }
  // The bound was passed, or there was no memory: what there was is lost, and the owner of the bytes has to
  // be told otherwise.
  [[nodiscard]] bool has_passed_bound() const { return passed_at_ != 0; }
  // How much was held, or wanted, when it was passed.
  [[nodiscard]] std::size_t passed_at() const { return passed_at_; }

  // Room for `size` bytes in one piece; what was written is told with `commit`.
  char* reserve(std::size_t size) {
    if (static_cast<std::size_t>(end_ - cursor_) < size) [[unlikely]] add_block(size);
    return cursor_;
  }
  void commit(char* new_end) { cursor_ = new_end; }

  void append(std::string_view bytes) {
    // Not even an empty text is copied to an output that has no block yet.
    if (bytes.size() < static_cast<std::size_t>(end_ - cursor_)) [[likely]] {
      std::memcpy(cursor_, bytes.data(), bytes.size());
      cursor_ += bytes.size();
      return;
    }
    append_in_pieces(bytes);
  }
  // Moves another output's bytes behind these, copying them. One that has passed its bound ends this one too.
  void append(const Output& other);

  [[nodiscard]] std::size_t size() const {
    return tail_ == nullptr ? 0 : full_ + static_cast<std::size_t>(cursor_ - tail_->data()) - sent_;
  }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] bool is_one_piece() const { return head_ == tail_; }
  // What its blocks take, full or not.
  [[nodiscard]] std::size_t memory() const;

  // Calls visit(std::string_view) for the pieces not yet consumed, at most `limit` of them.
  template <typename Visit>
  void for_each_piece(std::size_t limit, Visit&& visit) const {
    std::size_t skip = sent_;
    for (const Block* block = head_; block != nullptr && limit > 0; block = block->next, --limit) {
      const std::size_t used = block == tail_ ? static_cast<std::size_t>(cursor_ - block->data()) : block->used;
      if (used > skip) visit(std::string_view{block->data() + skip, used - skip});
      skip = 0;
    }
  }
  // The first `count` bytes have been sent.
  void consume(std::size_t count);
  // Everything, sent or not. An output that has passed its bound stays ended.
  void clear();
  // The bytes as one string, for tests and for outputs that are no connection's.
  [[nodiscard]] std::string str() const;

 private:
  struct Block {
    Block* next;
    std::size_t room;  // bytes behind this header
    std::size_t used;  // set when the block is no longer the tail
    [[nodiscard]] char* data() { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  };

  void add_block(std::size_t at_least);
  void append_in_pieces(std::string_view bytes);
  void free_head();
  void end_at(std::size_t size);
  void open_scrap(std::size_t at_least);
  void free_scrap();

  Block* head_ = nullptr;
  Block* tail_ = nullptr;
  char* cursor_ = nullptr;
  char* end_ = nullptr;
  std::size_t sent_ = 0;  // of the head block
  std::size_t full_ = 0;  // bytes in all blocks but the tail
  std::size_t bound_ = 0;
  std::size_t memory_asked_at_ = 0;  // the size at which there was memory for more
  std::size_t passed_at_ = 0;  // 0: the bound was not passed
  Block* scrap_ = nullptr;     // once it was: where everything is written, one over the other
};

}  // namespace skein
