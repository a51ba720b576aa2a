// Sessions and their registry.
#include <skein/session/registry.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skein {
namespace {

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
  EXPECT_THAT(registry.all(), testing::ElementsAre(&a, &c));
  registry.remove(b);
  EXPECT_EQ(registry.size(), 2U);
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
