// The gates: what is refused, with which words, in which order; what is queued, paused and
// counted. On commands made for the purpose.
#include <skein/dispatch/dispatcher.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <skein/session/watch.h>

namespace skein {

// Handlers of this test share nothing.
struct Services {
  Dispatcher* dispatcher = nullptr;
};

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void answer_ok(Call& call) { call.reply.ok(); }
void write(Call& call) {
  call.db().set_string(call.key(1), "v");
  call.reply.ok();
}
void fail(Call& call) { call.reply.error("WRONGTYPE no"); }
void begin(Call& call) {
  call.session.begin_transaction();
  call.reply.ok();
}
void execute(Call& call) {
  call.propagate_nothing();
  call.services.dispatcher->run_transaction(call.session, call.reply);
}
void wait(Call& call) { call.suspend(SuspendReason::kPaused); }

constexpr CommandSpec kPing{.name = "PING", .arity = -1, .flags = flag::kFast, .handler = answer_ok};
constexpr CommandSpec kAuth{.name = "AUTH", .arity = -2, .flags = flag::kNoAuth | flag::kLoading | flag::kStale,
                            .handler = answer_ok};
constexpr CommandSpec kRead{.name = "READ", .arity = 2, .flags = flag::kReadOnly,
                            .keys = {key_at(1, key_use::kReadOnly)}, .handler = answer_ok};
constexpr CommandSpec kWrite{.name = "WRITE", .arity = 2, .flags = flag::kWrite | flag::kDenyOom,
                             .keys = {key_at(1, key_use::kOverwrite)}, .handler = write};
constexpr CommandSpec kFail{.name = "FAIL", .arity = 1, .handler = fail};
constexpr CommandSpec kMulti{.name = "MULTI", .arity = 1, .flags = flag::kRunsInMulti | flag::kLoading | flag::kStale,
                             .handler = begin};
constexpr CommandSpec kExec{.name = "EXEC", .arity = 1,
                            .flags = flag::kRunsInMulti | flag::kExecutes | flag::kLoading | flag::kStale,
                            .handler = execute};
constexpr CommandSpec kNoMulti{.name = "ALONE", .arity = 1, .flags = flag::kNoMulti, .handler = answer_ok};
constexpr CommandSpec kDebug{.name = "DEBUG", .arity = -1, .flags = flag::kDebug, .handler = answer_ok};
constexpr CommandSpec kWait{.name = "WAIT", .arity = 1, .handler = wait};
constexpr CommandSpec kSub{.name = "SUB", .arity = 3, .handler = answer_ok};
constexpr const CommandSpec* kSubs[] = {&kSub};
constexpr CommandSpec kBox{.name = "BOX", .arity = -2, .subcommands = kSubs};
constexpr const CommandSpec* kAll[] = {&kPing,  &kAuth, &kRead,    &kWrite, &kFail, &kMulti,
                                       &kExec, &kNoMulti, &kDebug, &kWait, &kBox};

class Effects : public EffectSink {
 public:
  std::vector<std::string> lines;
  void add(int db, std::span<const std::string_view> arguments) override {
    lines.push_back(fmt::format("{} {}", db, fmt::join(arguments, " ")));
  }
  void begin_unit() override { lines.emplace_back("begin"); }
  void end_unit() override { lines.emplace_back("end"); }
};

class FixedRouter : public Router {
 public:
  std::optional<std::string> answer;
  std::optional<std::string> refuse(const Command&, std::span<const std::string_view>, const Session&) override {
    return answer;
  }
  std::optional<std::string> refuse_transaction(const Transaction&, const Session&) override { return answer; }
};

class Gates : public testing::Test {
 protected:
  Gates() {
    services.dispatcher = &dispatcher;
    dispatcher.set_effects(&effects);
  }

  std::string run(std::vector<std::string_view> words) {
    dispatcher.begin_batch();
    Prepared request{.arguments = words};
    dispatcher.prepare(request, session.db);
    last = dispatcher.dispatch(session, request);
    return take();
  }
  std::string take() {
    std::string bytes = session.output().str();
    session.output().clear();
    return bytes;
  }
  [[nodiscard]] const CommandFigures& figures(std::string_view name) const {
    return stats.figures()[table.find(name)->index];
  }

