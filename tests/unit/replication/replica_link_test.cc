// The link to the primary: every answer, cut at every byte, and every way to fail.
#include <skein/replication/replica_link.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace skein {
namespace {

using namespace link_effect;
using namespace std::chrono_literals;

const std::string kId(40, 'a');
const std::string kOtherId(40, 'b');
const std::string kMark = "0123456789abcdef0123456789abcdef01234567";
constexpr std::string_view kOk = "+OK\r\n";

ReplicationId id_of(const std::string& text) { return *ReplicationId::parse(text); }

// The machine with an owner that notes what it is told, bytes of one kind joined.
class Linked : public testing::Test {
 protected:
  ReplicaLink link{{.user = {}, .password = {}, .listening_port = 7001, .announced_ip = {}, .timeout = 60s}};
  MonoTime now{1000s};
  std::optional<ReplicaLink::Place> place = ReplicaLink::Place{id_of(kId), ReplOffset{100}};

  std::vector<std::string> told;  // but for bytes and log lines
  std::string sent;
  std::string payload;
  std::string stream;
  std::string said;
  int connects = 0;
  bool install_at_once = true;

  void take(const ReplicaLink::Effects& effects) {
    for (const LinkEffect& effect : effects) std::visit([this](const auto& one) { note(one); }, effect);
  }
  void note(const Connect&) {
    ++connects;
    told.emplace_back("connect");
  }
  void note(const Close&) { told.emplace_back("close"); }
  void note(const Send& effect) { sent += effect.bytes; }
  void note(const BeginFullSync& effect) {
    told.push_back(fmt::format("begin {} {} {}", effect.id ? effect.id->str().substr(0, 2) : "none", effect.offset.value,
                               effect.length ? fmt::format("{}", *effect.length) : "eof"));
  }
  void note(const Payload& effect) { payload += effect.bytes; }
  void note(const PayloadComplete&) {
    told.emplace_back("complete");
    if (install_at_once) take(link.on_installed(now));
  }
  void note(const AbandonFullSync&) { told.emplace_back("abandon"); }
  void note(const Continue& effect) {
    told.push_back(effect.id ? "continue as " + effect.id->str().substr(0, 2) : "continue");
  }
  void note(const Stream& effect) { stream += effect.bytes; }
  void note(const Acknowledge&) { told.emplace_back("acknowledge"); }
  void note(const TakeOverAnswered& effect) { told.emplace_back(effect.taken ? "taken" : "refused"); }
  void note(const Say& effect) { said += effect.text + "\n"; }

