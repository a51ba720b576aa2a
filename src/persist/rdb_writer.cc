#include <skein/persist/rdb_writer.h>

#include <algorithm>

#include "rdb_encoder.h"
#include "rdb_types.h"

namespace skein {

namespace {

using rdb::Encoder;
namespace opcode = rdb::opcode;

constexpr std::uint64_t kProgressKeys = 1024;

void write_aux(Encoder& out, std::string_view name, std::string_view value) {
  out.byte(opcode::kAux);
  out.string(name);
  out.string(value);
}

void write_aux(Encoder& out, std::string_view name, std::int64_t value) {
  out.byte(opcode::kAux);
  out.string(name);
  out.integer(value);
}

void write_facts(Encoder& out, const RdbFacts& facts) {
  write_aux(out, "redis-ver", kRdbWriterVersion);
  write_aux(out, "redis-bits", 64);
  write_aux(out, "ctime", facts.created.value / 1000);
  write_aux(out, "used-mem", static_cast<std::int64_t>(facts.used_memory));
  if (facts.replication) {
    write_aux(out, "repl-stream-db", facts.replication->selected_db);
    write_aux(out, "repl-id", facts.replication->id.view());
    write_aux(out, "repl-offset", facts.replication->offset.value);
  }
  write_aux(out, "aof-base", facts.aof_base ? 1 : 0);
}

void write_functions(Encoder& out, const RdbFacts& facts) {
  for (const auto& code : facts.functions) {
    out.byte(opcode::kFunction);
    out.string(code);
  }
}

class KeyWriter {
 public:
  KeyWriter(Encoder& out, const RdbWriteOptions& options) : out_(out), options_(options) {}

  void write(const Database& db) {
    out_.byte(opcode::kSelectDb);
    out_.length(static_cast<std::uint64_t>(db.index()));
    out_.byte(opcode::kResizeDb);
    out_.length(db.size());
    out_.length(db.expiring());
    db.walk([&](const Entry& entry) {
      if (!out_.failed()) write(db, entry);
    });
  }

  void report() const {
    if (options_.progress) options_.progress(written_);
  }

 private:
  void write(const Database& db, const Entry& entry) {
    if (entry.has_expiry()) {
      out_.byte(opcode::kExpiryMillis);
      out_.little_endian(entry.expiry().value);
    }
    if (options_.use == RdbWriteOptions::Use::kIdle) {
      out_.byte(opcode::kIdle);
      out_.length(static_cast<std::uint64_t>(std::max<std::int64_t>(db.idle_time(entry).count(), 0)));
    } else if (options_.use == RdbWriteOptions::Use::kFrequency) {
      out_.byte(opcode::kFrequency);
      out_.byte(static_cast<std::uint8_t>(db.frequency(entry)));
    }
    out_.byte(rdb::type_of(entry));
    out_.string(entry.key());
    rdb::encode_value(out_, entry);
    if (++written_ % kProgressKeys == 0) report();
  }

  Encoder& out_;
  const RdbWriteOptions& options_;
  std::uint64_t written_ = 0;
};

void write_databases(Encoder& out, const Keyspace& keyspace, const RdbWriteOptions& options) {
  KeyWriter writer(out, options);
  for (int i = 0; i < keyspace.count() && !out.failed(); ++i) {
    if (keyspace.db(i).size() > 0) writer.write(keyspace.db(i));
  }
  writer.report();
}

}  // namespace

Result<void> write_rdb(const Keyspace& keyspace, const RdbFacts& facts, const RdbWriteOptions& options,
                       ByteSink& sink) {
  Encoder out(&sink, {.compress = options.compress, .checksum = options.checksum});
  static_assert(rdb::kWrittenVersion == 10);
  out.raw(rdb::kMagic);
  out.raw("0010");
  write_facts(out, facts);
  if (options.with_functions) write_functions(out, facts);
  if (options.with_keys) write_databases(out, keyspace, options);
  out.byte(opcode::kEof);
  // The sum covers what comes before it, so that has to be through.
  if (auto flushed = out.flush(); !flushed) return flushed;
  out.little_endian(options.checksum ? out.checksum() : std::uint64_t{0});
  return out.flush();
}

}  // namespace skein
