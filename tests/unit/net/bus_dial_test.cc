// Addresses of one name that do not answer, beside one that does.
#include <bus_dial.h>

#include <gtest/gtest.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

namespace skein {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

class BusDialTest : public testing::Test {
 protected:
  tcp::acceptor listener(int backlog) {
    tcp::acceptor acceptor(loop);
    acceptor.open(tcp::v4());
    acceptor.bind({asio::ip::make_address_v4("127.0.0.1"), 0});
    acceptor.listen(backlog);
    return acceptor;
  }
  // Packets to who does not take connections are thrown away once its queue is full.
  void fill(const tcp::acceptor& acceptor) {
    for (int i = 0; i < 4; ++i) {
      tcp::socket& socket = callers.emplace_back(loop);
      socket.async_connect(acceptor.local_endpoint(), [](const asio::error_code&) {});
    }
    loop.run_for(50ms);
    loop.restart();
  }
  void dial(std::vector<tcp::endpoint> places) {
    dialled = std::make_shared<BusDial>(loop.get_executor(), BusDial::Sources{});
    dialled->start(std::move(places), [this](DialEnd how, BusSocket socket, const std::string&) {
      end = how;
      if (how == DialEnd::kConnected) reached = socket.remote_endpoint();
    });
  }
  bool until(const std::function<bool()>& fact) {
    const auto last = std::chrono::steady_clock::now() + 20s;
    while (!fact() && std::chrono::steady_clock::now() < last) {
      loop.run_one_for(50ms);
      loop.restart();
    }
    return fact();
  }
  bool has_ended() const { return end.has_value(); }

  asio::io_context loop{1};
  std::list<tcp::socket> callers;
  std::shared_ptr<BusDial> dialled;
  std::optional<DialEnd> end;
  asio::generic::stream_protocol::endpoint reached;
};

TEST_F(BusDialTest, WhoDoesNotAnswerDoesNotKeepTheOthers) {
  const tcp::acceptor silent = listener(0);
  const tcp::acceptor answers = listener(10);
  fill(silent);
  dial({silent.local_endpoint(), answers.local_endpoint()});
  ASSERT_TRUE(until([this] { return has_ended(); }));
  EXPECT_EQ(DialEnd::kConnected, *end);
  EXPECT_EQ(asio::generic::stream_protocol::endpoint(answers.local_endpoint()), reached);
}

TEST_F(BusDialTest, WhoAnswersLateIsReachedWhenNobodyElseIs) {
  tcp::acceptor silent = listener(0);
  tcp::acceptor gone = listener(1);
  const tcp::endpoint nobody = gone.local_endpoint();
  gone.close();
  fill(silent);
  dial({silent.local_endpoint(), nobody});
  loop.run_for(600ms);
  loop.restart();
  EXPECT_FALSE(has_ended());
  for (int i = 0; i < 8; ++i) silent.async_accept([](const asio::error_code&, tcp::socket) {});
  ASSERT_TRUE(until([this] { return has_ended(); }));
  EXPECT_EQ(DialEnd::kConnected, *end);
  EXPECT_EQ(asio::generic::stream_protocol::endpoint(silent.local_endpoint()), reached);
}

TEST_F(BusDialTest, NobodyIsReachedWhereNobodyIs) {
  tcp::acceptor gone = listener(1);
  const tcp::endpoint nobody = gone.local_endpoint();
  gone.close();
  dial({nobody, nobody, nobody});
  ASSERT_TRUE(until([this] { return has_ended(); }));
  EXPECT_EQ(DialEnd::kNoConnection, *end);
  dial({});
  end.reset();
  ASSERT_TRUE(until([this] { return has_ended(); }));
  EXPECT_EQ(DialEnd::kNoConnection, *end);
}

}  // namespace
}  // namespace skein