  void feed(std::string_view bytes, std::size_t piece = SIZE_MAX) {
    while (!bytes.empty()) {
      // A copy with nothing behind it: what is kept must be the machine's own.
      const std::string part(bytes.substr(0, piece));
      take(link.on_bytes(part, place, now));
      bytes.remove_prefix(part.size());
    }
  }
  void connect() {
    take(link.follow("127.0.0.1:6379", now));
    take(link.on_connected(now));
  }
  void introduce() {
    connect();
    feed("+PONG\r\n+OK\r\n+OK\r\n");
  }
  std::vector<std::string> take_told() { return std::exchange(told, {}); }
  using Told = std::vector<std::string>;
};

TEST_F(Linked, SaysWhatRedisSays) {
  link.set({.user = "u", .password = "p", .listening_port = 7001, .announced_ip = "10.0.0.1", .timeout = 60s});
  connect();
  EXPECT_EQ(sent, "*1\r\n$4\r\nPING\r\n");
  sent.clear();
  feed("+PONG\r\n");
  EXPECT_EQ(sent,
            "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n"
            "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n7001\r\n"
            "*3\r\n$8\r\nREPLCONF\r\n$10\r\nip-address\r\n$8\r\n10.0.0.1\r\n"
            "*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n");
  sent.clear();
  feed("+OK\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(sent, "") << "all are answered first";
  feed("+OK\r\n");
  EXPECT_EQ(sent, "*3\r\n$5\r\nPSYNC\r\n$40\r\n" + kId + "\r\n$3\r\n101\r\n");
}

TEST_F(Linked, APrimaryWithoutPingIsOneAllTheSame) {
  connect();
  sent.clear();
  feed("-ERR unknown command 'PING', with args beginning with: \r\n");
  EXPECT_TRUE(sent.starts_with("*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n")) << said;
}

TEST_F(Linked, AsksForEverythingWithoutAPlace) {
  place.reset();
  introduce();
  EXPECT_TRUE(sent.ends_with("*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"));
}

struct Conversation {
  const char* name;
  std::string from_primary;
  std::vector<std::string> told;
  std::string payload;
  std::string stream;
};

// Whole conversations from the connection on, the last one's bytes cut anywhere.
std::vector<Conversation> conversations() {
  const std::string greeting = "+PONG\r\n+OK\r\n+OK\r\n";
  const std::string resync = fmt::format("+FULLRESYNC {} 1234\r\n", kOtherId);
  return {
      {"counted", greeting + resync + "$10\r\n0123456789*1\r\n$4\r\nPING\r\n",
       {"begin bb 1234 10", "complete", "acknowledge"}, "0123456789", "*1\r\n$4\r\nPING\r\n"},
      {"marked", greeting + resync + "$EOF:" + kMark + "\r\nREDIS0012" + kMark.substr(0, 30) + "01" + kMark + "tail",
       {"begin bb 1234 eof", "complete", "acknowledge"}, "REDIS0012" + kMark.substr(0, 30) + "01", "tail"},
      {"marked at once", greeting + resync + "$EOF:" + kMark + "\r\n" + kMark,
       {"begin bb 1234 eof", "complete", "acknowledge"}, "", ""},
      {"half a mark before it", greeting + resync + "$EOF:" + kMark + "\r\n" + kMark.substr(0, 39) + kMark + kMark,
       {"begin bb 1234 eof", "complete", "acknowledge"}, kMark.substr(0, 39), kMark},
      {"keep-alives everywhere", "\n+PONG\r\n\n\n+OK\r\n\n+OK\r\n\n\n" + resync + "\n\n\n$3\r\nabc",
       {"begin bb 1234 3", "complete", "acknowledge"}, "abc", ""},
      {"continue", greeting + "+CONTINUE\r\nstream", {"continue", "acknowledge"}, "", "stream"},
      {"continue, same id", greeting + "+CONTINUE " + kId + "\r\nx", {"continue", "acknowledge"}, "", "x"},
      {"continue, new id", greeting + "+CONTINUE " + kOtherId + "\r\nx", {"continue as bb", "acknowledge"}, "", "x"},
      {"options not known", "+PONG\r\n-ERR no\r\n-ERR no\r\n+CONTINUE\r\n", {"continue", "acknowledge"}, "", ""},
      {"password wanted for PING", "-NOAUTH Authentication required.\r\n+OK\r\n+OK\r\n+CONTINUE\r\n",
       {"continue", "acknowledge"}, "", ""},
      {"PING not allowed", "-NOPERM no\r\n+OK\r\n+OK\r\n+CONTINUE\r\n", {"continue", "acknowledge"}, "", ""},
      {"PING refused of old", "-ERR operation not permitted\r\n+OK\r\n+OK\r\n+CONTINUE\r\n",
       {"continue", "acknowledge"}, "", ""},
      {"SYNC alone", greeting + "-ERR unknown command 'PSYNC'\r\n\n$3\r\nabcrest", {"begin none 0 3", "complete"}, "abc", "rest"},
  };
}

TEST_F(Linked, UnderstandsEveryAnswerCutAnywhere) {
  for (const Conversation& conversation : conversations()) {
    const std::size_t size = conversation.from_primary.size();
    std::vector<std::pair<std::size_t, std::size_t>> cuts;  // the first cut, and pieces of what follows
    for (std::size_t cut = 0; cut <= size; ++cut) cuts.emplace_back(cut, SIZE_MAX);
    for (const std::size_t piece : {1, 2, 3, 7, 39, 40, 41, 79}) cuts.emplace_back(0, piece);
    for (const auto& [cut, piece] : cuts) {
      SCOPED_TRACE(fmt::format("{}, cut at {}, pieces of {}", conversation.name, cut, piece));
      connect();
      take_told();
      payload.clear();
      stream.clear();
      feed(std::string_view(conversation.from_primary).substr(0, cut));
      feed(std::string_view(conversation.from_primary).substr(cut), piece);
      EXPECT_EQ(take_told(), conversation.told);
      EXPECT_EQ(payload, conversation.payload);
      EXPECT_EQ(stream, conversation.stream);
      EXPECT_EQ(link.stage(), ReplicaLink::Stage::kConnected);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST_F(Linked, GoesOnWhereNoPasswordIsNeeded) {
  for (const char* answer : {"-ERR AUTH <password> called without any password configured for the default user. Are "
                             "you sure your configuration is correct?\r\n",
                             "-ERR Client sent AUTH, but no password is set\r\n"}) {
    link.set({.user = {}, .password = "p", .listening_port = 1, .announced_ip = {}, .timeout = 60s});
    connect();
    said.clear();
    feed("+PONG\r\n");
    feed(answer);
    EXPECT_NE(said.find("needs no password"), std::string::npos);
    feed("+OK\r\n+OK\r\n+CONTINUE\r\n");
    EXPECT_EQ(link.stage(), ReplicaLink::Stage::kConnected);
  }
}

TEST_F(Linked, IsToldNoByAWrongPassword) {
  link.set({.user = {}, .password = "p", .listening_port = 1, .announced_ip = {}, .timeout = 60s});
  connect();
  feed("+PONG\r\n-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_NE(said.find("Unable to AUTH to MASTER: -WRONGPASS"), std::string::npos);
  EXPECT_EQ(link.stage(), ReplicaLink::Stage::kWaiting);
}

// Each of these ends the connection; it is made again a second later.
TEST_F(Linked, TriesAgainAfterRefusals) {
  const std::string greeting = "+PONG\r\n+OK\r\n+OK\r\n";
  const std::string resync = fmt::format("+FULLRESYNC {} 1\r\n", kOtherId);
  const std::pair<std::string, std::string> kRefusals[] = {
      {"-LOADING Redis is loading the dataset in memory\r\n", "Error reply to PING from master: '-LOADING"},
      {"-DENIED Redis is running in protected mode because protected mode is enabled.\r\n", "-DENIED"},
      {"HTTP/1.1 400 Bad Request\r\n", "Error reply to PING"},
      {greeting + "-NOMASTERLINK Can't SYNC while not connected with my master\r\n", "should be in the future"},
      {greeting + "-LOADING no\r\n", "should be in the future"},
      {greeting + "-NOAUTH Authentication required.\r\n", "does not let us replicate: -NOAUTH"},
      {greeting + "-NOPERM this user has no permissions to run the 'psync' command\r\n", "-NOPERM"},
      {greeting + "+FULLRESYNC\r\n", "wrong +FULLRESYNC syntax"},
      {greeting + "+FULLRESYNC " + kId + "\r\n", "wrong +FULLRESYNC syntax"},
      {greeting + "+FULLRESYNC " + kId + " -1\r\n", "wrong +FULLRESYNC syntax"},
      {greeting + "+FULLRESYNC " + kId + " x\r\n", "wrong +FULLRESYNC syntax"},
      {greeting + "+FULLRESYNC " + kId + " 9223372036854775807\r\n", "wrong +FULLRESYNC syntax"},
      {greeting + "+FULLRESYNC " + std::string(40, 'Z') + " 1\r\n", "wrong +FULLRESYNC syntax"},
      {greeting + "+CONTINUE " + kId + "0\r\n", "wrong +CONTINUE syntax"},
      {greeting + "+CONTINUE abc\r\n", "wrong +CONTINUE syntax"},
      {greeting + "+WHAT\r\n", "Unexpected reply to PSYNC"},
      {greeting + resync + "-ERR no memory\r\n", "MASTER aborted replication with an error: ERR no memory"},
      {greeting + resync + "+OK\r\n", "Bad protocol from MASTER"},
      {greeting + resync + "$abc\r\n", "Bad protocol from MASTER"},
      {greeting + resync + "$-1\r\n", "Bad protocol from MASTER"},
      {greeting + resync + "$EOF:short\r\n", "Bad protocol from MASTER"},
      {greeting + resync + "$0\r\n", "cannot be"},
      {greeting + resync + "$99999999999999999\r\n", "cannot be"},
      {greeting + "-ERR unknown command 'PSYNC'\r\n-ERR unknown command 'SYNC'\r\n", "MASTER aborted replication"},
      {std::string(5000, '+'), "a line without end"},
      {greeting + std::string(5000, 'x'), "a line without end"},
      {greeting + resync + std::string(5000, '$'), "a line without end"},
  };
  for (const auto& [bytes, text] : kRefusals) {
    for (const std::size_t piece : {SIZE_MAX, std::size_t{1}}) {
      SCOPED_TRACE(bytes.substr(0, 100));
      connect();
      said.clear();
      take_told();
      feed(bytes, piece);
      EXPECT_NE(said.find(text), std::string::npos) << said;
      EXPECT_EQ(link.stage(), ReplicaLink::Stage::kWaiting);
      EXPECT_EQ(std::count(told.begin(), told.end(), "close"), 1);
      EXPECT_EQ(std::count(told.begin(), told.end(), "connect"), 0);
      feed("+PONG\r\n");  // comes too late
      EXPECT_EQ(link.stage(), ReplicaLink::Stage::kWaiting);
    }
  }
}

TEST_F(Linked, NothingToContinueIsNoPlaceToContinueFrom) {
  place.reset();
  introduce();
  feed("+CONTINUE " + kOtherId + "\r\n");
  EXPECT_NE(said.find("where nothing was begun"), std::string::npos);
  EXPECT_EQ(link.stage(), ReplicaLink::Stage::kWaiting);
}

TEST_F(Linked, LinesAreShownWithoutControlCharacters) {
  connect();
  feed("-ERR \x1b[31m\x01\r\n");
  EXPECT_NE(said.find("'-ERR ?[31m?'"), std::string::npos);
}

TEST_F(Linked, ALinkThatLivedIsMadeAgainAtOnce) {
  introduce();
  feed("+CONTINUE\r\n");
  now += 5s;
  take_told();
  take(link.on_lost("connection lost", now));
  EXPECT_EQ(take_told(), (Told{"close", "connect"}));
  EXPECT_NE(said.find("Connection with master lost."), std::string::npos);
  EXPECT_NE(said.find("Reconnecting to MASTER 127.0.0.1:6379"), std::string::npos);
}

TEST_F(Linked, NeverTriesMoreThanOnceASecond) {
  take(link.follow("127.0.0.1:6379", now));
  connects = 0;
  // Refused at once, or up for a moment and gone, whatever the owner asks for in between.
  for (int i = 0; i < 10'000; ++i) {
    now += 1ms;
    take(link.on_tick(now));
    if (link.stage() != ReplicaLink::Stage::kConnecting) continue;
    if (i % 2 == 0) {
      take(link.on_lost("Connection refused", now));
    } else {
      take(link.on_connected(now));
      feed("+PONG\r\n+OK\r\n+OK\r\n+CONTINUE\r\n");
      take(link.on_lost("connection lost", now));
    }
  }
  EXPECT_LE(connects, 10);
  EXPECT_GE(connects, 9);
}

TEST_F(Linked, DamagedFullSyncsAreAskedForEverLessOften) {
  install_at_once = false;
  introduce();
  std::vector<std::int64_t> gaps;
  for (int i = 0; i < 7; ++i) {
    feed(fmt::format("+FULLRESYNC {} 1\r\n$3\r\nabc", kOtherId));
    take(link.on_sync_failed(SyncTrouble::kDamaged, "the data set is damaged", now));
    EXPECT_EQ(link.stage(), ReplicaLink::Stage::kWaiting);
    const MonoTime failed = now;
    while (link.stage() == ReplicaLink::Stage::kWaiting) {
      now += 100ms;
      take(link.on_tick(now));
    }
    gaps.push_back(std::chrono::duration_cast<milliseconds>(now - failed).count());
    take(link.on_connected(now));
    feed("+PONG\r\n+OK\r\n+OK\r\n");
  }
  EXPECT_EQ(gaps, (std::vector<std::int64_t>{1000, 2000, 4000, 8000, 16000, 32000, 64000}));
  // One that arrives makes good for them.
  install_at_once = true;
  feed(fmt::format("+FULLRESYNC {} 1\r\n$3\r\nabc", kOtherId));
  EXPECT_EQ(link.stage(), ReplicaLink::Stage::kConnected);
  now += 1s;
  take_told();
  take(link.on_lost("connection lost", now));
  EXPECT_EQ(take_told(), (Told{"close", "connect"}));
}

// A full sync that goes well does not make good for the stream behind it, which breaks alike each time.
TEST_F(Linked, AStreamThatBreaksAfterEachFullSyncIsAskedForEverLessOften) {
  introduce();
  std::vector<std::int64_t> gaps;
  for (int i = 0; i < 11; ++i) {
    feed(fmt::format("+FULLRESYNC {} 1\r\n$3\r\nabc", kOtherId));
    EXPECT_EQ(link.stage(), ReplicaLink::Stage::kConnected);
    take(link.on_stream_broken("unknown command 'ZZDEL'", now));
    const MonoTime failed = now;
    while (link.stage() == ReplicaLink::Stage::kWaiting) {
      now += 1s;
      take(link.on_tick(now));
    }
    gaps.push_back(std::chrono::duration_cast<seconds>(now - failed).count());
    take(link.on_connected(now));
    feed("+PONG\r\n+OK\r\n+OK\r\n");
  }
  EXPECT_EQ(gaps, (std::vector<std::int64_t>{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}));
  EXPECT_EQ(link.patience().failures(), 11);
  EXPECT_EQ(link.patience().why(), "unknown command 'ZZDEL'");
  EXPECT_NE(said.find("11 full syncs in a row were in vain"), std::string::npos) << said;
}

TEST_F(Linked, WhatCannotBeHeldHereIsAskedForAgainAfterMinutes) {
  install_at_once = false;
  introduce();
  feed(fmt::format("+FULLRESYNC {} 1\r\n$3\r\nabc", kOtherId));
  take(link.on_sync_failed(SyncTrouble::kCannotHold, "key \"l\" is of type 1 (list)", now));
  EXPECT_EQ(link.next_attempt(), now + 120s);
  EXPECT_NE(said.find("The full sync was in vain, and each costs the primary a snapshot: the next one is asked for in 120 seconds. "
                      "What this node cannot hold has to go from the primary."),
            std::string::npos)
      << said;
  now += 119s;
  take(link.on_tick(now));
  EXPECT_EQ(link.stage(), ReplicaLink::Stage::kWaiting);
  // Whoever has changed something does not have to wait for it.
  take_told();
  take(link.follow("127.0.0.1:6379", now));
  EXPECT_EQ(take_told(), (Told{"close", "connect"}));
  EXPECT_EQ(link.patience().failures(), 0);
}

TEST_F(Linked, ALostConnectionEndsAFullSync) {
  introduce();
  feed(fmt::format("+FULLRESYNC {} 1\r\n$10\r\nabc", kOtherId));
  EXPECT_EQ(link.payload_total(), 10);
  EXPECT_EQ(link.payload_received(), 3);
  take_told();
  take(link.on_lost("connection lost", now));
  EXPECT_EQ(take_told(), (Told{"abandon", "close"}));
}

// What is complete does not need the connection any more.
TEST_F(Linked, WhatHasArrivedIsInstalledThoughTheConnectionIsLost) {
  install_at_once = false;
  introduce();
  feed(fmt::format("+FULLRESYNC {} 1\r\n$3\r\nabc", kOtherId));
  take_told();
  take(link.on_lost("Broken pipe", now));
  EXPECT_EQ(take_told(), (Told{"close"}));
  EXPECT_TRUE(link.is_installing());
  now += 5s;
  take(link.on_installed(now));
  EXPECT_EQ(take_told(), (Told{"close", "connect"}));
}

TEST_F(Linked, TheStreamWaitsUntilThePayloadIsInstalled) {
  install_at_once = false;
  introduce();
  feed(fmt::format("+FULLRESYNC {} 1\r\n$3\r\nabcfirst ", kOtherId));
  feed("second");
  EXPECT_EQ(stream, "");
  EXPECT_FALSE(link.is_streaming());
  take(link.on_installed(now));
  EXPECT_EQ(stream, "first second");
}

TEST_F(Linked, ADamagedStreamIsAskedForAnew) {
  introduce();
  feed("+CONTINUE\r\n");
  now += 5s;
  take_told();
  take(link.on_stream_broken("unknown command 'x'", now));
  EXPECT_EQ(take_told(), (Told{"close", "connect"}));
}

TEST_F(Linked, EveryStepHasItsTimeout) {
  link.set({.user = {}, .password = {}, .listening_port = 1, .announced_ip = {}, .timeout = 10s});
  const std::string resync = fmt::format("+FULLRESYNC {} 1\r\n", kOtherId);
  const std::pair<std::string, std::string> kSteps[] = {
      {"", "Timeout connecting to the MASTER..."},
      {"+PONG\r\n+OK\r\n", "Timeout connecting to the MASTER..."},
      {"+PONG\r\n+OK\r\n+OK\r\n", "Timeout connecting to the MASTER..."},
      {"+PONG\r\n+OK\r\n+OK\r\n" + resync, "Timeout receiving bulk data from MASTER"},
      {"+PONG\r\n+OK\r\n+OK\r\n" + resync + "$10\r\nabc", "Timeout receiving bulk data from MASTER"},
      {"+PONG\r\n+OK\r\n+OK\r\n+CONTINUE\r\n", "MASTER timeout: no data nor PING received..."},
  };
  for (const auto& [bytes, text] : kSteps) {
    SCOPED_TRACE(bytes);
    connect();
    feed(bytes);
    said.clear();
    take_told();
    now += 10s;
    take(link.on_tick(now));
    EXPECT_EQ(said, "");
    now += 1ms;
    take(link.on_tick(now));
    EXPECT_NE(said.find(text), std::string::npos) << said;
    EXPECT_NE(std::find(told.begin(), told.end(), "close"), told.end());
  }
  // A connection that cannot be made.
  take(link.follow("h:1", now));
  now += 11s;
  said.clear();
  take(link.on_tick(now));
  EXPECT_NE(said.find("Timeout connecting"), std::string::npos);
}

TEST_F(Linked, KeepAlivesAreSignsOfLife) {
  introduce();
  feed(fmt::format("+FULLRESYNC {} 1\r\n", kOtherId));
  for (int i = 0; i < 20; ++i) {
    now += 50s;
    feed("\n");
    take(link.on_tick(now));
  }
  EXPECT_EQ(link.stage(), ReplicaLink::Stage::kSyncing);
}

TEST_F(Linked, SaysThatItIsThereWhileItIsBusy) {
  install_at_once = false;
  introduce();
  feed(fmt::format("+FULLRESYNC {} 1\r\n$3\r\na", kOtherId));
  sent.clear();
  for (int i = 0; i < 30; ++i) {
    now += 100ms;
    take(link.on_tick(now));
  }
  EXPECT_EQ(sent, "\n\n\n");
  feed("bc");
  // Loading may take longer than the primary is silent.
  for (int i = 0; i < 3000; ++i) {
    now += 100ms;
    take(link.on_tick(now));
  }
  EXPECT_TRUE(link.is_installing());
  EXPECT_EQ(sent.size(), 303U);
}

TEST_F(Linked, AcknowledgesEverySecond) {
  introduce();
  feed("+CONTINUE\r\n");
  take_told();
  for (int i = 0; i < 30; ++i) {
    now += 100ms;
    take(link.on_tick(now));
  }
  EXPECT_EQ(take_told(), (Told{"acknowledge", "acknowledge", "acknowledge"}));
}

TEST_F(Linked, OldPrimariesTakeNoAcknowledgements) {
  introduce();
  feed("-ERR unknown command 'PSYNC'\r\n$3\r\nabc");
  take_told();
  now += 5s;
  take(link.on_tick(now));
  EXPECT_FALSE(link.acknowledges());
  EXPECT_EQ(take_told(), (Told{}));
}

TEST_F(Linked, TakingOverIsAskedForOnce) {
  connect();
  link.ask_to_take_over();
  feed("+PONG\r\n+OK\r\n+OK\r\n");
  EXPECT_TRUE(sent.ends_with("*4\r\n$5\r\nPSYNC\r\n$40\r\n" + kId + "\r\n$3\r\n101\r\n$8\r\nFAILOVER\r\n"));
  take_told();
  feed("+CONTINUE " + kOtherId + "\r\n");
  EXPECT_EQ(take_told(), (Told{"taken", "continue as bb", "acknowledge"}));
  take(link.on_lost("x", now + 5s));
  take(link.on_connected(now));
  sent.clear();
  feed("+PONG\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(sent.find("FAILOVER"), std::string::npos);
}

// It has become a primary by then: its data is what counts.
TEST_F(Linked, TakingOverMayEndInAFullSync) {
  connect();
  link.ask_to_take_over();
  feed("+PONG\r\n+OK\r\n+OK\r\n");
  take_told();
  feed(fmt::format("+FULLRESYNC {} 1\r\n$3\r\nabc", kOtherId));
  EXPECT_EQ(take_told(), (Told{"taken", "begin bb 1 3", "complete", "acknowledge"}));
}

TEST_F(Linked, ARefusalToTakeOverIsNoReasonForSync) {
  connect();
  link.ask_to_take_over();
  feed("+PONG\r\n+OK\r\n+OK\r\n");
  sent.clear();
  take_told();
  feed("-ERR PSYNC FAILOVER replid must match my replid.\r\n");
  EXPECT_EQ(take_told(), (Told{"refused", "close"}));
  EXPECT_EQ(sent, "");
}

TEST_F(Linked, StoppedItDoesNothingMore) {
  introduce();
  take_told();
  take(link.stop());
  EXPECT_EQ(take_told(), (Told{"close"}));
  feed("+CONTINUE\r\n");
  take(link.on_tick(now + 100s));
  take(link.on_lost("x", now));
  take(link.on_connected(now));
  take(link.on_installed(now));
  take(link.on_sync_failed(SyncTrouble::kDamaged, "x", now));
  EXPECT_EQ(take_told(), (Told{}));
  EXPECT_EQ(link.stage(), ReplicaLink::Stage::kNone);
}

}  // namespace
}  // namespace skein
