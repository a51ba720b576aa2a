// The string family: replies, errors and their order, encodings, effects.
#include "fixture.h"

namespace skein {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class Strings : public CommandTest {
 protected:
  std::string encoding(std::string_view key) { return run("OBJECT", "ENCODING", key); }
  std::string deadline(milliseconds from_now) { return std::to_string((wall() + from_now).value); }
};

const std::string kSyntax = error("ERR syntax error");
const std::string kNotInteger = error("ERR value is not an integer or out of range");

TEST_F(Strings, SetTakesItsOptionsInAnyOrder) {
  EXPECT_EQ(run("SET", "k", "a", "NX"), ok());
  EXPECT_EQ(run("SET", "k", "b", "nx"), null());
  EXPECT_EQ(run("SET", "k", "b", "XX", "EX", "10"), ok());
  EXPECT_EQ(run("TTL", "k"), integer(10));
  EXPECT_EQ(run("SET", "k", "c", "KEEPTTL", "GET"), bulk("b"));
  EXPECT_EQ(run("TTL", "k"), integer(10));
  EXPECT_EQ(run("SET", "k", "d"), ok());
  EXPECT_EQ(run("TTL", "k"), integer(-1));
  EXPECT_EQ(run("SET", "none", "a", "XX"), null());
  EXPECT_EQ(run("SET", "none", "a", "XX", "GET"), null());
  EXPECT_EQ(run("EXISTS", "none"), integer(0));
}

TEST_F(Strings, SetWithNxAndGetReturnsWhatIsThere) {
  EXPECT_EQ(run("SET", "k", "a", "NX", "GET"), null());
  EXPECT_EQ(run("SET", "k", "b", "GET", "NX"), bulk("a"));
  EXPECT_EQ(run("GET", "k"), bulk("a"));
}

TEST_F(Strings, SetRefusesOptionsThatExcludeEachOther) {
  for (const auto* words : {"SET k v NX XX", "SET k v EX 1 PX 1", "SET k v KEEPTTL EX 1", "SET k v EX 1 KEEPTTL",
                            "SET k v EX", "SET k v PERSIST", "SET k v NX FOO", "GETEX k PERSIST EX 1",
                            "GETEX k EX 1 PERSIST", "GETEX k EX 1 PX 2", "GETEX k KEEPTTL", "GETEX k EX"}) {
    EXPECT_EQ(line(words), kSyntax) << words;
  }
  EXPECT_EQ(line("SET k v EX 10 EX 20"), ok());
  EXPECT_EQ(run("TTL", "k"), integer(20));
}

TEST_F(Strings, ExpiryTimesAreCheckedBeforeAnythingChanges) {
  const auto invalid = [](std::string_view name) {
    return error(fmt::format("ERR invalid expire time in '{}' command", name));
  };
  EXPECT_EQ(line("SET k v EX 0"), invalid("set"));
  EXPECT_EQ(line("SET k v PX -1"), invalid("set"));
  EXPECT_EQ(line("SET k v EX 9223372036854775807"), invalid("set"));
  EXPECT_EQ(line("SET k v EX 9223372036854775"), invalid("set"));
  EXPECT_EQ(line("SET k v PX 9223372036854775807"), invalid("set"));
  EXPECT_EQ(line("SET k v EX abc"), kNotInteger);
  EXPECT_EQ(line("SETEX k 0 v"), invalid("setex"));
  EXPECT_EQ(line("PSETEX k 0 v"), invalid("psetex"));
  EXPECT_EQ(line("GETEX k EX 0"), null());
  EXPECT_EQ(run("EXISTS", "k"), integer(0));
  EXPECT_EQ(line("SET k v PXAT 9223372036854775807"), ok());
  EXPECT_EQ(line("GETEX k EX 0"), invalid("getex"));
  EXPECT_EQ(line("GETEX k EX abc"), kNotInteger);
}

TEST_F(Strings, ExpiriesLeaveAsAbsoluteTimes) {
  run("SET", "k", "v", "EX", "10");
  EXPECT_THAT(take_effects(), ElementsAre("0 SET k v PXAT " + deadline(10s)));
  run("SETEX", "k", "3", "v");
  EXPECT_THAT(take_effects(), ElementsAre("0 SET k v PXAT " + deadline(3s)));
  run("PSETEX", "k", "7", "v");
  EXPECT_THAT(take_effects(), ElementsAre("0 SET k v PXAT " + deadline(7ms)));
  run("SET", "k", "w", "GET", "KEEPTTL");
  EXPECT_THAT(take_effects(), ElementsAre("0 SET k w KEEPTTL"));
  run("SET", "k", "w", "GET");
  EXPECT_THAT(take_effects(), ElementsAre("0 SET k w"));
  run("SET", "k", "w", "NX");
  EXPECT_THAT(take_effects(), IsEmpty());
  run("GETEX", "k", "PX", "5");
  EXPECT_THAT(take_effects(), ElementsAre("0 PEXPIREAT k " + deadline(5ms)));
  run("GETEX", "k", "PERSIST");
  run("GETEX", "k", "PERSIST");
  run("GETEX", "k");
  EXPECT_THAT(take_effects(), ElementsAre("0 PERSIST k"));
  EXPECT_EQ(run("GETEX", "k", "EXAT", "1"), bulk("w"));
  EXPECT_THAT(take_effects(), ElementsAre("0 DEL k"));
  EXPECT_EQ(run("EXISTS", "k"), integer(0));
}

TEST_F(Strings, AKeyIsThereUntilItsMillisecondHasPassed) {
  run("SET", "k", "v", "PX", "100");
  advance(100ms);
  EXPECT_EQ(run("GET", "k"), bulk("v"));
  advance(1ms);
  take_effects();
  EXPECT_EQ(run("GET", "k"), null());
  EXPECT_THAT(take_effects(), ElementsAre("0 DEL k"));
}

TEST_F(Strings, RemovalOfAnExpiredKeyLeavesBeforeWhatFollows) {
  run("SET", "k", "5", "PX", "100");
  advance(200ms);
  effects.lines.clear();
  EXPECT_EQ(run("INCR", "k"), integer(1));
  EXPECT_THAT(effects.lines, ElementsAre("0 DEL k", "0 INCR k"));
}

TEST_F(Strings, GetdelAndGetset) {
  EXPECT_EQ(run("GETDEL", "k"), null());
  EXPECT_EQ(run("GETSET", "k", "1"), null());
  EXPECT_EQ(encoding("k"), bulk("int"));
  EXPECT_EQ(run("GETSET", "k", "2"), bulk("1"));
  EXPECT_EQ(run("GETDEL", "k"), bulk("2"));
  EXPECT_THAT(take_effects(), ElementsAre("0 SET k 1", "0 SET k 2", "0 DEL k"));
}

TEST_F(Strings, ManyAtOnce) {
  EXPECT_EQ(run("MSET", "a", "1", "b", "2", "a", "3"), ok());
  EXPECT_EQ(run("MGET", "a", "none", "b"), array({bulk("3"), null(), bulk("2")}));
  EXPECT_EQ(run("MSETNX", "c", "1", "a", "2"), integer(0));
  EXPECT_EQ(run("EXISTS", "c"), integer(0));
  EXPECT_EQ(run("MSETNX", "c", "1", "d", "2"), integer(1));
  EXPECT_EQ(run("MSET", "a", "1", "b"), error("ERR wrong number of arguments for 'mset' command"));
  EXPECT_EQ(run("MSETNX", "a", "1", "b"), error("ERR wrong number of arguments for 'msetnx' command"));
  EXPECT_EQ(run("SETNX", "e", "1"), integer(1));
  EXPECT_EQ(run("SETNX", "e", "2"), integer(0));
}

TEST_F(Strings, ManyMoreKeysThanOneBatchFetchesAhead) {
  std::vector<std::string> words{"MSET"};
  std::vector<std::string> values;
  for (int i = 0; i < 100; ++i) {
    words.push_back("k" + std::to_string(i));
    values.push_back("v" + std::to_string(i));
    words.push_back(values.back());
  }
  EXPECT_EQ(run(words), ok());
  std::vector<std::string> keys{"MGET"};
  for (std::size_t i = 1; i < words.size(); i += 2) keys.push_back(words[i]);
  EXPECT_EQ(run(keys), bulks(values));
  keys[0] = "DEL";
  EXPECT_EQ(run(keys), integer(100));
}

TEST_F(Strings, CountingStopsAtTheEdges) {
  EXPECT_EQ(run("INCR", "n"), integer(1));
  EXPECT_EQ(run("INCRBY", "n", "9223372036854775806"), integer(INT64_MAX));
  EXPECT_EQ(run("INCR", "n"), error("ERR increment or decrement would overflow"));
  EXPECT_EQ(run("DECRBY", "n", "-9223372036854775808"), error("ERR decrement would overflow"));
  run("SET", "n", "-9223372036854775808");
  EXPECT_EQ(run("DECR", "n"), error("ERR increment or decrement would overflow"));
  EXPECT_EQ(run("INCRBY", "n", "1.5"), kNotInteger);
  run("SET", "n", "abc");
  EXPECT_EQ(run("INCR", "n"), kNotInteger);
  run("SET", "n", " 1");
  EXPECT_EQ(run("DECRBY", "n", "1"), kNotInteger);
  EXPECT_EQ(run("DECRBY", "m", "5"), integer(-5));
}

TEST_F(Strings, CountingKeepsTheExpiry) {
  run("SET", "n", "10", "EX", "100");
  EXPECT_EQ(run("INCR", "n"), integer(11));
  EXPECT_EQ(run("INCRBYFLOAT", "n", "0.5"), bulk("11.5"));
  EXPECT_EQ(run("TTL", "n"), integer(100));
}

TEST_F(Strings, FloatSumsAreTextAndLeaveAsTheSum) {
  EXPECT_EQ(run("INCRBYFLOAT", "f", "3.0"), bulk("3"));
  EXPECT_EQ(encoding("f"), bulk("embstr"));
  EXPECT_EQ(run("INCRBYFLOAT", "f", "1e2"), bulk("103"));
  EXPECT_EQ(run("INCRBYFLOAT", "f", "-0.00000000000000001"), bulk("102.99999999999999999"));
  EXPECT_THAT(take_effects(), ElementsAre("0 SET f 3 KEEPTTL", "0 SET f 103 KEEPTTL",
                                          "0 SET f 102.99999999999999999 KEEPTTL"));
  EXPECT_EQ(run("INCRBYFLOAT", "f", "inf"), error("ERR increment would produce NaN or Infinity"));
  for (const auto* word : {"abc", "nan", " 1", "1 ", "", "1e5000"}) {
    EXPECT_EQ(run("INCRBYFLOAT", "f", word), error("ERR value is not a valid float")) << word;
  }
  EXPECT_EQ(run("INCRBYFLOAT", "f", "1e400").substr(0, 5), "$401\r");
  EXPECT_EQ(encoding("f"), bulk("raw"));
}

TEST_F(Strings, EncodingsFollowTheWayAValueCame) {
  run("SET", "k", "12");
  EXPECT_EQ(encoding("k"), bulk("int"));
  run("APPEND", "k", "");
  EXPECT_EQ(encoding("k"), bulk("raw"));
  EXPECT_EQ(run("COPY", "k", "c"), integer(1));
  EXPECT_EQ(encoding("c"), bulk("raw"));
  EXPECT_EQ(run("INCR", "c"), integer(13));
  EXPECT_EQ(encoding("c"), bulk("int"));
  EXPECT_EQ(run("APPEND", "new", "12"), integer(2));
  EXPECT_EQ(encoding("new"), bulk("int"));
  run("SETRANGE", "r", "0", "1");
  EXPECT_EQ(encoding("r"), bulk("raw"));
  run("SET", "s", std::string(44, 'x'));
  EXPECT_EQ(encoding("s"), bulk("embstr"));
  run("SET", "s", std::string(45, 'x'));
  EXPECT_EQ(encoding("s"), bulk("raw"));
  run("SET", "s", "0012");
  EXPECT_EQ(encoding("s"), bulk("embstr"));
  run("SET", "s", "9223372036854775808");
  EXPECT_EQ(encoding("s"), bulk("embstr"));
}

TEST_F(Strings, AppendAndStrlen) {
  EXPECT_EQ(run("APPEND", "k", "ab"), integer(2));
  EXPECT_EQ(run("APPEND", "k", "cd"), integer(4));
  EXPECT_EQ(run("GET", "k"), bulk("abcd"));
  EXPECT_EQ(run("STRLEN", "k"), integer(4));
  EXPECT_EQ(run("STRLEN", "none"), integer(0));
  std::string grown = "abcd";
  for (int i = 0; i < 300; ++i) {
    grown += std::string(static_cast<std::size_t>(i), 'x');
    run("APPEND", "k", std::string(static_cast<std::size_t>(i), 'x'));
  }
  EXPECT_EQ(run("GET", "k"), bulk(grown));
}

TEST_F(Strings, PartsOfAString) {
  run("SET", "k", "Hello");
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"0", "-1", "Hello"}, {"1", "2", "el"},   {"-3", "-2", "ll"}, {"-2", "-3", ""},  {"3", "1", ""},
      {"9", "10", ""},      {"0", "99", "Hello"}, {"-99", "1", "He"}, {"-99", "-98", "H"}, {"2", "-9", ""}};
  for (const auto& [start, end, expected] : cases) {
    EXPECT_EQ(run("GETRANGE", "k", start, end), bulk(expected)) << start << ' ' << end;
    EXPECT_EQ(run("SUBSTR", "k", start, end), bulk(expected)) << start << ' ' << end;
  }
  EXPECT_EQ(run("GETRANGE", "k", "-9223372036854775808", "9223372036854775807"), bulk("Hello"));
  EXPECT_EQ(run("GETRANGE", "none", "0", "1"), bulk(""));
  EXPECT_EQ(run("GETRANGE", "k", "a", "1"), kNotInteger);
  run("SET", "n", "12345");
  EXPECT_EQ(run("GETRANGE", "n", "1", "2"), bulk("23"));
}

