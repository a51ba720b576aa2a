#include <gtest/gtest.h>

#include <skein/base/random.h>
#include <skein/replication/sync_verdict.h>

namespace skein {
namespace {

constexpr std::size_t kBlock = 16 * 1024;

class SyncVerdicts : public testing::Test {
 protected:
  SyncVerdicts() {
    log_.open();
    log_.append(std::string(100, 'x'));
  }
  SyncVerdict judge(std::string_view id, std::int64_t next_byte) { return judge_sync(id, next_byte, history_, log_); }

  Random random_{1};
  History history_ = History::begin(random_);
  ReplicationLog log_{kBlock};
};

TEST_F(SyncVerdicts, WhoHasAPrefixGoesOn) {
  EXPECT_EQ(judge(history_.id.view(), 1), SyncVerdict::kContinue);
  EXPECT_EQ(judge(history_.id.view(), 51), SyncVerdict::kContinue);
  EXPECT_EQ(judge(history_.id.view(), 101), SyncVerdict::kContinue) << "who has everything too";
}

TEST_F(SyncVerdicts, WithoutAHistoryNobodyGoesOn) {
  EXPECT_EQ(judge("?", -1), SyncVerdict::kNoHistory);
  EXPECT_EQ(judge("?", 1), SyncVerdict::kNoHistory);
}

TEST_F(SyncVerdicts, ForeignHistoriesAreRefused) {
  EXPECT_EQ(judge(std::string(40, 'a'), 1), SyncVerdict::kUnknownId);
  EXPECT_EQ(judge("short", 1), SyncVerdict::kUnknownId);
  EXPECT_EQ(judge("", 1), SyncVerdict::kUnknownId);
  EXPECT_EQ(judge(ReplicationId{}.view(), 1), SyncVerdict::kUnknownId) << "zeros stand for none";
}

TEST_F(SyncVerdicts, NobodyIsAheadOfUs) { EXPECT_EQ(judge(history_.id.view(), 102), SyncVerdict::kAhead); }

TEST_F(SyncVerdicts, TheFormerHistoryIsGoodUpToTheBranch) {
  const ReplicationId former = history_.id;
  history_.branch(random_, log_.end());
  log_.append("more");
  EXPECT_EQ(judge(former.view(), 51), SyncVerdict::kContinue);
  EXPECT_EQ(judge(former.view(), 101), SyncVerdict::kContinue);
  EXPECT_EQ(judge(former.view(), 102), SyncVerdict::kBeyondFormer);
  EXPECT_EQ(judge(history_.id.view(), 105), SyncVerdict::kContinue);
}

TEST_F(SyncVerdicts, WhatIsNoLongerKeptCannotBeSent) {
  log_.append(std::string(10 * kBlock, 'y'));
  EXPECT_EQ(judge(history_.id.view(), 1), SyncVerdict::kTooOld);
  EXPECT_EQ(judge(history_.id.view(), log_.end().value - 100), SyncVerdict::kContinue);
}

TEST_F(SyncVerdicts, ARestartBeginsAnEmptyBacklog) {
  log_.restart(ReplOffset{5000});
  EXPECT_EQ(judge(history_.id.view(), 5000), SyncVerdict::kTooOld);
  EXPECT_EQ(judge(history_.id.view(), 5001), SyncVerdict::kContinue);
}

TEST_F(SyncVerdicts, WithoutABacklogNobodyGoesOn) {
  ReplicationLog closed{kBlock};
  EXPECT_EQ(judge_sync(history_.id.view(), 1, history_, closed), SyncVerdict::kNoBacklog);
}

TEST_F(SyncVerdicts, AnyNumberMayBeAsked) {
  EXPECT_EQ(judge(history_.id.view(), 0), SyncVerdict::kTooOld);
  EXPECT_EQ(judge(history_.id.view(), INT64_MIN), SyncVerdict::kTooOld);
  EXPECT_EQ(judge(history_.id.view(), INT64_MAX), SyncVerdict::kAhead);
}

}  // namespace
}  // namespace skein
