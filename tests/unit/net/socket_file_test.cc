#include <skein/net/socket_file.h>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>

namespace skein {
namespace {

namespace fs = std::filesystem;

class SocketFiles : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "other");
    before_ = fs::current_path();
    fs::current_path(folder_);
  }
  void TearDown() override {
    fs::current_path(before_);
    fs::remove_all(folder_);
  }

  // Closed by the caller.
  static int bound(const std::string& path, int type = SOCK_STREAM) {
    const int descriptor = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return descriptor;
  }

  fs::path folder_ = fs::temp_directory_path() / fmt::format("skein-socket-{}", static_cast<long>(::getpid()));
  fs::path before_;
};

TEST_F(SocketFiles, WhatAServerLeftThatIsGoneMakesRoom) {
  ::close(bound("s"));
  EXPECT_TRUE(SocketFile::make_room("s"));
  EXPECT_FALSE(fs::exists("s"));
  EXPECT_TRUE(SocketFile::make_room("s"));
}

TEST_F(SocketFiles, ALiveOneStays) {
  const int server = bound("s");
  ASSERT_EQ(::listen(server, 1), 0);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(SocketFile::make_room("s")) << "however full its queue is";
  EXPECT_TRUE(fs::exists("s"));
  ::close(server);
  const int other_kind = bound("d", SOCK_DGRAM);
  EXPECT_FALSE(SocketFile::make_room("d"));
  ::close(other_kind);
}

TEST_F(SocketFiles, WhatIsNoSocketStays) {
  std::ofstream("s") << "precious";
  EXPECT_FALSE(SocketFile::make_room("s"));
  EXPECT_EQ(fs::file_size("s"), 8U);
  fs::create_symlink("s", "link");
  EXPECT_FALSE(SocketFile::make_room("link"));
}

TEST_F(SocketFiles, OnlyTheOneThatWasBoundIsRemoved) {
  ::close(bound("s"));
  SocketFile mine("s");
  // As long as the first is there the second cannot have its number.
  fs::rename("s", "first");
  ::close(bound("s"));
  mine.remove();
  EXPECT_TRUE(fs::exists("s"));
  SocketFile now("s");
  fs::current_path("other");
  now.remove();
  EXPECT_FALSE(fs::exists(folder_ / "s"));
}

}  // namespace
}  // namespace skein
