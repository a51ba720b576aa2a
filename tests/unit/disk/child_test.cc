#include <skein/disk/child.h>

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/io_context.hpp>

namespace skein {
namespace {

class ChildTest : public testing::Test {
 protected:
  void start(const Child::Work& work, std::span<const int> keeps = {}) {
    auto started = Child::start(loop_, keeps, work,
                                {.on_progress = [this](const ChildProgress& told) { told_ = told; },
                                 .on_end = [this](Child::Ending how) { ending_ = std::move(how); }});
    ASSERT_TRUE(started) << started.error().message();
    child_ = std::move(*started);
  }
  void run() { loop_.run(); }

  asio::io_context loop_;
  std::unique_ptr<Child> child_;
  std::optional<Child::Ending> ending_;
  std::optional<ChildProgress> told_;
};

// Of one end, what another process writes into the other.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
  ~Pipe() {
    ::close(ends_[0]);
    if (ends_[1] >= 0) ::close(ends_[1]);
  }
  [[nodiscard]] int in() const { return ends_[1]; }
  std::string read_all() {
    ::close(std::exchange(ends_[1], -1));
    std::string all;
    char buffer[256];
    for (ssize_t got = 0; (got = ::read(ends_[0], buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(got));
    return all;
  }

 private:
  int ends_[2] = {-1, -1};
};

void say(int descriptor, std::string_view text) { (void)!::write(descriptor, text.data(), text.size()); }

TEST_F(ChildTest, DoesItsWorkOnACopy) {
  int number = 1;
  Pipe pipe;
  const int keeps[] = {pipe.in()};
  start(
      [&](ChildReport&) -> Result<void> {
        number += 1;
        say(pipe.in(), std::to_string(number));
        return {};
      },
      keeps);
  run();
  ASSERT_TRUE(ending_);
  EXPECT_TRUE(ending_->outcome);
  EXPECT_EQ(ending_->signal, 0);
  EXPECT_EQ(pipe.read_all(), "2");
  EXPECT_EQ(number, 1);
  EXPECT_GT(child_->fork_time().count(), 0);
}

TEST_F(ChildTest, SaysWhyItFailed) {
  start([](ChildReport&) -> Result<void> { return Error("no room"); });
  run();
  ASSERT_TRUE(ending_);
  ASSERT_FALSE(ending_->outcome);
  EXPECT_EQ(ending_->outcome.error().message(), "no room");
  EXPECT_EQ(ending_->signal, 0);
}

TEST_F(ChildTest, TellsHowFarItIs) {
  start([](ChildReport& report) -> Result<void> {
    for (std::uint64_t i = 0; i <= 5000; ++i) report.note(i);
    return {};
  });
  run();
  ASSERT_TRUE(told_);
  EXPECT_EQ(told_->done, 5000U);
  EXPECT_GT(told_->private_bytes, 0U);
  EXPECT_EQ(child_->progress().done, 5000U);
}

TEST_F(ChildTest, HasNothingOpenButWhatItIsGiven) {
  Pipe given;
  Pipe other;
  const int keeps[] = {given.in()};
  start(
      [&](ChildReport&) -> Result<void> {
        say(given.in(), ::fcntl(other.in(), F_GETFD) < 0 ? "closed" : "open");
        for (int i = 3; i < 256; ++i) {
          if (::fcntl(i, F_GETFD) >= 0) say(given.in(), " +");
        }
        return {};
      },
      keeps);
  run();
  // The one it was given, and its report.
  EXPECT_EQ(given.read_all(), "closed + +");
}

// What the handlers of a server do is not for its children: here they would say so in the pipe.
int handler_pipe = -1;

TEST_F(ChildTest, RunsNoHandlerOfItsParent) {
  Pipe pipe;
  handler_pipe = pipe.in();
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) { say(handler_pipe, "parent's handler"); };
  ASSERT_EQ(sigaction(SIGTERM, &action, &before), 0);
  const int keeps[] = {pipe.in()};
  start(
      [&](ChildReport&) -> Result<void> {
        std::raise(SIGINT);  // meant for the whole group: ignored
        std::raise(SIGTERM);
        say(pipe.in(), "still here");
        return {};
      },
      keeps);
  run();
  sigaction(SIGTERM, &before, nullptr);
  ASSERT_TRUE(ending_);
  EXPECT_EQ(ending_->signal, SIGTERM);
  EXPECT_FALSE(ending_->outcome);
  EXPECT_EQ(pipe.read_all(), "");
}

TEST_F(ChildTest, MayBeKilledFromOutside) {
  start([](ChildReport&) -> Result<void> {
    for (;;) ::pause();
  });
  ::kill(child_->pid(), SIGKILL);
  run();
  ASSERT_TRUE(ending_);
  EXPECT_EQ(ending_->signal, SIGKILL);
}

TEST_F(ChildTest, IsReapedWhenItIsKilled) {
  start([](ChildReport&) -> Result<void> {
    for (;;) ::pause();
  });
  const pid_t pid = child_->pid();
  child_->kill();
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  run();
  EXPECT_FALSE(ending_);
}

TEST_F(ChildTest, IsKilledWhenItIsLetGo) {
  start([](ChildReport&) -> Result<void> {
    for (;;) ::pause();
  });
  const pid_t pid = child_->pid();
  child_.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
  run();
  EXPECT_FALSE(ending_);
}

// A report that was on its way when the child was killed is not told.
TEST_F(ChildTest, IsSilentOnceKilled) {
  start([](ChildReport&) -> Result<void> { return {}; });
  // Without reaping it: it has ended, and its pipe with it.
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child_->pid()), &info, WEXITED | WNOWAIT), 0);
  child_->kill();
  run();
  EXPECT_FALSE(ending_);
}

TEST(ChildReportTest, KnowsWhenNobodyListens) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ChildReport report(ends[1]);
  EXPECT_TRUE(report.note(1));
  EXPECT_TRUE(report.note(2));
  ::close(ends[0]);
  EXPECT_FALSE(report.note(3));
  report.finish({});
  ::close(ends[1]);
}

// Whoever ignores SIGCHLD never learns how a child has ended: that is no success.
TEST_F(ChildTest, WhoseEndIsUnknownHasFailed) {
  struct sigaction before{};
  struct sigaction action{};
  action.sa_handler = SIG_IGN;
  ASSERT_EQ(sigaction(SIGCHLD, &action, &before), 0);
  start([](ChildReport&) -> Result<void> { return {}; });
  run();
  sigaction(SIGCHLD, &before, nullptr);
  ASSERT_TRUE(ending_);
  EXPECT_FALSE(ending_->outcome);
}

TEST_F(ChildTest, MayBeLetGoFromInsideItsEnd) {
  auto started = Child::start(loop_, {}, [](ChildReport&) -> Result<void> { return {}; },
                              {.on_progress = {}, .on_end = [this](Child::Ending how) {
                                 child_.reset();
                                 ending_ = std::move(how);
                               }});
  ASSERT_TRUE(started);
  child_ = std::move(*started);
  run();
  EXPECT_TRUE(ending_);
}

}  // namespace
}  // namespace skein
