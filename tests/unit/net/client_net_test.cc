// Clients' sockets: how often they are read, what memory their input takes, when they are not read at all,
// and that the loop serves what else it has to.
#include <skein/net/client_net.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <fmt/format.h>

#include <skein/resp/request_parser.h>

namespace skein {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMebibyte = 1024 * 1024;

std::string request(std::initializer_list<std::string> words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const std::string& word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return text;
}

// One client and its server's end: parses what comes as ClientTurns does, and executes nothing.
class ClientBed : public ClientHandler {
 public:
  ClientBed() {
    int pair[2];
    EXPECT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    theirs_ = pair[1];
    ::fcntl(theirs_, F_SETFL, O_NONBLOCK);
    connection.emplace(net, Stream(pair[0]));
    connection->set_reading(true);
  }
  ~ClientBed() override {
    connection.reset();
    hang_up();
  }

  asio::io_context loop{1};
  ClientNet net{loop, *this};
  std::optional<ClientConnection> connection;
  std::vector<std::vector<std::string>> requests;  // without large words, of which only the size is kept
  std::vector<std::string> ends;
  std::size_t peak = 0;
  std::function<void(std::span<const std::string_view>)> execute = [](auto) {};

  // As much as the socket takes.
  std::size_t send(std::string_view bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t count = ::send(theirs_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) break;
      sent += static_cast<std::size_t>(count);
    }
    return sent;
  }
  // All of it, while the server's end reads.
  void stream(std::string_view bytes) {
    while (!bytes.empty()) {
      bytes.remove_prefix(send(bytes));
      loop.poll();
    }
    loop.poll();
  }
  void hang_up() {
    if (theirs_ >= 0) ::close(std::exchange(theirs_, -1));
  }
  void end_sending() { ::shutdown(theirs_, SHUT_WR); }

  void serve(std::span<ClientConnection* const> ready) override {
    for (ClientConnection* each : ready) parse(*each);
  }
  void on_broken(ClientConnection& broken, bool ended) override {
    ends.emplace_back(ended ? "ended" : "broken");
    if (!ended) broken.close();
  }
  void on_writable(ClientConnection&) override {}
  void on_released(ClientConnection&) override {}

 private:
  void parse(ClientConnection& client) {
    std::size_t parsed = 0;
    for (;;) {
      Arguments arguments;
      const std::string_view input = client.input().substr(parsed);
      if (input.empty() || parser_.parse(input, {}, arguments, client.asides(parsed)) != RequestParser::Status::kRequest) break;
      execute(arguments);
      auto& words = requests.emplace_back();
      for (const std::string_view word : arguments) {
        words.push_back(word.size() < 100 ? std::string(word) : std::to_string(word.size()));
      }
      parsed += parser_.consumed();
    }
    client.consume(parsed);
    const auto missing = parser_.missing();
    EXPECT_TRUE(client.settle(missing.at, missing.size));
    client.set_owner_memory(parser_.memory());
    peak = std::max(peak, net.input_memory());
  }

  RequestParser parser_;
  int theirs_ = -1;
};

class Pipelined : public testing::TestWithParam<std::size_t> {};

// Each receive has a whole window, whatever was left of the request before.
TEST_P(Pipelined, RequestsTakeAReceiveEachSixteenKilobytes) {
  ClientBed bed;
  const std::size_t count = std::min<std::size_t>(5000, 32 * kMebibyte / GetParam());
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += request({"SET", fmt::format("key:{:012}", i), std::string(GetParam(), 'v')});
  bed.stream(bytes);
  ASSERT_EQ(count, bed.requests.size());
  for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(fmt::format("key:{:012}", i), bed.requests[i][1]);
  // Where the sender's socket was full a receive may find less.
  EXPECT_LT(bed.net.reads, bytes.size() / (16 * 1024) * 11 / 10 + 10);
  EXPECT_EQ(0U, bed.net.input_memory());
}

INSTANTIATE_TEST_SUITE_P(ClientNet, Pipelined, testing::Values(16, 300, 1000, 4000, 16000, 20000, 200000));

