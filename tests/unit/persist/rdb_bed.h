// What the tests of RDB files share: files put together by hand, and files as text.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <skein/base/checksums.h>
#include <skein/keyspace/keyspace.h>
#include <skein/persist/rdb_loader.h>
#include <skein/persist/rdb_writer.h>

namespace skein {

class StringSink : public ByteSink {
 public:
  std::string bytes;
  std::size_t largest = 0;
  std::optional<std::size_t> fails_at;  // after so many bytes

  Result<void> write(std::string_view piece) override {
    if (fails_at && bytes.size() + piece.size() > *fails_at) return Error("No space left on device");
    largest = std::max(largest, piece.size());
    bytes += piece;
    return {};
  }
};

inline constexpr UnixMillis kNow{1'700'000'000'000};

inline std::string little_endian(std::uint64_t value, std::size_t bytes) {
  return {reinterpret_cast<const char*>(&value), bytes};
}

// A string as it is, with a length of one byte.
inline std::string plain(std::string_view text) { return static_cast<char>(text.size()) + std::string(text); }
inline std::string key_record(std::string_view key, std::string_view value) {
  return std::string(1, '\0') + plain(key) + plain(value);
}
inline std::string aux(std::string_view name, std::string_view value) { return "\xfa" + plain(name) + plain(value); }

// With the end and the right checksum behind it.
inline std::string rdb_file(std::string_view records, std::string_view header = "REDIS0010") {
  std::string file = std::string(header) + std::string(records) + "\xff";
  return file + little_endian(crc64(0, file), 8);
}

// "db key" to "value expiry", where the expiry is -1 when there is none.
using Content = std::map<std::string, std::string>;

inline Content content_of(const Keyspace& keyspace) {
  Content content;
  for (int i = 0; i < keyspace.count(); ++i) {
    keyspace.db(i).for_each([&](const Entry& entry) {
      Entry::Scratch scratch;
      content[std::to_string(i) + " " + std::string(entry.key())] =
          std::string(entry.bytes(scratch)) + " " +
          std::to_string(entry.has_expiry() ? entry.expiry().value : std::int64_t{-1});
    });
  }
  return content;
}

struct Loaded {
  std::string error;  // empty: complete and sound
  Content content;
  RdbFacts facts;
  std::uint64_t loaded = 0;
  std::uint64_t expired = 0;
};

struct LoadHow {
  std::size_t piece = SIZE_MAX;
  RdbLoadOptions options{.now = kNow};
  bool dry = false;
  bool cluster = false;
  int databases = 16;
};

inline Loaded load_rdb(std::string_view file, const LoadHow& how = {}) {
  Keyspace keyspace{how.databases, how.cluster, 5};
  keyspace.context().now = kNow;
  RdbLoader loader(how.dry ? nullptr : &keyspace, how.options);
  Loaded loaded;
  Result<void> fed;
  while (!file.empty() && fed) {
    // With nothing behind it, so that a sanitizer sees a byte too many.
    const std::string piece(file.substr(0, how.piece));
    fed = loader.feed(piece);
    file.remove_prefix(piece.size());
  }
  const auto finished = loader.finish();
  EXPECT_EQ(loader.is_complete(), static_cast<bool>(finished));
  if (!finished) loaded.error = finished.error().message();
  if (!fed) {
    EXPECT_EQ(loaded.error, fed.error().message());
  }
  loaded.content = content_of(keyspace);
  loaded.facts = loader.facts();
  loaded.loaded = loader.loaded();
  loaded.expired = loader.expired();
  return loaded;
}

inline std::string write_all(const Keyspace& keyspace, const RdbWriteOptions& options = {}, const RdbFacts& facts = {}) {
  StringSink sink;
  const auto written = write_rdb(keyspace, facts, options, sink);
  EXPECT_TRUE(written);
  return sink.bytes;
}

}  // namespace skein
