// A payload of RESTORE: one value with version and checksum.
#include <skein/base/checksums.h>
#include <skein/persist/dump_payload.h>

#include <cstring>

#include "targets.h"

namespace skein::fuzz {

namespace {

constexpr std::size_t kChecksumSize = 8;

void check_value(std::string_view payload) {
  const auto entry = restore_value(payload, "key", UnixMillis{1});
  if (!entry) {
    expect(!entry.error().message().empty(), "a refusal says why");
    return;
  }
  expect((*entry)->key() == "key" && (*entry)->expiry() == UnixMillis{1}, "key and expiry are as asked for");
  Entry::Scratch scratch;
  const std::string_view value = (*entry)->bytes(scratch);
  for (const bool compress : {true, false}) {
    const std::string dumped = dump_value(**entry, compress);
    expect(is_dump_payload(dumped), "what is dumped is a payload");
    const auto again = restore_value(dumped, "other", std::nullopt);
    expect(static_cast<bool>(again), "that is taken back");
    Entry::Scratch room;
    expect((*again)->bytes(room) == value && (*again)->encoding() == (*entry)->encoding(), "and is the same");
  }
}

}  // namespace

void fuzz_restore(Input input) {
  const ExactBytes payload(text_of(input));
  if (is_dump_payload(payload.view())) check_value(payload.view());
  // Nearly all damage ends at the checksum: with the right one the value is looked at by itself.
  if (input.size() <= kChecksumSize) return;
  std::string summed(payload.view());
  const std::size_t end = summed.size() - kChecksumSize;
  const std::uint64_t sum = crc64(0, {summed.data(), end});
  std::memcpy(summed.data() + end, &sum, sizeof sum);
  if (is_dump_payload(summed)) check_value(summed);
}

}  // namespace skein::fuzz
