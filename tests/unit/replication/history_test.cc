#include <gtest/gtest.h>

#include <skein/replication/history.h>

namespace skein {
namespace {

TEST(History, OneThatBranchesStillIncludesWhatCameBefore) {
  Random random(1);
  History history = History::begin(random);
  const ReplicationId before = history.id;
  history.branch(random, ReplOffset{100});
  EXPECT_NE(history.id, before);
  EXPECT_TRUE(history.includes(before, ReplOffset{100}));
  EXPECT_FALSE(history.includes(before, ReplOffset{101}));
  EXPECT_TRUE(history.includes(history.id, ReplOffset{101}));
}

TEST(History, KnowsOnlyTheLastNameBeforeItsOwn) {
  Random random(2);
  History history = History::begin(random);
  const ReplicationId first = history.id;
  history.branch(random, ReplOffset{10});
  history.branch(random, ReplOffset{20});
  EXPECT_FALSE(history.includes(first, ReplOffset{5}));
}

TEST(History, RenamingToItsOwnNameChangesNothing) {
  Random random(3);
  History history = History::begin(random);
  history.rename(history.id, ReplOffset{7});
  EXPECT_FALSE(history.former.has_value());
}

TEST(History, IncludesNobodyWithoutOne) {
  Random random(4);
  EXPECT_FALSE(History::begin(random).includes(ReplicationId{}, ReplOffset{}));
}

}  // namespace
}  // namespace skein
