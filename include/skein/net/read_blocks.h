// Where receives put their bytes: one after the other into blocks that all connections share.
//
// What a turn's clients send lies close together, however many they are. A block is used again
// from its front, while it is still in the cache, as soon as nobody has unread bytes in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace skein {

struct ReadBlock;

class ReadBlocks {
 public:
  // Room for one receive; and where most of what comes is better received elsewhere.
  static constexpr std::size_t kWindow = 64 * 1024;
  static constexpr std::size_t kSmallWindow = 16 * 1024;
  // With its header it fills a size class of the allocator.
  static constexpr std::size_t kBlock = 128 * 1024 - 2 * sizeof(std::size_t);

  ReadBlocks() = default;
  ReadBlocks(const ReadBlocks&) = delete;
  ReadBlocks& operator=(const ReadBlocks&) = delete;
  ~ReadBlocks();

  // Room for `size` bytes, at most kBlock. It is the caller's until the next call.
  [[nodiscard]] std::span<char> window(std::size_t size);
  // The first `used` bytes of the window last given are kept until they are given back.
  [[nodiscard]] ReadBlock* keep(std::size_t used);
  void give_back(ReadBlock* block);
  // Whether so many blocks are kept by unread bytes that these should move elsewhere.
  [[nodiscard]] bool crowded() const { return outstanding_ > kCrowded; }
  // Of all blocks.
  [[nodiscard]] std::size_t memory() const;

 private:
  static constexpr std::size_t kCrowded = 32;
  // Free ones that are not given back to the allocator.
  static constexpr std::size_t kKept = 4;

  ReadBlock* current_ = nullptr;
  std::size_t window_ = 0;       // where in the current block
  std::size_t outstanding_ = 0;  // blocks that hold unread bytes, beside the current one
  std::vector<ReadBlock*> free_;
};

}  // namespace skein
