#include <gtest/gtest.h>

#include <skein/replication/handover.h>

namespace skein {
namespace {

using namespace std::chrono_literals;

const MonoTime kNow{1000s};

HandoverCandidate replica(std::uint16_t port, std::int64_t offset, bool online = true) {
  return {.host = "10.0.0.1", .port = port, .is_online = online, .acknowledged = {offset}};
}

TEST(Handover, WaitsForOneThatHasEverything) {
  Handover handover;
  handover.begin({}, kNow);
  const HandoverCandidate behind[] = {replica(1, 90), replica(2, 99)};
  EXPECT_EQ(handover.judge(behind, {100}, kNow + 1h), HandoverVerdict::kWait);
  EXPECT_EQ(handover.state(), Handover::State::kWaitingForSync);
  const HandoverCandidate level[] = {replica(1, 90), replica(2, 100)};
  EXPECT_EQ(handover.judge(level, {100}, kNow + 1h), HandoverVerdict::kGo);
  EXPECT_EQ(handover.target().port, 2);
  EXPECT_EQ(name_of(handover.state()), "failover-in-progress");
}

TEST(Handover, TakesOnlyTheOneThatWasNamed) {
  Handover handover;
  handover.begin({.host = "10.0.0.1", .port = 1}, kNow);
  const HandoverCandidate replicas[] = {replica(1, 99), replica(2, 100)};
  EXPECT_EQ(handover.judge(replicas, {100}, kNow), HandoverVerdict::kWait);
}

TEST(Handover, OneThatIsNotOnlineIsNoTarget) {
  Handover handover;
  handover.begin({}, kNow);
  const HandoverCandidate replicas[] = {replica(1, 100, false)};
  EXPECT_EQ(handover.judge(replicas, {100}, kNow), HandoverVerdict::kWait);
}

TEST(Handover, EndsWithTimeUnlessForced) {
  const HandoverCandidate replicas[] = {replica(1, 99)};
  Handover patient;
  patient.begin({.timeout = 500ms}, kNow);
  EXPECT_EQ(patient.judge(replicas, {100}, kNow + 499ms), HandoverVerdict::kWait);
  EXPECT_EQ(patient.judge(replicas, {100}, kNow + 500ms), HandoverVerdict::kTimedOut);
  Handover forced;
  forced.begin({.host = "10.0.0.1", .port = 1, .force = true, .timeout = 500ms}, kNow);
  EXPECT_EQ(forced.judge(replicas, {100}, kNow + 500ms), HandoverVerdict::kGo);
  EXPECT_EQ(forced.target().port, 1);
}

}  // namespace
}  // namespace skein
