// What is removed of what a killed process left, and above all what is not.
#include <skein/disk/leftovers.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <csignal>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <skein/disk/new_file.h>
#include <skein/disk/safe_file.h>

namespace skein {
namespace {

namespace fs = std::filesystem;

// A number that a process had a moment ago.
pid_t dead_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

class Leftovers : public testing::Test {
 protected:
  Leftovers() {
    std::string pattern = fs::temp_directory_path() / "skein-leftovers-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Leftovers() override { fs::remove_all(folder_); }

  void put(const std::string& name, const std::string& text = "REDIS0011half of it") const {
    std::ofstream(folder_ / name) << text;
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder_)) all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  }

  fs::path folder_;
  const pid_t gone = dead_process();
};

TEST(UnfinishedNames, TellWhoseTheyAre) {
  using Expected = std::pair<const char*, std::optional<pid_t>>;
  for (const auto& [name, writer] : {
           Expected{"temp-123.rdb", 123},
           {"temp-sync-123.rdb", 123},
           {"temp-1700000000.123.rdb", 123},
           {"temp-spill-a1B2c3", 0},
           {"dump.rdb", std::nullopt},
           {"temp-.rdb", std::nullopt},
           {"temp-x.rdb", std::nullopt},
           {"temp-0.rdb", std::nullopt},
           {"temp--1.rdb", std::nullopt},
           {"temp-+1.rdb", std::nullopt},
           {"temp-12 .rdb", std::nullopt},
           {"temp-123.rdb.bak", std::nullopt},
           {"my-temp-123.rdb", std::nullopt},
           {"temp-99999999999999999999.rdb", std::nullopt},
           {"temp-4294967297.rdb", std::nullopt},
           {"temp-1.2.3.rdb", std::nullopt},
           {"temp-sync-1.2.rdb", std::nullopt},
           {"temp-.2.rdb", std::nullopt},
           {"temp-spill-a1B2c", std::nullopt},
           {"temp-spill-a1/2c3", std::nullopt},
           {"temp-backup.rdb", std::nullopt},
       }) {
    EXPECT_EQ(writer_of_unfinished(name), writer) << name;
  }
}

TEST_F(Leftovers, OfTheDeadGo) {
  put(fmt::format("temp-{}.rdb", gone));
  put(fmt::format("temp-sync-{}.rdb", gone));
  put(fmt::format("temp-1700000000.{}.rdb", gone), "1234567");
  put(fmt::format("temp-1700000001.{}.rdb", ::getpid()));  // in a container every server is process 1
  put("temp-spill-aaaaaa");
  put("dump.rdb");
  put("notes.txt");
  const auto removed = remove_leftovers(folder_, "dump.rdb");
  EXPECT_EQ(removed.size(), 5U);
  EXPECT_EQ(names(), (std::vector<std::string>{"dump.rdb", "notes.txt"}));
  const auto received = std::find_if(removed.begin(), removed.end(),
                                     [](const auto& one) { return one.name.starts_with("temp-1700000000."); });
  ASSERT_NE(received, removed.end());
  EXPECT_EQ(received->bytes, 7U);
}

// A name is no proof: people call their dumps temp-2024.rdb.
TEST_F(Leftovers, AWholeSnapshotOrWhatIsNoneStays) {
  const std::string end = std::string("\xff") + std::string(8, '\0');
  const auto name = [this](const char* form) { return fmt::format(fmt::runtime(form), gone); };
  put(name("temp-{}.rdb"), "REDIS0011some keys" + end);
  EXPECT_TRUE(remove_leftovers(folder_, "dump.rdb").empty());
  put(name("temp-{}.rdb"), "a letter to a friend");
  EXPECT_TRUE(remove_leftovers(folder_, "dump.rdb").empty());
  // The user's own dump, broken or not, is never ours to remove.
  put(name("temp-{}.rdb"));
  EXPECT_TRUE(remove_leftovers(folder_, name("temp-{}.rdb")).empty());
  EXPECT_EQ(remove_leftovers(folder_, "dump.rdb").size(), 1U);
  for (const char* beginning : {"", "RED", "REDIS"}) {
    put(name("temp-{}.rdb"), beginning);
    EXPECT_EQ(remove_leftovers(folder_, "dump.rdb").size(), 1U) << beginning;
  }
  put(name("temp-sync-{}.rdb"), "REDIS0011some keys" + end);
  put(name("temp-1700000000.{}.rdb"), "REDIS0011some keys" + end);
  EXPECT_EQ(remove_leftovers(folder_, "dump.rdb").size(), 2U);
}

TEST_F(Leftovers, OfTheLivingStay) {
  put(fmt::format("temp-{}.rdb", ::getppid()));
  put("temp-1.rdb");
  (void)remove_leftovers(folder_, "dump.rdb");
  EXPECT_EQ(names().size(), 2U);
}

TEST_F(Leftovers, OfTheDeadWhomNobodyBuriesGo) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  put(fmt::format("temp-{}.rdb", child));
  EXPECT_EQ(remove_leftovers(folder_, "dump.rdb").size(), 1U);
  ::waitpid(child, nullptr, 0);
}

