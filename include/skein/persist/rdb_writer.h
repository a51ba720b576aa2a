// Writes a data set as an RDB file of version 10, as Redis 7.0 does (the format is described in
// docs/rdb.md).
//
// Knows no files and no processes: it walks a keyspace that nobody changes meanwhile, in
// practice a forked child's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/keyspace/keyspace.h>
#include <skein/persist/byte_sink.h>

namespace skein {

// Whose version a file of ours claims to be of.
inline constexpr std::string_view kRdbWriterVersion = "7.0.15";

// What a file says beside its keys.
struct RdbFacts {
  std::string writer;  // the version of the server that wrote it, when it was read
  UnixMillis created{};
  std::uint64_t used_memory = 0;
  // Of a node with replicas, or of a replica: where its data stands in which history.
  struct Replication {
    ReplicationId id;
    ReplOffset offset;
    int selected_db = 0;  // that the stream goes on in
  };
  std::optional<Replication> replication;
  std::vector<std::string> functions;  // libraries' code, kept as it came
  bool aof_base = false;
};

struct RdbWriteOptions {
  // What is told of each key's use, for the eviction policy of whoever loads it: as redis does, idle
  // times where maxmemory-policy goes by them (an LRU policy), frequencies with an LFU policy.
  enum class Use : std::uint8_t { kNone, kIdle, kFrequency };
  Use use = Use::kNone;
  bool compress = true;   // rdbcompression
  bool checksum = true;   // rdbchecksum; without it the sum is written as 0
  bool with_keys = true;  // rdb-filter-only may leave out either
  bool with_functions = true;
  // Called after every thousand keys or so with how many are written; for a child's progress report.
  std::function<void(std::uint64_t keys)> progress;
};

// The first error of the sink ends it.
[[nodiscard]] Result<void> write_rdb(const Keyspace& keyspace, const RdbFacts& facts, const RdbWriteOptions& options,
                                     ByteSink& sink);

}  // namespace skein