TEST_F(Strings, SetrangeFillsTheGapWithZeroes) {
  EXPECT_EQ(run("SETRANGE", "k", "3", "ab"), integer(5));
  EXPECT_EQ(run("GET", "k"), bulk(std::string_view("\0\0\0ab", 5)));
  EXPECT_EQ(run("SETRANGE", "k", "1", "x"), integer(5));
  EXPECT_EQ(run("SETRANGE", "k", "99", ""), integer(5));
  EXPECT_EQ(run("SETRANGE", "none", "99", ""), integer(0));
  EXPECT_EQ(run("EXISTS", "none"), integer(0));
  EXPECT_EQ(run("SETRANGE", "k", "-1", "x"), error("ERR offset is out of range"));
  const std::string too_long = error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  EXPECT_EQ(run("SETRANGE", "k", "536870912", "x"), too_long);
  EXPECT_EQ(run("SETRANGE", "k", "9223372036854775807", "xx"), too_long);
  ASSERT_TRUE(config.set("proto-max-bulk-len", "1048576").has_value());
  run("SETRANGE", "k", "1048570", "abcdef");
  EXPECT_EQ(run("APPEND", "k", "x"), too_long);
}

TEST_F(Strings, ReadsCountAsHitsAndMisses) {
  run("SET", "k", "v");
  const auto& counts = keyspace.context();
  run("GET", "k");
  run("GET", "none");
  run("MGET", "k", "none", "k");
  EXPECT_EQ(counts.hits, 3U);
  EXPECT_EQ(counts.misses, 2U);
  run("SET", "k", "v", "GET");
  EXPECT_EQ(counts.hits, 4U);
  run("APPEND", "k", "x");
  run("SET", "n", "1");
  run("INCR", "n");
  run("SETNX", "none", "v");
  EXPECT_EQ(counts.hits, 4U);
  EXPECT_EQ(counts.misses, 2U);
}

}  // namespace
}  // namespace skein