  CommandTable table{kAll};
  Keyspace keyspace{2, false, 1};
  Services services;
  CommandStats stats{table.all().size()};
  Slowlog slowlog;
  NodeFacts facts;
  Effects effects;
  FixedRouter router;
  Dispatcher dispatcher{{.commands = table, .keyspace = keyspace, .services = services, .stats = stats,
                         .slowlog = slowlog, .facts = facts}};
  WatchTable watch{keyspace};
  Session session{1, nullptr};
  Dispatched last = Dispatched::kDone;
};

TEST_F(Gates, UnknownCommandsAreQuotedAndCut) {
  EXPECT_EQ(run({"foo"}), "-ERR unknown command 'foo', with args beginning with: \r\n");
  EXPECT_EQ(run({"foo", "a", "b\n"}), "-ERR unknown command 'foo', with args beginning with: 'a' 'b ' \r\n");
  EXPECT_EQ(run({std::string_view("f\0o", 3), std::string_view("a\0b", 3)}),
            "-ERR unknown command 'f', with args beginning with: 'a' \r\n");
  const std::string many(200, 'x');
  EXPECT_EQ(run({many, many, "b"}), "-ERR unknown command '" + many.substr(0, 128) +
                                        "', with args beginning with: '" + many.substr(0, 128) + "' \r\n");
  const std::string nearly(124, 'x');
  EXPECT_EQ(run({"foo", nearly, "bcd", "e"}),
            "-ERR unknown command 'foo', with args beginning with: '" + nearly + "' 'b' \r\n");
  EXPECT_EQ(run({"box", "foo"}), "-ERR unknown subcommand 'foo'. Try BOX HELP.\r\n");
  EXPECT_EQ(stats.errors().at("ERR"), 6U);
}

TEST_F(Gates, ArityIsThatOfTheSubcommand) {
  EXPECT_EQ(run({"read"}), "-ERR wrong number of arguments for 'read' command\r\n");
  EXPECT_EQ(run({"box"}), "-ERR wrong number of arguments for 'box' command\r\n");
  EXPECT_EQ(run({"box", "sub"}), "-ERR wrong number of arguments for 'box|sub' command\r\n");
  EXPECT_EQ(figures("read").rejected, 1U);
  EXPECT_EQ(figures("read").calls, 0U);
}

TEST_F(Gates, AuthenticationComesAfterNameAndArity) {
  session.shut(gate::kAuth, true);
  EXPECT_EQ(run({"read", "k"}), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(run({"read"}), "-ERR wrong number of arguments for 'read' command\r\n");
  EXPECT_EQ(run({"foo"}).substr(0, 12), "-ERR unknown");
  EXPECT_EQ(run({"auth", "x"}), "+OK\r\n");
  EXPECT_EQ(run({"exec"}), "-EXECABORT Transaction discarded because of: NOAUTH Authentication required.\r\n");
}

TEST_F(Gates, DebugIsForThoseItIsAllowedFor) {
  facts.gates = gate::kDebug;
  EXPECT_EQ(run({"debug"}).substr(0, 30), "-ERR DEBUG command not allowed");
  session.local = true;
  facts.debug_for_local = true;
  EXPECT_EQ(run({"debug"}), "+OK\r\n");
}

TEST_F(Gates, RoutingComesBeforeTheRefusals) {
  facts.gates = gate::kCluster | gate::kMemory;
  facts.router = &router;
  const std::vector<std::uint8_t> none(kSlotCount, 0);
  facts.served_slots = none.data();
  router.answer = "MOVED 1 127.0.0.1:7000";
  EXPECT_EQ(run({"write", "k"}), "-MOVED 1 127.0.0.1:7000\r\n");
  EXPECT_EQ(run({"ping"}), "+OK\r\n");
  router.answer.reset();
  EXPECT_EQ(run({"write", "k"}), "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  EXPECT_EQ(run({"read", "k"}), "+OK\r\n");
}

TEST_F(Gates, ASlotServedHereNeedsNoRouter) {
  facts.gates = gate::kCluster;
  const std::vector<std::uint8_t> all(kSlotCount, 1);
  facts.served_slots = all.data();
  EXPECT_EQ(run({"read", "k"}), "+OK\r\n");
}

TEST_F(Gates, RefusalsByFlag) {
  facts.gates = gate::kReadOnly;
  EXPECT_EQ(run({"write", "k"}), "-READONLY You can't write against a read only replica.\r\n");
  EXPECT_EQ(run({"read", "k"}), "+OK\r\n");
  facts.gates = gate::kLoading;
  EXPECT_EQ(run({"read", "k"}), "-LOADING Redis is loading the dataset in memory\r\n");
  EXPECT_EQ(run({"auth", "x"}), "+OK\r\n");
  facts.gates = gate::kStale;
  EXPECT_EQ(run({"ping"}).substr(0, 11), "-MASTERDOWN");
}

TEST_F(Gates, MultiQueuesAndExecRuns) {
  run({"multi"});
  EXPECT_EQ(run({"write", "k"}), "+QUEUED\r\n");
  EXPECT_EQ(run({"fail"}), "+QUEUED\r\n");
  EXPECT_EQ(keyspace.total_keys(), 0U);
  EXPECT_EQ(session.transaction->bytes, 10U);
  EXPECT_EQ(run({"exec"}), "*2\r\n+OK\r\n-WRONGTYPE no\r\n");
  EXPECT_THAT(effects.lines, ElementsAre("begin", "0 write k", "end"));
  EXPECT_EQ(session.transaction, nullptr);
  EXPECT_EQ(figures("write").calls, 1U);
  EXPECT_EQ(figures("fail").failed, 1U);
}

TEST_F(Gates, ARefusedCallSpoilsTheTransaction) {
  run({"multi"});
  run({"foo"});
  EXPECT_TRUE(session.transaction->refused);
  EXPECT_EQ(run({"write", "k"}), "+QUEUED\r\n");
  EXPECT_THAT(session.transaction->calls, IsEmpty());
  EXPECT_EQ(run({"exec", "x"}),
            "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n");
  EXPECT_EQ(session.transaction, nullptr);
  run({"multi"});
  EXPECT_EQ(run({"alone"}), "-ERR Command not allowed inside a transaction\r\n");
  EXPECT_TRUE(session.transaction->refused);
}

TEST_F(Gates, ARefusedExecUnwatches) {
  watch.watch(session, 0, keyspace.db(0).ref("k"));
  run({"multi"});
  run({"exec", "x"});
  EXPECT_TRUE(session.watched.empty());
}

TEST_F(Gates, ExecIsJudgedByTheCallsItHolds) {
  run({"multi"});
  run({"read", "k"});
  facts.gates = gate::kReadOnly | gate::kLoading | gate::kStale;
  EXPECT_EQ(run({"exec"}).substr(0, 53), "-EXECABORT Transaction discarded because of: MASTERDO");
  run({"multi"});
  facts.gates = 0;
  run({"read", "k"});
  facts.gates = gate::kReadOnly;
  EXPECT_EQ(run({"exec"}), "*1\r\n+OK\r\n");
  run({"multi"});
  facts.gates = 0;
  run({"write", "k"});
  facts.gates = gate::kReadOnly;
  EXPECT_EQ(run({"exec"}),
            "-EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.\r\n");
}

TEST_F(Gates, NothingThatAddsIsQueuedWhileMemoryIsShort) {
  run({"multi"});
  run({"read", "k"});
  facts.gates = gate::kMemory;
  EXPECT_EQ(run({"read", "k"}), "+QUEUED\r\n");
  EXPECT_EQ(session.transaction->refused, false);
  EXPECT_EQ(run({"write", "k"}).substr(0, 4), "-OOM");
  EXPECT_EQ(session.transaction->refused, true);
}

TEST_F(Gates, ARedirectedExecEndsItsTransaction) {
  run({"multi"});
  run({"read", "k"});
  facts.gates = gate::kCluster;
  facts.router = &router;
  router.answer = "MOVED 1 127.0.0.1:7000";
  EXPECT_EQ(run({"exec"}), "-MOVED 1 127.0.0.1:7000\r\n");
  EXPECT_EQ(session.transaction, nullptr);
}

TEST_F(Gates, APauseSuspendsAndResumingRuns) {
  facts.gates = gate::kPauseWrite;
  EXPECT_EQ(run({"read", "k"}), "+OK\r\n");
  EXPECT_EQ(run({"write", "k"}), "");
  EXPECT_EQ(last, Dispatched::kSuspended);
  ASSERT_NE(session.suspended, nullptr);
  EXPECT_EQ(session.suspended->reason, SuspendReason::kPaused);
  facts.gates = 0;
  EXPECT_EQ(dispatcher.resume(session), Dispatched::kDone);
  EXPECT_EQ(take(), "+OK\r\n");
  EXPECT_EQ(session.suspended, nullptr);
  EXPECT_EQ(keyspace.total_keys(), 1U);
  facts.gates = gate::kPauseAll;
  EXPECT_EQ(run({"read", "k"}), "");
  EXPECT_EQ(last, Dispatched::kSuspended);
}

TEST_F(Gates, AHandlerMaySuspendItsCall) {
  EXPECT_EQ(run({"wait"}), "");
  EXPECT_EQ(last, Dispatched::kSuspended);
  EXPECT_THAT(session.suspended->call.arguments, ElementsAre("wait"));
  EXPECT_EQ(figures("wait").calls, 1U);  // it has run: what is still to come is its reply
}

TEST_F(Gates, SlowCallsAreKept) {
  facts.slow_ticks = 0;
  run({"read", "k"});
  ASSERT_EQ(slowlog.calls().size(), 1U);
  EXPECT_THAT(slowlog.calls()[0].arguments, ElementsAre("read", "k"));
}

TEST_F(Gates, ReadingAKeyThatHasExpiredGivesItsRemovalAsTheOnlyEffect) {
  keyspace.context().collect_removals = true;
  keyspace.db(0).set_string_until(keyspace.db(0).ref("k"), "v", UnixMillis{5});
  keyspace.context().now = {10};
  (void)keyspace.db(0).find(keyspace.db(0).ref("k"));
  run({"ping"});
  EXPECT_THAT(effects.lines, ElementsAre("0 DEL k"));
}

}  // namespace
}  // namespace skein
