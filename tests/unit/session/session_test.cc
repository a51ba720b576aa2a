// Sessions and their registry.
#include <skein/session/registry.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skein {
namespace {

std::vector<Session*> all_of(const SessionRegistry& registry) {
  std::vector<Session*> found;
  for (Session* session : registry.all()) found.push_back(session);
  return found;
}

TEST(SessionRegistry, KeepsSessionsByAgeAndFindsThem) {
  SessionRegistry registry;
  Session a{registry.next_id(), nullptr};
  Session b{registry.next_id(), nullptr};
  Session c{registry.next_id(), nullptr};
  for (Session* session : {&a, &b, &c}) registry.add(*session);
  EXPECT_EQ(registry.find(b.id()), &b);
  EXPECT_EQ(registry.find(99), nullptr);
  registry.remove(b);
  EXPECT_EQ(registry.find(b.id()), nullptr);
  EXPECT_THAT(all_of(registry), testing::ElementsAre(&a, &c));
  registry.remove(b);
  EXPECT_EQ(registry.size(), 2U);
}

// What is done to one session may end others: a paused REPLICAOF that runs at last drops the primary's link.
TEST(SessionRegistry, SessionsThatGoDuringAWalkMakeItPassNobodyOver) {
  SessionRegistry registry;
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < 6; ++i) {
    sessions.push_back(std::make_unique<Session>(registry.next_id(), nullptr));
    registry.add(*sessions.back());
  }
  std::vector<Session*> met;
  for (Session* session : registry.all()) {
    met.push_back(session);
    if (session != sessions[2].get()) continue;
    registry.remove(*sessions[0]);
    registry.remove(*sessions[2]);
    registry.remove(*sessions[4]);
    EXPECT_EQ(registry.find(sessions[4]->id()), nullptr);
    EXPECT_EQ(registry.find(sessions[5]->id()), sessions[5].get());
    EXPECT_THAT(all_of(registry), testing::ElementsAre(sessions[1].get(), sessions[3].get(), sessions[5].get()));
    EXPECT_EQ(registry.size(), 3U);
  }
  EXPECT_THAT(met, testing::ElementsAre(sessions[0].get(), sessions[1].get(), sessions[2].get(), sessions[3].get(),
                                        sessions[5].get()));
  EXPECT_THAT(all_of(registry), testing::ElementsAre(sessions[1].get(), sessions[3].get(), sessions[5].get()));
  Session later{registry.next_id(), nullptr};
  registry.add(later);
  EXPECT_EQ(registry.find(later.id()), &later);
  EXPECT_EQ(registry.size(), 4U);
}

TEST(Session, ReplyOffMutesUntilOn) {
  Session session{1, nullptr};
  session.set_reply_mode(ReplyMode::kOff);
  session.begin_reply();
  session.writer().ok();
  session.end_reply();
  session.begin_reply();
  session.writer().ok();
  EXPECT_TRUE(session.output().empty());
  session.set_reply_mode(ReplyMode::kOn);
  session.writer().ok();
  EXPECT_EQ(session.output().str(), "+OK\r\n");
  EXPECT_FALSE(session.shuts(gate::kReplyMode));
}

TEST(Session, SkipMutesTheNextCommandAlone) {
  Session session{1, nullptr};
  session.set_reply_mode(ReplyMode::kSkipNext);
  session.end_reply();  // of CLIENT REPLY SKIP itself
  session.begin_reply();
  session.writer().integer(1);
  session.end_reply();
  session.begin_reply();
  session.writer().integer(2);
  session.end_reply();
  EXPECT_EQ(session.output().str(), ":2\r\n");
}

}  // namespace
}  // namespace skein