TEST(ClientNet, AnAnnouncedArgumentTakesMemoryAsItComes) {
  ClientBed bed;
  bed.stream("*2\r\n$3\r\nGET\r\n$536870912\r\n");
  EXPECT_LE(bed.net.input_memory(), 1024U);
  std::size_t sent = 0;
  for (; sent < 40'000; sent += 1000) {
    bed.stream(std::string(1000, 'x'));
    EXPECT_LE(bed.net.input_memory(), 16 * (sent + 1100)) << sent;
  }
  const std::string piece(40 * 1024, 'x');
  for (; sent < 4 * kMebibyte; sent += piece.size()) {
    bed.stream(piece);
    EXPECT_LE(bed.net.input_memory(), std::max<std::size_t>(1200 * 1024, sent * 5 / 2));
  }
  EXPECT_TRUE(bed.requests.empty());
}

TEST(ClientNet, ALargeArgumentIsReceivedWhereItStays) {
  ClientBed bed;
  std::vector<OwnedBytes> taken;
  std::vector<std::string_view> seen;
  bed.execute = [&](std::span<const std::string_view> words) {
    if (words.size() < 3) return;
    seen.push_back(words[2]);
    taken.push_back(bed.connection->take(words[2]));
    EXPECT_FALSE(bed.connection->take(words[1]));
  };
  std::string value(8 * kMebibyte, 'a');
  value[value.size() - 1] = 'z';
  bed.stream(request({"SET", "k", value}) + request({"PING"}) + request({"SET", "k", value}));
  ASSERT_EQ(2U, taken.size());
  for (std::size_t i = 0; i < taken.size(); ++i) {
    EXPECT_EQ(static_cast<const void*>(seen[i].data()), taken[i].data());
    EXPECT_EQ(value, std::string_view(taken[i].data(), value.size()));
    EXPECT_LE(taken[i].capacity(), value.size() * 5 / 4);
  }
  EXPECT_EQ("PING", bed.requests[1][0]);
  // While it grows, the smaller memory and the larger.
  EXPECT_LE(bed.peak, value.size() * 8 / 5);
  EXPECT_EQ(0U, bed.net.input_memory());
}

TEST(ClientNet, SeveralLargeArgumentsInOneRequestKeepTheirOrder) {
  ClientBed bed;
  std::vector<std::string> words;
  bed.execute = [&](std::span<const std::string_view> arguments) {
    for (const std::string_view word : arguments) words.emplace_back(word);
  };
  const std::vector<std::string> sent = {"MSET", "a", std::string(20000, 'a'), "b", "short", std::string(40000, 'k'),
                                         std::string(16 * 1024, 'c'), "d", std::string(100000, 'd')};
  std::string bytes = fmt::format("*{}\r\n", sent.size());
  for (const std::string& word : sent) bytes += fmt::format("${}\r\n{}\r\n", word.size(), word);
  for (const std::size_t step : {1000UL, 16384UL, 20003UL, bytes.size()}) {
    words.clear();
    for (std::size_t at = 0; at < bytes.size(); at += step) bed.stream(std::string_view(bytes).substr(at, step));
    EXPECT_EQ(sent, words) << step;
    EXPECT_EQ(0U, bed.net.input_memory());
  }
}

// Byte by byte where it begins, is set aside, and over its end and its line's.
TEST(ClientNet, ALargeArgumentMayEndAnywhere) {
  ClientBed bed;
  const std::string value(20000, 'v');
  const std::string bytes = request({"SET", "k", value}) + request({"PING"});
  std::vector<std::size_t> cuts;
  for (std::size_t cut = 1; cut < 40; ++cut) cuts.push_back(cut);
  for (std::size_t cut = 2 * 1024; cut < 2 * 1024 + 60; ++cut) cuts.push_back(cut);
  for (std::size_t cut = bytes.size() - 20; cut < bytes.size(); ++cut) cuts.push_back(cut);
  for (const std::size_t cut : cuts) {
    bed.requests.clear();
    bed.stream(std::string_view(bytes).substr(0, cut));
    std::size_t at = cut;
    for (; at < std::min(cut + 40, bytes.size()); ++at) bed.stream(std::string_view(bytes).substr(at, 1));
    const std::size_t last = std::max(at, bytes.size() - 40);
    bed.stream(std::string_view(bytes).substr(at, last - at));
    for (at = last; at < bytes.size(); ++at) bed.stream(std::string_view(bytes).substr(at, 1));
    EXPECT_THAT(bed.requests, testing::ElementsAre(testing::ElementsAre("SET", "k", "20000"), testing::ElementsAre("PING")));
  }
}

