// The replication stream of this node as bytes, held once: the recent tail (the backlog) and
// what replicas have still to be sent are the same blocks.
//
// As primary the node appends its effects, as replica its primary's bytes unchanged. A
// reader keeps a place; blocks live until no reader and no backlog needs them. Who may read,
// and how far one may lag behind, is decided elsewhere.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/assert.h>
#include <skein/base/ids.h>

namespace skein {

class ReplicationLog {
 public:
  // A place in the stream that keeps everything from there on. Must not outlive the log.
  class Reader {
   public:
    Reader(Reader&& other) noexcept;
    Reader& operator=(Reader&& other) noexcept;
    ~Reader();
    [[nodiscard]] ReplOffset at() const { return at_; }
    // Bytes between its place and the end.
    [[nodiscard]] std::size_t behind() const;
    // Up to `limit` pieces from its place on; they stay where they are until the reader moves on.
    void pieces(std::size_t limit, std::vector<std::string_view>& into) const;
    // That many bytes have been taken.
    void advance(std::size_t bytes);

   private:
    friend class ReplicationLog;
    Reader(ReplicationLog& log, ReplOffset at);
    void leave();
    ReplicationLog* log_ = nullptr;
    ReplOffset at_;
  };

  // `backlog` bytes of the past are kept while the log is open, in whole blocks: at least that many.
  explicit ReplicationLog(std::size_t backlog);
  ~ReplicationLog();
  ReplicationLog(const ReplicationLog&) = delete;
  ReplicationLog& operator=(const ReplicationLog&) = delete;

  // An open log keeps a backlog. Opening one begins it, empty, at the end. A closed one
  // counts what is appended and keeps only what readers need.
  void open();
  void close();
  [[nodiscard]] bool is_open() const { return open_; }
  // The data comes from elsewhere and stands at `at`: an empty backlog. There must be no readers.
  void restart(ReplOffset at);
  void set_backlog(std::size_t bytes);

  [[nodiscard]] ReplOffset end() const { return end_; }
  // The first byte kept for those who come back, as an offset before it; `end` when there is none.
  [[nodiscard]] ReplOffset backlog_start() const;
  [[nodiscard]] std::size_t backlog_length() const { return static_cast<std::size_t>(end_ - backlog_start()); }
  [[nodiscard]] std::size_t backlog_limit() const { return backlog_; }
  // Whether a reader may begin there.
  [[nodiscard]] bool holds(ReplOffset at) const { return open_ && at >= backlog_start() && at <= end_; }
  [[nodiscard]] Reader read_from(ReplOffset at);  // `at` is held, or the end
  [[nodiscard]] std::size_t readers() const { return readers_.size(); }

  void append(std::string_view bytes);
  // Room in the block that is being filled, for whoever can write there at once; null when it has less. What was written
  // there is in the log when it has been told by `grow`.
  [[nodiscard]] char* room(std::size_t bytes) {
    if (blocks_.empty() || kBlock - blocks_.back().size < bytes || (!open_ && readers_.empty())) return nullptr;
    return blocks_.back().bytes.get() + blocks_.back().size;
  }
  void grow(std::size_t bytes) {
    SKEIN_ASSERT(!blocks_.empty() && bytes <= kBlock - blocks_.back().size);
    blocks_.back().size += bytes;
    end_ = end_ + static_cast<std::int64_t>(bytes);
  }

  // Bytes in blocks, what is beyond the backlog for slow readers included.
  [[nodiscard]] std::size_t memory() const;

 private:
  struct Block {
    ReplOffset start;
    std::size_t size = 0;
    std::unique_ptr<char[]> bytes;
  };
  static constexpr std::size_t kBlock = 16 * 1024;

  [[nodiscard]] std::size_t block_of(ReplOffset at) const;
  void trim();

  std::size_t backlog_;
  bool open_ = false;
  ReplOffset end_;
  ReplOffset opened_at_;  // nothing before it is in the backlog
  std::deque<Block> blocks_;
  std::vector<Reader*> readers_;
};

}  // namespace skein
