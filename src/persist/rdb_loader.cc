// The loader's place in the file and what each record does there. Where records end is
// rdb_framer.h's business, what values look like rdb_types.h's.
#include <skein/persist/rdb_loader.h>

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include <skein/base/checksums.h>
#include <skein/base/text.h>

#include "rdb_batch.h"
#include "rdb_framer.h"
#include "rdb_refusals.h"
#include "seen_keys.h"

namespace skein {

namespace {

using rdb::Framer;
using rdb::Reader;
namespace opcode = rdb::opcode;

constexpr std::size_t kLongestVersion = 32;
// What came is parsed and summed up in slices that stay in the processor's cache between the two.
constexpr std::size_t kSlice = 64UL * 1024;
// A buffer that held one large record is not kept for small ones.
constexpr std::size_t kKeptBuffer = 1024UL * 1024;

}  // namespace

class RdbLoader::State {
 public:
  State(Keyspace* into, RdbLoadOptions options) : keyspace_(into), options_(options) {
    if (into != nullptr) {
      batch_.emplace(*into);
    } else {
      seen_.emplace(static_cast<std::uint64_t>(options.now.value));
    }
  }

  Result<void> feed(std::string_view bytes) {
    if (failure_) return *failure_;
    while (!bytes.empty() && !failure_) {
      feed_slice(bytes.substr(0, kSlice));
      bytes.remove_prefix(std::min(kSlice, bytes.size()));
    }
    if (!failure_) return {};
    // The keyspace holds what came before the damage.
    if (batch_) (void)batch_->finish();
    return *failure_;
  }

  [[nodiscard]] Result<void> finish() const {
    if (failure_) return *failure_;
    if (is_complete()) return {};
    return Error(fmt::format("RDB file, at offset {}: it ends too early", offset()));
  }

  [[nodiscard]] bool cannot_hold() const { return failure_ && cannot_hold_; }
  [[nodiscard]] bool is_complete() const { return phase_ == Phase::kComplete && !failure_; }
  [[nodiscard]] std::uint64_t offset() const { return taken_ + waiting_.size(); }
  [[nodiscard]] std::uint64_t loaded() const { return loaded_; }
  [[nodiscard]] std::uint64_t expired() const { return expired_; }
  [[nodiscard]] const RdbFacts& facts() const { return facts_; }

 private:
  enum class Phase : std::uint8_t { kHeader, kRecords, kChecksum, kComplete };

  // Part of a record waits in a buffer of its own, to which just as much is added as its framing
  // asks for; whole records are taken where they lie.
  void feed_slice(std::string_view slice) {
    slice_ = slice;
    slice_at_ = offset();
    summed_ = 0;
    std::size_t used = 0;
    while (used < slice.size() && !failure_) {
      if (waiting_.empty()) {
        used += take_records(slice.substr(used));
        if (used < slice.size() && !failure_) {
          waiting_.assign(slice.substr(used));
          used = slice.size();
        }
        continue;
      }
      const std::size_t more = std::min(wanted_ - waiting_.size(), slice.size() - used);
      waiting_.append(slice.substr(used, more));
      used += more;
      if (waiting_.size() < wanted_ || take_records(waiting_) == 0) continue;
      waiting_.clear();
      if (waiting_.capacity() > kKeptBuffer) waiting_.shrink_to_fit();
    }
    if (phase_ == Phase::kHeader || phase_ == Phase::kRecords) sum_up_to(slice.size());
  }

  void sum_up_to(std::size_t end) {
    if (wants_checksum()) checksum_ = crc64(checksum_, slice_.substr(summed_, end - summed_));
    summed_ = end;
  }
  // Before the version is known there might be one.
  [[nodiscard]] bool wants_checksum() const {
    return options_.verify_checksum && (version_ == 0 || version_ >= rdb::kChecksumVersion);
  }

