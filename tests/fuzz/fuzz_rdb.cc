// An RDB file is taken or refused alike however its bytes arrive, a dry run agrees, and what was
// taken can be written and read again.
#include <skein/base/checksums.h>
#include <skein/base/random.h>
#include <skein/persist/rdb_loader.h>
#include <skein/persist/rdb_writer.h>

#include <algorithm>
#include <map>

#include "targets.h"

namespace skein::fuzz {

namespace {

constexpr UnixMillis kNow{1'700'000'000'000};

struct Outcome {
  std::string error;
  std::map<std::string, std::string> content;
  std::uint64_t loaded = 0;
  std::uint64_t expired = 0;
  std::vector<std::string> functions;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::map<std::string, std::string> content_of(const Keyspace& keyspace) {
  std::map<std::string, std::string> content;
  for (int i = 0; i < keyspace.count(); ++i) {
    std::size_t seen = 0;
    keyspace.db(i).walk([&](const Entry& entry) {
      Entry::Scratch scratch;
      const std::string key = std::to_string(i) + " " + std::string(entry.key());
      content[key] = std::to_string(entry.expiry().value) + " " + std::string(entry.bytes(scratch));
      ++seen;
    });
    expect(seen == keyspace.db(i).size(), "as many entries as are counted");
  }
  return content;
}

class StringSink : public ByteSink {
 public:
  Result<void> write(std::string_view piece) override {
    bytes += piece;
    return {};
  }
  std::string bytes;
};

template <typename NextPiece>
Outcome load(std::string_view input, Keyspace* keyspace, bool verify, NextPiece&& next_piece) {
  RdbLoader loader(keyspace, {.now = kNow, .verify_checksum = verify, .databases = 4});
  Result<void> fed;
  std::uint64_t taken = 0;
  while (!input.empty() && fed) {
    const ExactBytes piece(input.substr(0, std::max<std::size_t>(next_piece(), 1)));
    input.remove_prefix(piece.view().size());
    taken += piece.view().size();
    fed = loader.feed(piece.view());
    expect(loader.offset() <= taken, "no more is taken than came");
    expect(!fed || loader.offset() == taken, "all is taken that came");
  }
  const auto finished = loader.finish();
  expect(loader.is_complete() == static_cast<bool>(finished), "complete is what finishes");
  expect(fed || !finished, "no end after an error");
  if (!fed) expect(!loader.feed("x"), "nothing is taken after an error");
  return {finished ? "" : finished.error().message(), keyspace != nullptr ? content_of(*keyspace) : Outcome{}.content,
          loader.loaded(), loader.expired(), loader.facts().functions};
}

Outcome load_whole(std::string_view input, bool verify) {
  Keyspace keyspace{4, false, 1};
  keyspace.context().now = kNow;
  return load(input, &keyspace, verify, [] { return SIZE_MAX; });
}

void check_written_again(std::string_view input, const Outcome& first) {
  Keyspace keyspace{4, false, 1};
  keyspace.context().now = kNow;
  (void)load(input, &keyspace, false, [] { return SIZE_MAX; });
  StringSink sink;
  expect(static_cast<bool>(write_rdb(keyspace, {.functions = first.functions}, {}, sink)), "it can be written");
  const Outcome again = load_whole(sink.bytes, true);
  expect(again.error.empty(), "what is written is read");
  expect(again.content == first.content && again.functions == first.functions, "and it is the same");
}

}  // namespace

void fuzz_rdb(Input input) {
  const std::string_view bytes = text_of(input);
  const Outcome unverified = load_whole(bytes, false);
  const Outcome verified = load_whole(bytes, true);
  if (verified.error.empty()) expect(unverified == verified, "a checksum changes nothing that is sound");

  Random random(crc64(0, bytes));
  for (const std::uint64_t longest : {std::uint64_t{3}, 1 + bytes.size() / 3}) {
    if (bytes.size() / longest > 4096) continue;
    Keyspace keyspace{4, false, 1};
    keyspace.context().now = kNow;
    const auto piece = [&] { return static_cast<std::size_t>(1 + random.below(longest)); };
    expect(load(bytes, &keyspace, false, piece) == unverified, "the same however it arrives");
  }

  const Outcome dry = load(bytes, nullptr, false, [&] { return 1 + bytes.size() / 2; });
  expect(dry.content.empty(), "a dry run keeps nothing");
  expect(dry.error.empty() == unverified.error.empty(), "a dry run agrees");
  if (dry.error.empty()) {
    expect(dry.loaded == unverified.loaded && dry.expired == unverified.expired, "and counts the same");
  }
  if (unverified.error.empty()) check_written_again(bytes, unverified);
}

}  // namespace skein::fuzz
