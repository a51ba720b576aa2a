// DUMP's payload: one value as in an RDB file, the format's version and a checksum. What
// MIGRATE sends and RESTORE takes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <skein/base/result.h>
#include <skein/keyspace/entry.h>

namespace skein {

namespace rdb {
class Encoder;
}

[[nodiscard]] std::string dump_value(const Entry& entry, bool compress = true);

// The same for many values, one after the other.
class ValueDumper {
 public:
  explicit ValueDumper(bool compress);
  ~ValueDumper();
  ValueDumper(const ValueDumper&) = delete;
  ValueDumper& operator=(const ValueDumper&) = delete;
  // Good until the next one.
  [[nodiscard]] std::string_view dump(const Entry& entry);

 private:
  std::unique_ptr<rdb::Encoder> out_;
};

// Version and checksum agree with the bytes; nothing is said of the value inside.
[[nodiscard]] bool is_dump_payload(std::string_view payload);

// How large the value is once it is unpacked, or the payload where that says no more. Of bytes that passed
// is_dump_payload; the value itself may still be damaged.
[[nodiscard]] std::size_t unpacked_size(std::string_view payload);

// The value of a payload that passed is_dump_payload, as an entry for the caller to put into a
// database; its access clock is not set. An error when the value is damaged, has more behind it, or
// is of a type that is not built yet. Everything is checked, whoever sent it.
[[nodiscard]] Result<OwnedEntry> restore_value(std::string_view payload, std::string_view key,
                                               std::optional<UnixMillis> expiry);

}  // namespace skein