  // Takes the whole records at the beginning of `bytes`; how much they were. What is left is part
  // of one that needs `wanted_` bytes to go on.
  std::size_t take_records(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !failure_) {
      const std::size_t size = take_one(bytes.substr(taken));
      if (size == 0) break;
      taken += size;
      taken_ += size;
    }
    return taken;
  }

  std::size_t take_one(std::string_view bytes) {
    switch (phase_) {
      case Phase::kHeader: return take_fixed(bytes, rdb::kHeaderSize, &State::on_header);
      case Phase::kChecksum: return take_fixed(bytes, rdb::kChecksumSize, &State::on_checksum);
      case Phase::kComplete: fail_at(taken_, "there are bytes behind the end"); return 0;
      case Phase::kRecords: break;
    }
    switch (const Framer::Look look = framer_.look(bytes)) {
      case Framer::Look::kWhole: break;
      case Framer::Look::kMore: wanted_ = framer_.extent().wanted; return 0;
      default:
        cannot_hold_ = look == Framer::Look::kNotBuilt;
        fail(rdb::refuse_record(framer_, look, bytes, taken_));
        return 0;
    }
    const std::size_t size = framer_.extent().at;
    const std::string_view record = bytes.substr(0, size);
    if (framer_.type() != nullptr) {
      on_key(record);
    } else {
      on_opcode(static_cast<std::uint8_t>(record[0]), record.substr(1), size);
    }
    framer_.restart();
    return failure_ ? 0 : size;
  }

  std::size_t take_fixed(std::string_view bytes, std::size_t size, void (State::*act)(std::string_view)) {
    if (bytes.size() < size) {
      wanted_ = size;
      return 0;
    }
    (this->*act)(bytes.substr(0, size));
    return failure_ ? 0 : size;
  }

  void on_header(std::string_view header) {
    const auto version = rdb::judge_header(header);
    if (!version) {
      cannot_hold_ = rdb::names_a_version(header);
      failure_ = version.error();
      return;
    }
    version_ = *version;
    phase_ = Phase::kRecords;
  }

  void on_checksum(std::string_view bytes) {
    const auto stored = rdb::load_le<std::uint64_t>(bytes.data());
    // A file whose writer did not sum up says 0.
    if (wants_checksum() && stored != 0 && stored != checksum_) {
      fail_at(taken_, fmt::format("the checksum is {:016x}, but the bytes sum up to {:016x}", stored, checksum_));
      return;
    }
    phase_ = Phase::kComplete;
  }

  void on_end(std::size_t size) {
    if (batch_) {
      if (auto duplicate = batch_->finish()) fail_at(duplicate->offset, twice(duplicate->key));
    } else if (auto offset = seen_->flush()) {
      fail_at(*offset, kTwice);
    }
    // One byte is never left waiting, so the record is in the slice, and the sum ends behind it.
    sum_up_to(static_cast<std::size_t>(taken_ + size - slice_at_));
    phase_ = version_ >= rdb::kChecksumVersion ? Phase::kChecksum : Phase::kComplete;
  }

  void on_opcode(std::uint8_t code, std::string_view operands, std::size_t size) {
    Reader reader(operands, scratch_);
    switch (code) {
      case opcode::kEof: on_end(size); return;
      case opcode::kSelectDb: on_select(reader.length()); break;
      case opcode::kResizeDb:
        if (const auto keys = reader.length(); keys && batch_) batch_->expect(*keys);
        break;
      case opcode::kExpiryMillis: set_expiry(reader.little_endian<std::int64_t>()); break;
      case opcode::kExpirySeconds:
        if (const auto at = reader.little_endian<std::int32_t>()) set_expiry(std::int64_t{*at} * 1000);
        break;
      case opcode::kIdle:
        if (const auto idle = reader.length()) {
          use_.idle = seconds{static_cast<std::int64_t>(std::min<std::uint64_t>(*idle, INT32_MAX))};
        }
        break;
      case opcode::kFrequency: use_.frequency = reader.little_endian<std::uint8_t>(); break;
      case opcode::kAux: on_aux(reader); break;
      case opcode::kFunction:
        if (const auto code_text = reader.text()) facts_.functions.emplace_back(*code_text);
        break;
      case opcode::kModuleAux: refuse_at(taken_, rdb::refuse_module(reader.length().value_or(0))); return;
      case opcode::kFunctionPreRelease:
        refuse_at(taken_, "a function library of a form from before Redis 7.0's release is not supported");
        return;
      default: return;  // SLOT_INFO tells nothing that is needed
    }
    if (*reader.problem() != '\0') fail_at(taken_, fmt::format("{}: {}", rdb::opcode_name(code), reader.problem()));
  }

