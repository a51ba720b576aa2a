// Takes an RDB file in, in pieces of any size as they come from a file or a socket, checks
// every byte of it and, unless it only checks, puts its keys into a keyspace.
//
// Reads versions 1 to 11. Nothing that comes from outside is trusted: lengths, encodings and
// the checksum are checked always, and no allocation is larger than the bytes that came
// justify. What is damaged, or of a type that is not built yet, ends it with an error that
// names the offset, and the type and key where there are any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/result.h>
#include <skein/keyspace/keyspace.h>
#include <skein/persist/rdb_writer.h>

namespace skein {

struct RdbLoadOptions {
  UnixMillis now{};
  // A primary leaves out what has expired already; a replica waits for its primary's DEL.
  bool drop_expired = true;
  bool verify_checksum = true;  // rdbchecksum, for files of our own; data from outside: always
  // How many databases there are, for a dry run; otherwise the keyspace knows. A cluster's node has one.
  int databases = INT32_MAX;
};

class RdbLoader {
 public:
  // With no keyspace it decodes everything and keeps nothing: a dry run. A key that is there
  // already, or twice in the file, is damage; a dry run remembers hashes for that, some 20 bytes a key.
  RdbLoader(Keyspace* into, RdbLoadOptions options);
  ~RdbLoader();
  RdbLoader(const RdbLoader&) = delete;
  RdbLoader& operator=(const RdbLoader&) = delete;

  // Takes all of `bytes`. After an error nothing more may be fed, and the keyspace holds what
  // came before it. Bytes behind the end are an error.
  [[nodiscard]] Result<void> feed(std::string_view bytes);
  // The file is complete and sound. Its checksum has been seen and agrees.
  [[nodiscard]] bool is_complete() const;
  // No more comes: an error unless it is complete.
  [[nodiscard]] Result<void> finish() const;

  // After an error: what came is sound as far as can be seen, and of a kind that is not held here. Not damage.
  [[nodiscard]] bool cannot_hold() const;

  [[nodiscard]] std::uint64_t offset() const;   // bytes taken
  [[nodiscard]] std::uint64_t loaded() const;   // keys kept (or that would be)
  [[nodiscard]] std::uint64_t expired() const;  // keys left out
  [[nodiscard]] const RdbFacts& facts() const;  // good once complete

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace skein
