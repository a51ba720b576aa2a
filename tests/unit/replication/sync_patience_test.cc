// How long the next full sync waits, by what became of the last ones.
#include <skein/replication/sync_patience.h>

#include <gtest/gtest.h>

#include <vector>

namespace skein {
namespace {

using namespace std::chrono_literals;

class Patience : public testing::Test {
 protected:
  SyncPatience patience;
  MonoTime now{1000s};

  std::int64_t fail(SyncTrouble trouble) {
    patience.on_failed(trouble, "why", now);
    return std::chrono::duration_cast<seconds>(patience.gap(now)).count();
  }
};

TEST_F(Patience, GrowsByTheKindOfTrouble) {
  std::vector<std::int64_t> interrupted;
  for (int i = 0; i < 6; ++i) interrupted.push_back(fail(SyncTrouble::kInterrupted));
  EXPECT_EQ(interrupted, (std::vector<std::int64_t>{0, 2, 4, 8, 8, 8})) << "0: nothing beyond the link's own pace";
  std::vector<std::int64_t> cannot_hold;
  for (int i = 0; i < 4; ++i) cannot_hold.push_back(fail(SyncTrouble::kCannotHold));
  EXPECT_EQ(cannot_hold, (std::vector<std::int64_t>{120, 240, 480, 600}));
  EXPECT_EQ(patience.failures(), 10);
}

// Or whoever cuts the connection now and then would have a full sync each second.
TEST_F(Patience, AnInterruptionInBetweenChangesNothingForOtherTroubles) {
  for (int i = 0; i < 5; ++i) (void)fail(SyncTrouble::kStreamBroken);
  EXPECT_EQ(fail(SyncTrouble::kInterrupted), 0);
  EXPECT_EQ(fail(SyncTrouble::kStreamBroken), 32);
}

TEST_F(Patience, ADataSetThatIsInPlaceMakesGoodForThoseThatWereNot) {
  for (int i = 0; i < 5; ++i) (void)fail(SyncTrouble::kDamaged);
  patience.on_installed(now);
  EXPECT_EQ(patience.failures(), 0);
  EXPECT_EQ(patience.not_before(), MonoTime{});
}

TEST_F(Patience, ABrokenStreamIsForgottenOnlyAfterOneThatLasted) {
  for (int i = 0; i < 5; ++i) (void)fail(SyncTrouble::kStreamBroken);
  patience.on_installed(now);
  now += 300s;
  EXPECT_FALSE(patience.is_over(now));
  EXPECT_EQ(fail(SyncTrouble::kStreamBroken), 32);
  patience.on_installed(now);
  now += 601s;
  EXPECT_TRUE(patience.is_over(now));
  EXPECT_EQ(fail(SyncTrouble::kStreamBroken), 0);
  EXPECT_EQ(patience.failures(), 1);
}

TEST_F(Patience, KeepsNoMoreOfAReasonThanPeopleRead) {
  patience.on_failed(SyncTrouble::kDamaged, std::string(100'000, 'x'), now);
  EXPECT_EQ(patience.why().size(), 512U);
}

}  // namespace
}  // namespace skein
