// Connections that wait while there is no descriptor for them.
#include <skein/net/listeners.h>

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace skein {
namespace {

// The lowest number that is free: with a limit of that many there is none left.
rlim_t lowest_free() {
  const int descriptor = ::dup(0);
  ::close(descriptor);
  return static_cast<rlim_t>(descriptor);
}

std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(probe, reinterpret_cast<sockaddr*>(&address), size), 0);
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(probe);
  return ntohs(address.sin_port);
}

TEST(Listeners, OutOfDescriptorsIsToldAndGoesOnWhenThereAreSome) {
  asio::io_context loop;
  int accepted = 0;
  int failures = 0;
  std::string why;
  Listeners listeners(
      loop, [&](Accepted) { ++accepted; },
      [&](const std::string& reason) {
        ++failures;
        why = reason;
      });
  const std::uint16_t port = free_port();
  ASSERT_TRUE(listeners.listen_tcp({"127.0.0.1"}, port, 16));
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{lowest_free(), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  loop.run_for(std::chrono::milliseconds{250});
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(accepted, 0);
  EXPECT_GE(failures, 1);
  EXPECT_LE(failures, 3) << "it pauses between two tries";
  EXPECT_EQ(why, "Too many open files");

  while (accepted == 0) loop.run_one_for(std::chrono::seconds{5});
  EXPECT_EQ(accepted, 1);
  ::close(client);
}

}  // namespace
}  // namespace skein
