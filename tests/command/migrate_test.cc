// MIGRATE up to where the node takes over, what becomes of keys that arrived, and who waits for keys in flight.
#include "fixture.h"

namespace skein {
namespace {

class RecordedMigrations : public MigrationActions {
 public:
  std::optional<Migration> launched;
  std::optional<Migration> brought_over;
  std::vector<std::string> arriving;  // what bring_over says of them
  std::string error;
  std::vector<int> ended;

  void launch(Session&, Migration migration) override { launched = std::move(migration); }
  Migrated bring_over(const Migration& migration) override {
    Migrated migrated{{}, error};
    for (const KeyRef& key : migration.keys) {
      if (std::find(arriving.begin(), arriving.end(), key.bytes) != arriving.end()) migrated.arrived.push_back(key);
    }
    brought_over.emplace();
    brought_over->requests = migration.requests;
    return migrated;
  }
  void end_flights(Slot slot) override { ended.push_back(slot.value); }
  [[nodiscard]] std::size_t cached_connections() const override { return 0; }
};

class Migrate : public CommandTest {
 protected:
  void SetUp() override { services.migrations = &migrations; }
  // What a SET string's DUMP is, with its length.
  std::string payload(std::string_view key) {
    const std::string reply = run("DUMP", key);
    take_effects();
    return reply;
  }
  std::vector<KeyRef> refs(std::initializer_list<std::string_view> keys) {
    std::vector<KeyRef> found;
    for (const auto key : keys) found.push_back(keyspace.db(0).ref(key));
    return found;
  }