TEST(ClientNet, MemoryOfManySmallArgumentsIsCounted) {
  ClientBed bed;
  std::string bytes = "*1000000\r\n";
  for (int i = 0; i < 100'000; ++i) bytes += "$1\r\nx\r\n";
  bed.stream(bytes);
  // The bytes, and where each argument stands.
  EXPECT_GE(bed.net.input_memory(), bytes.size() + 100'000 * 16);
  EXPECT_LE(bed.net.input_memory(), bytes.size() * 3 + 100'000 * 40);
}

TEST(ClientNet, WhoIsNotReadPushesBack) {
  ClientBed bed;
  const std::string ping = request({"PING"});
  bed.stream(ping);
  EXPECT_EQ(1U, bed.requests.size());
  bed.connection->set_reading(false);
  const std::uint64_t before = bed.net.reads;
  std::size_t sent = 0;
  std::string many;
  while (many.size() < kMebibyte) many += ping;
  for (int i = 0; i < 10; ++i) {
    sent += bed.send(std::string_view(many).substr(sent));
    bed.loop.poll();
  }
  EXPECT_LT(sent, many.size());
  EXPECT_EQ(before, bed.net.reads);
  EXPECT_EQ(0U, bed.net.input_memory());
  bed.connection->set_reading(true);
  bed.stream(std::string_view(many).substr(sent));
  EXPECT_EQ(1 + many.size() / ping.size(), bed.requests.size());
}

TEST(ClientNet, TheEndOfWhoIsNotReadIsToldOnce) {
  ClientBed bed;
  bed.connection->set_reading(false);
  bed.send(request({"PING"}));
  bed.loop.poll();
  bed.end_sending();
  for (int i = 0; i < 3; ++i) bed.loop.poll();
  EXPECT_THAT(bed.ends, testing::ElementsAre("ended"));
  EXPECT_TRUE(bed.requests.empty());
  // It goes on after all: what was sent before comes first.
  bed.connection->set_reading(true);
  for (int i = 0; i < 3; ++i) bed.loop.poll();
  EXPECT_EQ(1U, bed.requests.size());
  EXPECT_THAT(bed.ends, testing::ElementsAre("ended", "ended"));
}

TEST(ClientNet, WhoIsNotReadAndHasGoneIsBroken) {
  ClientBed bed;
  bed.connection->set_reading(false);
  bed.hang_up();
  bed.loop.poll();
  EXPECT_THAT(bed.ends, testing::ElementsAre("broken"));
}

TEST(ClientNet, TheLoopWaitsForEverythingElseAsWell) {
  ClientBed bed;
  asio::steady_timer timer(bed.loop, 5ms);
  bool timed = false;
  timer.async_wait([&](const asio::error_code&) {
    timed = true;
    bed.send(request({"PING"}));
  });
  std::thread other;
  bed.execute = [&](std::span<const std::string_view>) {
    // From another thread, while the loop waits.
    other = std::thread([&] { asio::post(bed.loop, [&] { bed.loop.stop(); }); });
  };
  bed.loop.run();
  other.join();
  EXPECT_TRUE(timed);
  EXPECT_EQ(1U, bed.requests.size());
}

// What is posted in a turn runs before the next one, however busy a client is.
TEST(ClientNet, TurnsAndPostedWorkAlternate) {
  ClientBed bed;
  int posted = 0;
  int turns = 0;
  bed.execute = [&](std::span<const std::string_view>) {
    EXPECT_EQ(posted, turns++);
    asio::post(bed.loop, [&] { ++posted; });
    bed.net.make_ready(*bed.connection);
    if (turns < 100) bed.send(request({"PING"}));
  };
  bed.send(request({"PING"}));
  bed.loop.poll();
  EXPECT_EQ(100, turns);
  EXPECT_EQ(100, posted);
}

// Both are ready in the same round; the turn is still in the loop's queue when everything goes.
TEST(ClientNet, ALoopMayEndBeforeATurnThatIsDue) {
  ClientBed bed;
  bed.send(request({"PING"}));
  asio::steady_timer timer(bed.loop, -1ms);
  timer.async_wait([&](const asio::error_code&) { bed.loop.stop(); });
  bed.loop.run();
  EXPECT_TRUE(bed.requests.empty());
}

}  // namespace
}  // namespace skein
