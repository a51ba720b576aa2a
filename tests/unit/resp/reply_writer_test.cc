// The reply writer: every kind of reply in both protocols, to the byte.
#include <skein/resp/reply_writer.h>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace skein {
namespace {

std::string written(int protocol, const std::function<void(ReplyWriter&)>& write) {
  Output output;
  ReplyWriter writer{output};
  writer.set_protocol(protocol);
  write(writer);
  return output.str();
}

struct Case {
  std::function<void(ReplyWriter&)> write;
  std::string resp2;
  std::string resp3;
};

TEST(ReplyWriter, EachKindInBothProtocols) {
  const Case cases[] = {
      {[](auto& w) { w.ok(); }, "+OK\r\n", "+OK\r\n"},
      {[](auto& w) { w.status("PONG"); }, "+PONG\r\n", "+PONG\r\n"},
      {[](auto& w) { w.integer(7); }, ":7\r\n", ":7\r\n"},
      {[](auto& w) { w.integer(-12345); }, ":-12345\r\n", ":-12345\r\n"},
      {[](auto& w) { w.integer(INT64_MIN); }, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
      {[](auto& w) { w.bulk(""); }, "$0\r\n\r\n", "$0\r\n\r\n"},
      {[](auto& w) { w.bulk_integer(-5); }, "$2\r\n-5\r\n", "$2\r\n-5\r\n"},
      {[](auto& w) { w.null(); }, "$-1\r\n", "_\r\n"},
      {[](auto& w) { w.null_array(); }, "*-1\r\n", "_\r\n"},
      {[](auto& w) { w.boolean(true); }, ":1\r\n", "#t\r\n"},
      {[](auto& w) { w.boolean(false); }, ":0\r\n", "#f\r\n"},
      {[](auto& w) { w.real(3.5); }, "$3\r\n3.5\r\n", ",3.5\r\n"},
      {[](auto& w) { w.real(0.1); }, "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"},
      {[](auto& w) { w.real(INFINITY); }, "$3\r\ninf\r\n", ",inf\r\n"},
      {[](auto& w) { w.real(-INFINITY); }, "$4\r\n-inf\r\n", ",-inf\r\n"},
      {[](auto& w) { w.verbatim("txt", "a b"); }, "$3\r\na b\r\n", "=7\r\ntxt:a b\r\n"},
      {[](auto& w) { w.big_number("123"); }, "$3\r\n123\r\n", "(123\r\n"},
      {[](auto& w) { w.array(12); }, "*12\r\n", "*12\r\n"},
      {[](auto& w) { w.map(2); }, "*4\r\n", "%2\r\n"},
      {[](auto& w) { w.set(3); }, "*3\r\n", "~3\r\n"},
      {[](auto& w) { w.push(3); }, "*3\r\n", ">3\r\n"},
      {[](auto& w) { w.error("ERR a\r\nb"); }, "-ERR a  b\r\n", "-ERR a  b\r\n"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(written(2, c.write), c.resp2);
    EXPECT_EQ(written(3, c.write), c.resp3);
  }
}

TEST(ReplyWriter, BulksOfEverySizeClass) {
  for (const std::size_t size : {0U, 9U, 10U, 99U, 100U, 999U, 16383U, 16384U, 100000U}) {
    const std::string value(size, 'v');
    EXPECT_EQ(written(2, [&](auto& w) { w.bulk(value); }), "$" + std::to_string(size) + "\r\n" + value + "\r\n");
  }
}

TEST(ReplyWriter, CountsErrorsAndKnowsTheLastCode) {
  Output output;
  ReplyWriter writer{output};
  writer.error("WRONGTYPE no");
  EXPECT_EQ(writer.last_error_code(), "WRONGTYPE");
  writer.error("ERR");
  EXPECT_EQ(writer.last_error_code(), "ERR");
  EXPECT_EQ(writer.errors(), 2U);
}

TEST(ReplyWriter, AMutedOneWritesNothingAndStillCounts) {
  Output output;
  ReplyWriter writer{output};
  writer.set_muted(true);
  writer.ok();
  writer.bulk("x");
  writer.bulk(std::string(20000, 'x'));
  writer.integer(5);
  writer.integer(500);
  writer.array(3);
  writer.error("ERR x");
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(writer.errors(), 1U);
}

TEST(ReplyWriter, MayWriteElsewhereForAWhile) {
  Output own;
  Output other;
  ReplyWriter writer{own};
  Output& before = writer.redirect(other);
  writer.ok();
  writer.redirect(before);
  writer.integer(1);
  EXPECT_EQ(other.str(), "+OK\r\n");
  EXPECT_EQ(own.str(), ":1\r\n");
}

}  // namespace
}  // namespace skein