  RecordedMigrations migrations;
};

TEST_F(Migrate, LaunchesWhatIsThereAndIsAnsweredLater) {
  run("SET", "a", "1");
  run("SET", "b", "some text", "PX", "5000");
  const std::string first = payload("a");
  const std::string second = payload("b");
  EXPECT_EQ(run("MIGRATE", "host", "6379", "", "3", "250", "REPLACE", "AUTH2", "user", "secret", "KEYS", "a", "none", "b"), "");
  EXPECT_TRUE(client().suspended());
  ASSERT_TRUE(migrations.launched.has_value());
  const Migration& what = *migrations.launched;
  EXPECT_EQ(what.requests, "*5\r\n$7\r\nRESTORE\r\n$1\r\na\r\n$1\r\n0\r\n" + first +
                               "$7\r\nREPLACE\r\n*5\r\n$7\r\nRESTORE\r\n$1\r\nb\r\n$4\r\n5000\r\n" + second +
                               "$7\r\nREPLACE\r\n");
  EXPECT_EQ(what.host, "host");
  EXPECT_EQ(what.port, "6379");
  EXPECT_EQ(what.user, "user");
  EXPECT_EQ(what.password, "secret");
  EXPECT_EQ(what.target_db, 3);
  EXPECT_EQ(what.timeout, milliseconds{250});
  EXPECT_FALSE(what.copies);
  ASSERT_EQ(what.keys.size(), 2U);
  EXPECT_EQ(what.keys[0].bytes, "a");
  EXPECT_EQ(what.keys[1].bytes, "b");
}

TEST_F(Migrate, PortsAndHostsAreWhatTheySay) {
  run("SET", "a", "1");
  for (const auto* port : {"65536", "-1", "-39951", "4294973675", "6379x", " 6379", "06379", "none", "", "99999999999999999999"}) {
    EXPECT_EQ(run("MIGRATE", "host", port, "a", "0", "1000"), error("ERR Invalid port")) << port;
  }
  for (const auto* host : {"a b", "host\r\nforged:1", "\x1b[31m", "a,b"}) {
    EXPECT_EQ(run("MIGRATE", host, "6379", "a", "0", "1000"), error("ERR Invalid host")) << host;
  }
  EXPECT_FALSE(migrations.launched.has_value());
}

// Also where the call is refused for something else, or its options cannot be read.
TEST_F(Migrate, PasswordsAreNobodysToRead) {
  facts.slow_ticks = 0;
  const std::vector<std::string> calls{
      "MIGRATE h 1 k 0 10 AUTH secret KEYS none",   "MIGRATE h 1 k 0 10 AUTH secret BOGUS",
      "MIGRATE h 1 k 0 10 BOGUS AUTH secret",       "MIGRATE h 1 k zero 10 AUTH secret",
      "MIGRATE h -1 k 0 10 AUTH secret",            "MIGRATE h 1 k 0 10 COPY AUTH2 secret secret",
      "MIGRATE h 1 k 0 10 AUTH2 secret",            "MIGRATE h 1 k 0 never AUTH2 secret secret REPLACE",
      "MIGRATE h 1 k 0 10 AUTH secret AUTH secret",
  };
  for (const auto& text : calls) {
    line(text);
    for (const std::string& word : slowlog.calls().front().arguments) EXPECT_NE(word, "secret") << text;
  }
  EXPECT_EQ(slowlog.calls().size(), calls.size());
}

TEST_F(Migrate, WithoutKeysThereIsNothingToDo) {
  EXPECT_EQ(run("MIGRATE", "host", "6379", "a", "0", "1000"), status("NOKEY"));
  EXPECT_EQ(run("MIGRATE", "host", "6379", "", "0", "1000", "KEYS"), status("NOKEY"));
  run("SET", "a", "1");
  EXPECT_EQ(run("MIGRATE", "host", "6379", "a", "0", "1000", "KEYS", "b"),
            error("ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"));
  EXPECT_EQ(run("MIGRATE", "host", "6379", "a", "0", "1000", "SOON"), error("ERR syntax error"));
  EXPECT_EQ(run("MIGRATE", "host", "6379", "a", "0", "1000", "AUTH"), error("ERR syntax error"));
  EXPECT_EQ(run("MIGRATE", "host", "6379", "a", "0", "x"), error("ERR value is not an integer or out of range"));
  EXPECT_FALSE(migrations.launched.has_value());
}

TEST_F(Migrate, InATransactionItIsOverAtOnce) {
  run("MSET", "a", "1", "b", "2", "c", "3");
  take_effects();
  migrations.arriving = {"a", "c"};
  migrations.error = "IOERR error or timeout reading to target instance";
  run("MULTI");
  run("MIGRATE", "host", "6379", "", "0", "1000", "KEYS", "a", "b", "c");
  run("EXISTS", "a", "b", "c");
  EXPECT_EQ(run("EXEC"), array({error(migrations.error), integer(1)}));
  EXPECT_EQ(take_effects(), (std::vector<std::string>{"MULTI", "0 DEL a c", "EXEC"}));
  migrations.error.clear();
  migrations.arriving = {"b"};
  run("MULTI");
  run("MIGRATE", "host", "6379", "b", "0", "1000", "COPY");
  EXPECT_EQ(run("EXEC"), array({ok()}));
  EXPECT_EQ(run("EXISTS", "b"), integer(1));
}

TEST_F(Migrate, CallsThatTouchKeysInFlightWait) {
  run("MSET", "a", "1", "b", "2");
  FlyingKeys& flying = keyspace.context().flying;
  flying.add(1, 0, refs({"a"}));
  facts.gates |= gate::kFlight;
  BedClient& reader = connect();
  BedClient& writer = connect();
  EXPECT_EQ(reader.run("MGET", "b", "a"), "");
  EXPECT_TRUE(reader.suspended());
  writer.run("MULTI");
  EXPECT_EQ(writer.run("SET", "a", "3"), queued());
  EXPECT_EQ(writer.run("EXEC"), "");
  EXPECT_TRUE(writer.suspended());
  EXPECT_EQ(run("GET", "b"), bulk("2"));
  EXPECT_EQ(run("PING"), status("PONG"));
  EXPECT_TRUE(dispatcher.take_flight_awaited());
  EXPECT_FALSE(dispatcher.take_flight_awaited());
  flying.remove(1);
  EXPECT_EQ(reader.resume(), bulks({"2", "1"}));
  EXPECT_EQ(writer.resume(), array({ok()}));
}

TEST_F(Migrate, ItsKeysAreFoundWhereverTheyStand) {
  EXPECT_EQ(run("COMMAND", "GETKEYS", "MIGRATE", "h", "1", "k", "0", "1", "COPY"), bulks({"k"}));
  EXPECT_EQ(run("COMMAND", "GETKEYS", "MIGRATE", "h", "1", "", "0", "1", "KEYS", "keys", "b"), bulks({"keys", "b"}));
  EXPECT_EQ(run("COMMAND", "GETKEYS", "MIGRATE", "h", "1", "", "0", "1", "AUTH", "keys", "KEYS", "a"), bulks({"a"}));
  EXPECT_EQ(run("COMMAND", "GETKEYS", "MIGRATE", "h", "1", "", "0", "1", "AUTH2", "keys", "keys", "KEYS", "a"), bulks({"a"}));
  EXPECT_EQ(run("COMMAND", "GETKEYS", "MIGRATE", "h", "1", "", "0", "1", "soon", "KEYS", "a"), bulks({"a"}));
  EXPECT_EQ(run("COMMAND", "GETKEYS", "MIGRATE", "h", "1", "k", "0", "1", "KEYS"), bulks({"k"}));
  EXPECT_EQ(run("COMMAND", "GETKEYS", "MIGRATE", "h", "1", "k", "0", "1", "KEYS", "a"),
            error("ERR Invalid arguments specified for command"));
}

}  // namespace
}  // namespace skein
