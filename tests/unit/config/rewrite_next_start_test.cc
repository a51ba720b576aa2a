// CONFIG REWRITE where the file is not all that a start reads: after it and a start by the same words CONFIG GET is
// what it was.
#include <skein/config/parse.h>
#include <skein/config/rewrite.h>

#include <array>

#include "fake_files.h"

namespace skein {
namespace {

class NextStarts : public testing::Test {
 protected:
  // A file with these lines, started with these options.
  void start(const std::string& text, const std::string& options = "") {
    text_ = text;
    command_line_.config_file = "skein.conf";
    command_line_.options = options;
    restart();
  }

  void restart() {
    entered_.clear();
    const auto files = seen();
    auto loaded = load_config(text_, command_line_, input_, *files);
    ASSERT_TRUE(loaded) << loaded.error().message();
    config_ = std::move(loaded->config);
    config_.found_directory(files->directory());
  }

  void set(std::string_view name, std::string_view value) {
    const std::array<std::string_view, 2> words{name, value};
    const auto outcome = set_all(config_, words, {.may_set_protected = true});
    ASSERT_TRUE(std::holds_alternative<SettingsChange>(outcome)) << name << " " << value;
  }

  RewrittenConfig rewrite() {
    const auto files = [this] { return seen(); };
    return rewrite_config(text_, config_, {.command_line = command_line_, .standard_input = input_, .files = files});
  }

  void expect_the_same_after_a_restart() {
    const auto rewritten = rewrite();
    EXPECT_EQ(rewritten.refusal, "");
    EXPECT_TRUE(rewritten.lost.empty()) << rewritten.lost.front();
    const Config before = config_;
    text_ = rewritten.text;
    restart();
    for (const auto& row : all_directives()) {
      if (row.has_value()) {
        EXPECT_EQ(config_.text(row), before.text(row)) << row.name << "\n" << text_;
      }
    }
    // Nothing adds up when it is done again, but the empty line at the end.
    text_ = rewrite().text;
    EXPECT_EQ(rewrite().text, text_);
  }

  [[nodiscard]] std::unique_ptr<FakeFiles> seen() const {
    auto files = std::make_unique<FakeFiles>();
    files->files = files_;
    return files;
  }
  std::string value(std::string_view name) { return config_.text(name).value(); }

