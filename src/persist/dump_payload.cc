#include <skein/persist/dump_payload.h>

#include <algorithm>

#include <fmt/format.h>

#include <skein/base/checksums.h>

#include "rdb_reader.h"
#include "rdb_refusals.h"
#include "rdb_types.h"

namespace skein {

namespace {

using Version = std::uint16_t;
constexpr std::size_t kFooterSize = sizeof(Version) + rdb::kChecksumSize;

}  // namespace

ValueDumper::ValueDumper(bool compress)
    : out_(std::make_unique<rdb::Encoder>(nullptr, rdb::Encoder::Options{.compress = compress})) {}
ValueDumper::~ValueDumper() = default;

std::string_view ValueDumper::dump(const Entry& entry) {
  out_->start_over();
  out_->byte(rdb::type_of(entry));
  rdb::encode_value(*out_, entry);
  out_->little_endian(Version{rdb::kWrittenVersion});
  out_->little_endian(crc64(0, out_->view()));
  return out_->view();
}

std::string dump_value(const Entry& entry, bool compress) { return std::string(ValueDumper(compress).dump(entry)); }

bool is_dump_payload(std::string_view payload) {
  if (payload.size() < kFooterSize) return false;
  const char* footer = payload.data() + payload.size() - kFooterSize;
  if (rdb::load_le<Version>(footer) > rdb::kNewestVersion) return false;
  const auto stored = rdb::load_le<std::uint64_t>(footer + sizeof(Version));
  return stored == crc64(0, payload.substr(0, payload.size() - rdb::kChecksumSize));
}

std::size_t unpacked_size(std::string_view payload) {
  // Whatever the type, what is packed is a string that follows it at once.
  const rdb::StringHead head = rdb::read_string_head(payload, 1);
  const bool is_packed = head.found == rdb::Found::kWhole && head.coding == rdb::StringHead::Coding::kCompressed;
  return is_packed ? std::max<std::size_t>(head.plain, payload.size()) : payload.size();
}

Result<OwnedEntry> restore_value(std::string_view payload, std::string_view key, std::optional<UnixMillis> expiry) {
  if (payload.size() <= kFooterSize) return Error("the payload holds no value");
  payload.remove_suffix(kFooterSize);
  const auto type_byte = static_cast<std::uint8_t>(payload[0]);
  const rdb::TypeRow* type = rdb::find_type(type_byte);
  if (type == nullptr) return Error(fmt::format("there is no type {}", type_byte));
  if (!type->is_built()) return Error(fmt::format("type {} ({}) is not supported", type->type, type->name));
  rdb::Scratch scratch;
  rdb::Reader reader(payload.substr(1), scratch);
  OwnedEntry entry = type->decode(reader, key, expiry);
  if (entry == nullptr) return Error(rdb::refuse_value(*type, key, reader.problem()));
  if (reader.left() > 0) return Error(rdb::refuse_value(*type, key, "more bytes follow the value"));
  return entry;
}

}  // namespace skein
