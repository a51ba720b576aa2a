#include <skein/config/command_line.h>

namespace skein {
namespace {

using Task = CommandLine::Task;

CommandLine parsed(std::vector<std::string> words) {
  words.insert(words.begin(), "/usr/bin/skein-server");
  auto result = parse_command_line(words);
  EXPECT_TRUE(result) << result.error().message();
  return result ? *result : CommandLine{};
}

std::string options(std::vector<std::string> words) {
  return parsed(std::move(words)).options;
}

TEST(CommandLine, FixedOptionsComeFirst) {
  EXPECT_EQ(parsed({"--version"}).task, Task::kShowVersion);
  EXPECT_EQ(parsed({"-v"}).task, Task::kShowVersion);
  EXPECT_EQ(parsed({"-v", "anything", "--else"}).task, Task::kShowVersion);
  EXPECT_EQ(parsed({"--help"}).task, Task::kShowHelp);
  EXPECT_EQ(parsed({"-h"}).task, Task::kShowHelp);
  EXPECT_EQ(parsed({"--check-system"}).task, Task::kCheckSystem);
  EXPECT_EQ(parsed({"--test-memory", "64"}).task, Task::kTestMemory);
  EXPECT_EQ(parsed({"--test-memory", "64"}).test_megabytes, 64U);
  const std::vector<std::string> incomplete{"skein-server", "--test-memory"};
  EXPECT_FALSE(parse_command_line(incomplete));
  EXPECT_EQ(parsed({"a.conf", "--version"}).task, Task::kServe);
  EXPECT_EQ(options({"a.conf", "--version"}), "version ");
  EXPECT_EQ(parsed({"-vx"}).task, Task::kServe);
}

TEST(CommandLine, FileAndOptions) {
  EXPECT_EQ(parsed({}).config_file, "");
  EXPECT_EQ(parsed({"a.conf"}).config_file, "a.conf");
  EXPECT_EQ(options({"a.conf", "--port", "7000"}), "port \"7000\" ");
  EXPECT_EQ(options({"--save", "900", "1", "--port", "6379"}), "save \"900\" \"1\" \nport \"6379\" ");
  EXPECT_EQ(options({"--port", "1", "--bind", "127.0.0.1", "-::1"}),
            "port \"1\" \nbind \"127.0.0.1\" \"-::1\" ");
  EXPECT_EQ(options({"--requirepass", "a b\"c"}), "requirepass \"a b\\\"c\" ");
  EXPECT_EQ(options({"--port 6380", "--hz", "20"}), "port 6380 \nhz \"20\" ");
}

TEST(CommandLine, ValuesThatLookLikeOptions) {
  EXPECT_EQ(options({"--requirepass", "--secret", "--port", "1"}), "requirepass \"--secret\" \nport \"1\" ");
  EXPECT_EQ(options({"--save", "--port", "1"}), "save \"\"\nport \"1\" ");
  EXPECT_EQ(options({"--port", "1", "--save"}), "port \"1\" \nsave \"\"");
  EXPECT_EQ(options({"--SAVE", "", "--port", "1"}), "SAVE \"\" \nport \"1\" ");
  EXPECT_EQ(options({"--sentinel", "--port", "1"}), "sentinel \nport \"1\" ");
  EXPECT_EQ(options({"--port", "1", "--sentinel"}), "port \"1\" \nsentinel ");
}

TEST(CommandLine, StandardInput) {
  EXPECT_TRUE(parsed({"-"}).config_from_stdin);
  EXPECT_TRUE(parsed({"a.conf", "-"}).config_from_stdin);
  EXPECT_TRUE(parsed({"a.conf", "--port", "1", "-"}).config_from_stdin);
  EXPECT_TRUE(parsed({"-", "--port", "1"}).config_from_stdin);
  EXPECT_EQ(options({"-", "--port", "1"}), "port \"1\" ");
  EXPECT_EQ(options({"--port", "1", "-"}), "port \"1\" ");
  const auto middle = parsed({"a.conf", "-", "--port", "1"});
  EXPECT_FALSE(middle.config_from_stdin);
  EXPECT_EQ(middle.options, "\"-\" \nport \"1\" ");
}

TEST(CommandLine, SentinelByNameOrOption) {
  EXPECT_FALSE(parsed({"a.conf"}).sentinel);
  EXPECT_TRUE(parsed({"a.conf", "--sentinel"}).sentinel);
  const std::vector<std::string> by_name{"/opt/sentinel-tools/skein-sentinel", "a.conf"};
  EXPECT_TRUE(parse_command_line(by_name)->sentinel);
  const std::vector<std::string> by_folder{"/opt/x-sentinel/skein-server", "a.conf"};
  EXPECT_FALSE(parse_command_line(by_folder)->sentinel);
}

TEST(CommandLine, Help) {
  const auto text = help_text("skein-server");
  for (const auto* part : {"Usage: skein-server ", "--version", "--help", "--check-system", "--sentinel"}) {
    EXPECT_THAT(text, testing::HasSubstr(part));
  }
}

}  // namespace
}  // namespace skein