  std::map<std::string, std::string> files_;
  std::vector<std::string> entered_;
  CommandLine command_line_;
  std::optional<std::string> input_;
  std::string text_;
  Config config_;
};

TEST_F(NextStarts, SavePointsOfAnIncludedFileDoNotAddUp) {
  files_["inc.conf"] = "save 900 1\nsave 60 5\n";
  for (const std::string text : {"include inc.conf\n", "save 5 5\ninclude inc.conf\n", "include inc.conf\nsave 5 5\n"}) {
    start(text);
    const std::string before = value("save");
    expect_the_same_after_a_restart();
    expect_the_same_after_a_restart();
    EXPECT_EQ(value("save"), before);
    set("save", "7 7");
    expect_the_same_after_a_restart();
    set("save", "");
    expect_the_same_after_a_restart();
    EXPECT_EQ(value("save"), "");
  }
}

TEST_F(NextStarts, DefaultsHoldAgainstAnIncludedFile) {
  files_["inc.conf"] = "maxmemory 1gb\nrequirepass sesame\nhz 50\nbind 127.0.0.1\nnotify-keyspace-events KEA\nlogfile x\n"
                       "replicaof 127.0.0.1 1\nclient-output-buffer-limit normal 1mb 1mb 1\nmasterauth y\n"
                       "latency-tracking-info-percentiles 1\nunixsocketperm 700\nloglevel debug\n";
  for (const std::string text : {"include inc.conf\n", "maxmemory 5mb\nrequirepass a\ninclude inc.conf\n"}) {
    start(text);
    set("maxmemory", "0");
    set("requirepass", "");
    set("hz", "10");
    set("bind", "* -::*");
    set("notify-keyspace-events", "");
    set("masterauth", "");
    set("loglevel", "notice");
    set("latency-tracking-info-percentiles", "50 99 99.9");
    set("client-output-buffer-limit", "normal 0 0 0");
    config_.found_primary({});
    expect_the_same_after_a_restart();
    EXPECT_EQ(value("requirepass"), "");
    EXPECT_EQ(value("replicaof"), "");
    EXPECT_EQ(value("unixsocketperm"), "700");
  }
}

TEST_F(NextStarts, EveryDirectiveCanBeSetBackToItsDefault) {
  for (const auto& row : all_directives()) {
    if (!row.has_value() || row.change == Change::kAtStartOnly || row.standing == Standing::kRefused) continue;
    for (const std::string_view other :
         {"1", "no", "yes", "3mb", "debug", "volatile-ttl", "everysec", "always", "127.0.0.1", "x"}) {
      if (row.name == "dir" || row.name == "replicaof" || row.name == "activedefrag" || row.name == "appendonly") break;
      Config changed;
      if (!changed.set(row, other) || changed.is_default(row)) continue;
      files_["inc.conf"] = std::string(row.name) + " " + std::string(other) + "\n";
      start("include inc.conf\n");
      ASSERT_TRUE(config_.set(row, row.default_text)) << row.name;
      expect_the_same_after_a_restart();
      break;
    }
  }
}

TEST_F(NextStarts, TheCommandLineIsOverruledUntilItSaysSomethingElse) {
  start("# mine\n", "maxmemory 100mb\nsave 60 1\nrequirepass sesame\n");
  expect_the_same_after_a_restart();
  EXPECT_EQ(value("save"), "60 1");
  // What is as the option says is left to it; only save points would add up.
  EXPECT_EQ(text_.find("command line: maxmemory"), std::string::npos) << text_;
  EXPECT_EQ(text_.find("command line: requirepass"), std::string::npos) << text_;
  set("maxmemory", "0");
  set("save", "");
  set("requirepass", "");
  expect_the_same_after_a_restart();
  EXPECT_EQ(value("requirepass"), "");
  EXPECT_EQ(text_.find("sesame"), std::string::npos) << text_;
  command_line_.options = "maxmemory 200mb\nsave 60 1\n";
  restart();
  EXPECT_EQ(value("maxmemory"), "209715200");
  EXPECT_EQ(value("save"), "");
  // As it says what is wanted there is nothing to overrule.
  expect_the_same_after_a_restart();
  EXPECT_EQ(text_.find("maxmemory 0"), std::string::npos) << text_;
}

TEST_F(NextStarts, AReplicaThatWasPromotedStaysAPrimary) {
  start("", "replicaof 127.0.0.1 6380\n");
  config_.found_primary({});
  expect_the_same_after_a_restart();
  EXPECT_EQ(value("replicaof"), "");
}

TEST_F(NextStarts, StandardInputIsOverruledToo) {
  input_ = "timeout 5\n";
  start("");
  set("timeout", "0");
  expect_the_same_after_a_restart();
}

TEST_F(NextStarts, IncludedFilesStayTheOnesTheyWere) {
  files_["inc.conf"] = "timeout 5\n";
  files_["/old/inc.conf"] = "timeout 6\n";
  start("dir /old\ninclude inc.conf\n");
  config_.found_directory("/new");
  EXPECT_NE(rewrite().text.find("include \"/old/inc.conf\"\n"), std::string::npos) << rewrite().text;
  config_.found_directory("/old");
  EXPECT_NE(rewrite().text.find("include inc.conf\n"), std::string::npos) << rewrite().text;
}

TEST_F(NextStarts, WhatCannotBeReachedIsNamed) {
  files_["inc.conf"] = "timeout 5\n";
  start("", "include inc.conf\n");
  set("timeout", "6");
  EXPECT_EQ(rewrite().lost, std::vector<std::string_view>{"timeout"});
  files_.clear();
  EXPECT_NE(rewrite().refusal, "");
}

}  // namespace
}  // namespace skein