  // Redis writes -1 where it has none.
  void set_expiry(std::optional<std::int64_t> millis) {
    expiry_ = millis && *millis != -1 ? std::optional(UnixMillis{*millis}) : std::nullopt;
  }

  [[nodiscard]] std::uint64_t database_limit() const {
    return static_cast<std::uint64_t>(keyspace_ != nullptr ? keyspace_->count() : options_.databases);
  }

  void on_select(std::optional<std::uint64_t> db) {
    if (!db) return;
    if (*db >= database_limit()) {
      refuse_at(taken_, fmt::format("database {} is selected, but there are {}", *db, database_limit()));
      return;
    }
    db_ = static_cast<int>(*db);
    if (!batch_) return;
    if (auto duplicate = batch_->finish()) {
      fail_at(duplicate->offset, twice(duplicate->key));
      return;
    }
    batch_->select(db_);
  }

  // Offsets beyond it would not survive being counted on.
  static constexpr std::int64_t kMaxOffset = std::int64_t{1} << 62;

  // What has no sound value is passed over like what is unknown: it is no part of the data.
  void on_aux(Reader& reader) {
    const auto name_text = reader.text();
    if (!name_text) return;
    const std::string name(*name_text);
    const auto value = reader.text();
    if (!value) return;
    if (name == "repl-id") {
      replication_id_ = ReplicationId::parse(*value);
    } else if (name == "repl-offset") {
      const auto offset = parse_int64(*value);
      if (offset && *offset >= 0 && *offset <= kMaxOffset) replication_offset_ = *offset;
    } else if (name == "repl-stream-db") {
      stream_db_ = parse_int64(*value).value_or(0);
    } else if (name == "redis-ver") {
      // It is shown to people: one word.
      const auto end = std::find_if(value->begin(), value->end(), [](unsigned char c) { return std::isgraph(c) == 0; });
      facts_.writer.assign(value->begin(), std::min(end, value->begin() + std::min(value->size(), kLongestVersion)));
    } else if (name == "ctime") {
      const std::int64_t created = parse_int64(*value).value_or(0);
      if (created >= 0 && created < INT64_MAX / 1000) facts_.created = {created * 1000};
    } else if (name == "used-mem") {
      facts_.used_memory = parse_uint64(*value).value_or(0);
    } else if (name == "aof-base") {
      facts_.aof_base = *value == "1";
    }
    if (replication_id_ && replication_offset_) {
      const bool is_db = stream_db_ >= 0 && static_cast<std::uint64_t>(stream_db_) < database_limit();
      facts_.replication = RdbFacts::Replication{*replication_id_, ReplOffset{*replication_offset_},
                                                 is_db ? static_cast<int>(stream_db_) : 0};
    }
  }

  void on_key(std::string_view record) {
    const auto expiry = std::exchange(expiry_, std::nullopt);
    const auto use = std::exchange(use_, {});
    const rdb::TypeRow& type = *framer_.type();
    Reader key_reader(record.substr(1, framer_.value_at() - 1), key_scratch_);
    const auto key = key_reader.text();
    if (!key || key->size() > UINT32_MAX) {
      fail_at(taken_, fmt::format("a key of type {} ({}): {}", type.type, type.name,
                                  key ? "it is too long" : key_reader.problem()));
      return;
    }
    if (db_ != 0 && keyspace_ != nullptr && keyspace_->context().cluster_mode) {
      refuse_at(taken_, fmt::format("key {} is in database {}, and a cluster's node has only database 0",
                                    rdb::show_key(*key), db_));
      return;
    }
    Reader value(record.substr(framer_.value_at()), scratch_);
    const bool gone = options_.drop_expired && expiry && *expiry < options_.now;
    const bool sound = batch_ && !gone ? keep(type, value, *key, expiry, use) : check(type, value, *key, gone);
    if (!sound) {
      if (!failure_) fail_at(taken_, rdb::refuse_value(type, *key, value.problem()));
      return;
    }
    ++(gone ? expired_ : loaded_);
  }

