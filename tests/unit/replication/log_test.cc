#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <skein/base/random.h>
#include <skein/replication/log.h>
#include <skein/replication/stream.h>

namespace skein {
namespace {

std::string read_all(const ReplicationLog::Reader& reader) {
  std::vector<std::string_view> pieces;
  reader.pieces(1000000, pieces);
  std::string all;
  for (const auto piece : pieces) all += piece;
  return all;
}

TEST(ReplicationLog, ReaderSeesWhatIsAppendedAfterIt) {
  ReplicationLog log(1024);
  log.append("before");
  auto reader = log.read_from(log.end());
  log.append("after");
  EXPECT_EQ(read_all(reader), "after");
  EXPECT_EQ(log.end().value, 11);
  reader.advance(2);
  EXPECT_EQ(read_all(reader), "ter");
  EXPECT_EQ(reader.at().value, 8);
}

TEST(ReplicationLog, ClosedItCountsAndKeepsNothing) {
  ReplicationLog log(1024);
  log.append(std::string(100000, 'x'));
  EXPECT_EQ(log.end().value, 100000);
  EXPECT_EQ(log.memory(), 0U);
  EXPECT_FALSE(log.holds(log.end()));
}

TEST(ReplicationLog, BacklogBeginsWhereItIsOpened) {
  ReplicationLog log(1024);
  log.append("unseen");
  log.open();
  EXPECT_FALSE(log.holds(ReplOffset{5}));
  EXPECT_TRUE(log.holds(ReplOffset{6}));
  log.append("seen");
  EXPECT_EQ(read_all(log.read_from(ReplOffset{6})), "seen");
  EXPECT_EQ(log.backlog_length(), 4U);
}

TEST(ReplicationLog, ClosingLeavesNoGapInTheStream) {
  ReplicationLog log(1 << 20);
  log.open();
  log.append("one");
  log.close();
  log.append("lost");
  log.open();
  log.append("two");
  EXPECT_EQ(log.backlog_start().value, 7);
  EXPECT_EQ(read_all(log.read_from(ReplOffset{7})), "two");
}

TEST(ReplicationLog, KeepsTheBacklogAndDropsWhatIsOlder) {
  ReplicationLog log(100'000);
  log.open();
  for (int i = 0; i < 1000; ++i) log.append(std::string(1000, static_cast<char>('a' + i % 26)));
  EXPECT_GE(log.backlog_length(), 100'000U);
  EXPECT_LT(log.backlog_length(), 140'000U);
  EXPECT_FALSE(log.holds(ReplOffset{0}));
}

TEST(ReplicationLog, SlowReaderKeepsItsPlaceAndOneCopyServesAll) {
  ReplicationLog log(1024);
  auto slow = log.read_from(log.end());
  auto fast = log.read_from(log.end());
  auto third = log.read_from(log.end());
  for (int i = 0; i < 1000; ++i) {
    log.append(std::string(1000, 'x'));
    fast.advance(fast.behind());
    third.advance(third.behind());
  }
  EXPECT_EQ(slow.behind(), 1'000'000U);
  EXPECT_LT(log.memory(), 1'100'000U);
  EXPECT_EQ(read_all(slow).size(), 1'000'000U);
  slow.advance(slow.behind());
  EXPECT_LT(log.memory(), 50'000U);
}

TEST(ReplicationLog, RandomStepsAgreeWithOneLongString) {
  Random random(9);
  ReplicationLog log(50'000);
  log.open();
  std::string all;
  auto reader = log.read_from(log.end());
  for (int step = 0; step < 5000; ++step) {
    const std::string part(random.below(600), static_cast<char>('a' + step % 26));
    log.append(part);
    all += part;
    if (random.one_in(3)) reader.advance(random.below(reader.behind() + 1));
    ASSERT_EQ(read_all(reader), all.substr(static_cast<std::size_t>(reader.at().value)));
    if (random.one_in(10)) {
      const auto start = static_cast<std::size_t>(log.backlog_start().value);
      const auto from = start + random.below(all.size() - start + 1);
      ASSERT_EQ(read_all(log.read_from(ReplOffset{static_cast<std::int64_t>(from)})), all.substr(from));
    }
  }
}

TEST(StreamWriter, SelectsWhereTheDatabaseChanges) {
  ReplicationLog log(1 << 20);
  log.open();
  StreamWriter writer(log);
  const std::string_view set[] = {"SET", "k", "v"};
  writer.add(0, set);
  writer.add(0, set);
  writer.add(12, set);
  const std::string words = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
  EXPECT_EQ(read_all(log.read_from(ReplOffset{0})),
            "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n" + words + words + "*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n" + words);
}

TEST(StreamWriter, AUnitArrivesAsAWholeAndOnlyThen) {
  ReplicationLog log(1 << 20);
  log.open();
  StreamWriter writer(log);
  writer.set_database(0);
  const std::string_view del[] = {"DEL", "k"};
  writer.begin_unit();
  writer.add(0, del);
  writer.add(0, del);
  EXPECT_EQ(log.end().value, 0);
  writer.end_unit();
  const std::string words = "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n";
  EXPECT_EQ(read_all(log.read_from(ReplOffset{0})), "*1\r\n$5\r\nMULTI\r\n" + words + words + "*1\r\n$4\r\nEXEC\r\n");
}

// What has another name here is called by it: replicas have the same table.
TEST(StreamWriter, CommandsAreCalledWhatThisNodeCallsThem) {
  ReplicationLog log(1 << 20);
  log.open();
  StreamNames names;
  for (const auto& [original, called] : std::initializer_list<std::pair<const char*, const char*>>{
           {"del", "zzdel"}, {"set", "del"}, {"select", "zs"}, {"multi", ""}, {"exec", "zx"}, {"ping", "zp"}}) {
    names.rename(original, called);
  }
  StreamWriter writer(log);
  writer.set_names(names);
  const std::string_view del[] = {"DEL", "k"};
  writer.add(3, del);
  // A client here who says DEL means SET, and is taken at its word.
  const std::string_view call[] = {"Del", "k", "v"};
  writer.add_call(3, call);
  writer.begin_unit();
  writer.add(3, del);
  writer.add(3, del);
  writer.end_unit();
  const std::string_view ping[] = {"PING"};
  writer.add_bare(ping);
  const std::string removal = "*2\r\n$5\r\nzzdel\r\n$1\r\nk\r\n";
  EXPECT_EQ(read_all(log.read_from(ReplOffset{0})),
            "*2\r\n$2\r\nzs\r\n$1\r\n3\r\n" + removal + "*3\r\n$3\r\nDel\r\n$1\r\nk\r\n$1\r\nv\r\n" +
                "*1\r\n$5\r\nMULTI\r\n" + removal + removal + "*1\r\n$2\r\nzx\r\n" + "*1\r\n$2\r\nzp\r\n");
}

// Whether an effect fits into the block that is being filled, lies across two, or is larger than one.
TEST(StreamWriter, EffectsOfAnySizeAreTheSameBytes) {
  ReplicationLog log(1 << 30);
  log.open();
  StreamWriter writer(log);
  writer.set_database(0);
  Random random(11);
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    const std::size_t size = random.one_in(50) ? random.below(70'000) : random.below(300);
    const std::string value(size, static_cast<char>('a' + i % 26));
    const std::string key(random.below(12), 'k');
    const std::string_view words[] = {"SET", key, value};
    writer.add_call(0, words);
    all += fmt::format("*3\r\n$3\r\nSET\r\n${}\r\n{}\r\n${}\r\n{}\r\n", key.size(), key, value.size(), value);
    ASSERT_EQ(log.end().value, static_cast<std::int64_t>(all.size()));
  }
  EXPECT_EQ(read_all(log.read_from(ReplOffset{0})), all);
}

TEST(StreamWriter, NothingIsKeptOfWhatNobodyReads) {
  ReplicationLog log(1024);
  log.open();
  StreamWriter writer(log);
  const std::string_view set[] = {"SET", "k", "v"};
  writer.add_call(0, set);
  log.close();
  const ReplOffset before = log.end();
  writer.add_call(0, set);
  EXPECT_EQ(log.end() - before, 27);
  EXPECT_EQ(log.memory(), 0U);
}

TEST(StreamWriter, AUnitOfOneNeedsNoTransaction) {
  ReplicationLog log(1 << 20);
  log.open();
  StreamWriter writer(log);
  writer.set_database(0);
  const std::string_view del[] = {"DEL", "k"};
  writer.begin_unit();
  writer.end_unit();
  writer.begin_unit();
  writer.add(0, del);
  writer.end_unit();
  EXPECT_EQ(read_all(log.read_from(ReplOffset{0})), "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n");
}

}  // namespace
}  // namespace skein