// Another container's process has a number that is nobody's here.
TEST_F(Leftovers, WhatSomebodyWritesStays) {
  auto file = NewFile::create(folder_ / fmt::format("temp-{}.rdb", gone), false);
  ASSERT_TRUE(file);
  (void)remove_leftovers(folder_, "dump.rdb");
  EXPECT_EQ(names().size(), 1U);
  // And it is no obstacle to whoever gets that number and writes there.
  ASSERT_TRUE(NewFile::create(folder_ / fmt::format("temp-{}.rdb", gone), false));
}

TEST_F(Leftovers, NothingIsFollowedAndNothingElseIsTouched) {
  put("precious");
  const auto name = [this](int number) { return folder_ / fmt::format("temp-{}.{}.rdb", number, gone); };
  fs::create_symlink(folder_ / "precious", name(1));
  fs::create_symlink("/dev/null", name(2));
  fs::create_directory(name(3));
  ASSERT_EQ(::mkfifo(name(4).c_str(), 0600), 0);
  fs::create_hard_link(folder_ / "precious", name(5));
  if (::geteuid() == 0) {
    std::ofstream(name(6)) << "somebody's";
    ASSERT_EQ(::chown(name(6).c_str(), 1234, 1234), 0);
  }
  const auto before = names();
  EXPECT_TRUE(remove_leftovers(folder_, "dump.rdb").empty());
  EXPECT_EQ(names(), before);
}

TEST_F(Leftovers, AFolderThatIsNotThereIsNone) { EXPECT_TRUE(remove_leftovers(folder_ / "nowhere", "dump.rdb").empty()); }

TEST_F(Leftovers, HalvesOfALockedFileGoWithItsNextOwner) {
  put("nodes.conf", "whole");
  put(fmt::format("nodes.conf.tmp-{}", gone));
  put(fmt::format("nodes.conf.tmp-{}", ::getppid()));  // somebody's who is still there
  put("nodes.conf.tmp-");
  put("nodes.conf.tmp-12x");
  put("other.conf.tmp-12");
  const auto file = LockedFile::open(folder_ / "nodes.conf");
  ASSERT_TRUE(file);
  std::vector<std::string> rest{"nodes.conf", "nodes.conf.tmp-", "nodes.conf.tmp-12x", "other.conf.tmp-12",
                                fmt::format("nodes.conf.tmp-{}", ::getppid())};
  std::sort(rest.begin(), rest.end());
  EXPECT_EQ(names(), rest);
}

// A configuration file is often a link to where it really is.
TEST_F(Leftovers, HalvesLieBesideWhatALinkPointsTo) {
  fs::create_directory(folder_ / "etc");
  put("etc/skein.conf", "port 1");
  put(fmt::format("etc/skein.conf.tmp-{}", gone));
  fs::create_symlink("etc/skein.conf", folder_ / "skein.conf");
  remove_unfinished_replacements(folder_ / "skein.conf");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "etc"), fs::directory_iterator()), 1);
  remove_unfinished_replacements(folder_ / "nowhere.conf");
}

// Whoever plants something under the name of a file that is to come must not stop a save or have it written elsewhere.
TEST_F(Leftovers, WhatStandsInTheWayOfANewFileIsReplaced) {
  put("precious", "precious");
  const fs::path path = folder_ / "temp-1.rdb";
  const auto make = [&] {
    auto file = NewFile::create(path, false);
    return file && file->write("new") && file->commit(folder_ / "dump.rdb");
  };
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_TRUE(make());
  fs::create_hard_link(folder_ / "precious", path);
  EXPECT_TRUE(make());
  EXPECT_EQ(fs::file_size(folder_ / "precious"), 8U);
  EXPECT_EQ(fs::file_size(folder_ / "dump.rdb"), 3U);
}

}  // namespace
}  // namespace skein