  bool keep(const rdb::TypeRow& type, Reader& value, std::string_view key, std::optional<UnixMillis> expiry,
            const Database::KnownUse& use) {
    OwnedEntry entry = type.decode(value, key, expiry);
    if (entry == nullptr) return false;
    entry->set_access_clock(batch_->db().access_clock(use));
    if (auto duplicate = batch_->add(std::move(entry), taken_)) {
      fail_at(duplicate->offset, twice(duplicate->key));
      return false;
    }
    return true;
  }

  bool check(const rdb::TypeRow& type, Reader& value, std::string_view key, bool gone) {
    if (!type.check(value)) return false;
    if (batch_ || gone) return true;
    if (auto offset = seen_->add(key, db_, taken_)) {
      fail_at(*offset, kTwice);
      return false;
    }
    return true;
  }

  static constexpr std::string_view kTwice = "a key is there for the second time";
  static std::string twice(std::string_view key) { return fmt::format("key {} is there already", rdb::show_key(key)); }

  void fail(std::string message) {
    if (!failure_) failure_ = Error(std::move(message));
  }
  void fail_at(std::uint64_t offset, std::string_view what) {
    fail(fmt::format("RDB file, at offset {}: {}", offset, what));
  }

  // What has no place here.
  void refuse_at(std::uint64_t offset, std::string_view what) {
    cannot_hold_ = true;
    fail_at(offset, what);
  }

  Keyspace* keyspace_;
  RdbLoadOptions options_;
  std::optional<rdb::Batch> batch_;
  std::optional<rdb::SeenKeys> seen_;  // of a dry run
  std::optional<Error> failure_;
  bool cannot_hold_ = false;  // the failure is one of these
  Phase phase_ = Phase::kHeader;
  int version_ = 0;

  std::uint64_t taken_ = 0;  // bytes of whole records
  std::string waiting_;      // the beginning of the next
  std::size_t wanted_ = 0;   // how long that has to be before another look
  Framer framer_;
  rdb::Scratch scratch_;
  rdb::Scratch key_scratch_;

  std::string_view slice_;
  std::uint64_t slice_at_ = 0;  // its place in the file
  std::size_t summed_ = 0;  // of the slice
  std::uint64_t checksum_ = 0;

  int db_ = 0;
  std::optional<UnixMillis> expiry_;
  Database::KnownUse use_;
  std::optional<ReplicationId> replication_id_;
  std::optional<std::int64_t> replication_offset_;
  std::int64_t stream_db_ = 0;
  RdbFacts facts_;
  std::uint64_t loaded_ = 0;
  std::uint64_t expired_ = 0;
};

RdbLoader::RdbLoader(Keyspace* into, RdbLoadOptions options) : state_(std::make_unique<State>(into, options)) {}
RdbLoader::~RdbLoader() = default;

Result<void> RdbLoader::feed(std::string_view bytes) { return state_->feed(bytes); }
bool RdbLoader::is_complete() const { return state_->is_complete(); }
bool RdbLoader::cannot_hold() const { return state_->cannot_hold(); }
Result<void> RdbLoader::finish() const { return state_->finish(); }
std::uint64_t RdbLoader::offset() const { return state_->offset(); }
std::uint64_t RdbLoader::loaded() const { return state_->loaded(); }
std::uint64_t RdbLoader::expired() const { return state_->expired(); }
const RdbFacts& RdbLoader::facts() const { return state_->facts(); }

}  // namespace skein
