#include <gtest/gtest.h>

#include <skein/cluster/failover/data_age.h>

namespace skein {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{std::chrono::hours{1}};
constexpr milliseconds kNever = milliseconds::max();

TEST(DataAge, IsNothingUntilAPrimaryHasBeenReached) {
  DataAge age;
  EXPECT_EQ(age.at(kStart), kNever);
  age.on_silence(kNever, kStart);
  EXPECT_EQ(age.at(kStart), kNever);
  age.on_silence(300ms, kStart);
  EXPECT_EQ(age.at(kStart + 1s), 1300ms);
}

TEST(DataAge, CountsFromTheFirstOfSeveralChanges) {
  DataAge age;
  age.on_silence(3s, kStart);
  age.on_heir(3s, kStart);
  EXPECT_EQ(age.at(kStart + 5s), 5s);
  age.on_silence(kNever, kStart + 5s);
  age.on_heir(3s, kStart + 6s);
  EXPECT_EQ(age.at(kStart + 7s), 7s) << "what the first heir has written is missing";
  age.on_silence(100ms, kStart + 8s);
  EXPECT_EQ(age.at(kStart + 8s), 100ms);
}

TEST(DataAge, WhatWasMissingBeforeThePrimaryDiedIsStillMissing) {
  DataAge age;
  age.on_silence(33s, kStart);
  age.on_heir(3s, kStart);
  EXPECT_EQ(age.at(kStart), 30s);
  age.on_silence(1s, kStart);
  age.on_heir(5s, kStart);
  EXPECT_EQ(age.at(kStart), 0s) << "it was heard until it died, and not longer";
}

TEST(DataAge, OfAPrimaryIsThatOfItsLastLease) {
  DataAge age;
  age.on_serving(kStart);
  age.on_heir(3s, kStart + 4s);
  EXPECT_EQ(age.at(kStart + 5s), 5s);
}

TEST(DataAge, ANewLinkTakesNothingAwayButALossDoes) {
  DataAge age;
  age.on_silence(0ms, kStart);
  age.on_new_link();
  age.on_silence(kNever, kStart + 1s);
  EXPECT_EQ(age.at(kStart + 1s), 1s);
  age.on_silence(0ms, kStart + 2s);
  age.on_silence(kNever, kStart + 3s);
  EXPECT_EQ(age.at(kStart + 3s), kNever);
  age.on_silence(0ms, kStart + 4s);
  age.on_lost();
  EXPECT_EQ(age.at(kStart + 4s), kNever);
}

}  // namespace
}  // namespace skein
