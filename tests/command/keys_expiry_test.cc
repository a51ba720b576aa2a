// EXPIRE, PERSIST, TTL and their relatives.
#include "fixture.h"

namespace skein {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class Expiry : public CommandTest {
 protected:
  Expiry() {
    run("SET", "k", "v");
    take_effects();
  }
  std::string at(milliseconds from_now) { return std::to_string((wall() + from_now).value); }
};

TEST_F(Expiry, FourWaysToSayWhen) {
  EXPECT_EQ(run("EXPIRE", "k", "10"), integer(1));
  EXPECT_EQ(run("PTTL", "k"), integer(10000));
  EXPECT_EQ(run("PEXPIRE", "k", "1500"), integer(1));
  EXPECT_EQ(run("TTL", "k"), integer(2));
  EXPECT_EQ(run("PEXPIRE", "k", "1499"), integer(1));
  EXPECT_EQ(run("TTL", "k"), integer(1));
  EXPECT_EQ(run("EXPIREAT", "k", "1700000100"), integer(1));
  EXPECT_EQ(run("EXPIRETIME", "k"), integer(1700000100));
  EXPECT_EQ(run("PEXPIREAT", "k", "1700000100600"), integer(1));
  EXPECT_EQ(run("EXPIRETIME", "k"), integer(1700000101));
  EXPECT_EQ(run("PEXPIRETIME", "k"), integer(1700000100600));
  EXPECT_EQ(run("EXPIRE", "none", "10"), integer(0));
  EXPECT_EQ(run("TTL", "none"), integer(-2));
  EXPECT_EQ(run("PEXPIRETIME", "none"), integer(-2));
}

TEST_F(Expiry, LeavesAsAMomentOrARemoval) {
  run("EXPIRE", "k", "10");
  run("PEXPIRE", "k", "20", "LT");
  EXPECT_EQ(run("PERSIST", "k"), integer(1));
  EXPECT_EQ(run("PERSIST", "k"), integer(0));
  EXPECT_EQ(run("TTL", "k"), integer(-1));
  EXPECT_THAT(take_effects(), ElementsAre("0 PEXPIREAT k " + at(10s), "0 PEXPIREAT k " + at(20ms), "0 PERSIST k"));
  EXPECT_EQ(run("EXPIREAT", "k", "1"), integer(1));
  EXPECT_THAT(take_effects(), ElementsAre("0 DEL k"));
  EXPECT_EQ(run("EXISTS", "k"), integer(0));
}

TEST_F(Expiry, AReplicaKeepsWhatIsOverForItsPrimary) {
  keyspace.context().delete_expired = false;
  EXPECT_EQ(run("EXPIRE", "k", "-10"), integer(1));
  EXPECT_EQ(keyspace.total_keys(), 1U);
  EXPECT_EQ(run("GET", "k"), null());
}

TEST_F(Expiry, Conditions) {
  EXPECT_EQ(run("EXPIRE", "k", "100", "XX"), integer(0));
  EXPECT_EQ(run("EXPIRE", "k", "100", "GT"), integer(0));
  EXPECT_EQ(run("EXPIRE", "k", "100", "NX"), integer(1));
  EXPECT_EQ(run("EXPIRE", "k", "200", "NX"), integer(0));
  EXPECT_EQ(run("EXPIRE", "k", "50", "GT"), integer(0));
  EXPECT_EQ(run("EXPIRE", "k", "100", "GT"), integer(0));
  EXPECT_EQ(run("EXPIRE", "k", "200", "gt", "XX"), integer(1));
  EXPECT_EQ(run("EXPIRE", "k", "200", "LT"), integer(0));
  EXPECT_EQ(run("EXPIRE", "k", "100", "LT"), integer(1));
  run("PERSIST", "k");
  EXPECT_EQ(run("EXPIRE", "k", "100", "LT"), integer(1));
}

TEST_F(Expiry, RefusalsInTheirOrder) {
  const auto invalid = [](std::string_view name) {
    return error(fmt::format("ERR invalid expire time in '{}' command", name));
  };
  EXPECT_EQ(run("EXPIRE", "k", "abc", "FOO"), error("ERR Unsupported option FOO"));
  EXPECT_EQ(run("EXPIRE", "k", "1", std::string_view("fo\0o", 4)), error("ERR Unsupported option fo"));
  EXPECT_EQ(run("EXPIRE", "k", "1", "fo\no"), error("ERR Unsupported option fo o"));
  EXPECT_EQ(run("EXPIRE", "k", "abc", "NX", "XX"),
            error("ERR NX and XX, GT or LT options at the same time are not compatible"));
  EXPECT_EQ(run("EXPIRE", "k", "1", "GT", "LT"),
            error("ERR GT and LT options at the same time are not compatible"));
  EXPECT_EQ(run("EXPIRE", "none", "abc"), error("ERR value is not an integer or out of range"));
  EXPECT_EQ(run("EXPIRE", "none", "9223372036854775807"), invalid("expire"));
  EXPECT_EQ(run("EXPIRE", "k", "9223372036854775"), invalid("expire"));
  EXPECT_EQ(run("EXPIREAT", "k", "-9223372036854776"), invalid("expireat"));
  EXPECT_EQ(run("PEXPIRE", "k", "9223372036854775807"), invalid("pexpire"));
  EXPECT_EQ(run("PEXPIREAT", "k", "9223372036854775807"), integer(1));
  EXPECT_EQ(run("EXPIRETIME", "k"), integer(9223372036854776));
  EXPECT_EQ(run("PEXPIRE", "k", "-9223372036854775808"), integer(1));
}

}  // namespace
}  // namespace skein
