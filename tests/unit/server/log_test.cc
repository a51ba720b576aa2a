// The log as a file: whatever it is given, each text is one line of bounded length.
#include "log.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace skein {
namespace {

class LogFile : public testing::Test {
 protected:
  LogFile() {
    char name[] = "/tmp/skein-log-XXXXXX";
    folder = ::mkdtemp(name);
    settings.logfile = folder / "log";
    settings.loglevel = LogLevel::kVerbose;
    EXPECT_TRUE(log.open(settings));
  }
  ~LogFile() override { std::filesystem::remove_all(folder); }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::ifstream file(settings.logfile);
    std::vector<std::string> found;
    for (std::string line; std::getline(file, line);) found.push_back(line);
    return found;
  }

  std::filesystem::path folder;
  Settings settings;
  Log log;
};

TEST_F(LogFile, NoTextForgesALine) {
  log.notice("REPLICAOF x\n1:M 01 Jan 2030 00:00:00.000 # forged:1 enabled");
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_NE(lines()[0].find("x\\n1:M 01 Jan"), std::string::npos);
}

TEST_F(LogFile, NoTextFillsTheDisk) {
  log.warning(std::string(5'000'000, 'a'));
  EXPECT_LT(std::filesystem::file_size(settings.logfile), 1200U);
}

TEST_F(LogFile, OutsidersGetALineASecond) {
  for (int i = 0; i < 1000; ++i) log.outsider("protocol errors", LogLevel::kVerbose, "Protocol error from client");
  // Not one, in case a second ended meanwhile.
  EXPECT_LE(lines().size(), 20U);
  EXPECT_GE(lines().size(), 1U);
}

TEST_F(LogFile, WhatIsBelowTheLevelIsNotCounted) {
  for (int i = 0; i < 10; ++i) log.outsider("details", LogLevel::kDebug, "detail");
  log.set_level(LogLevel::kDebug);
  log.outsider("details", LogLevel::kDebug, "detail");
  EXPECT_EQ(lines().size(), 1U);
}

}  // namespace
}  // namespace skein
