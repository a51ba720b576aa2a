#include <skein/base/text.h>
#include <skein/config/command_line.h>

#include <CLI/CLI.hpp>
#include <filesystem>

namespace skein {

namespace {

// The options that are not directives. redis knows them as the first word only, and so do
// we: behind a file, "--version" is a directive nobody knows.
struct FixedOptions {
  explicit FixedOptions(std::string_view program) : app("", std::string(program)) {
    app.set_help_flag("-h,--help", "Print this text and exit");
    app.add_flag("-v,--version", show_version, "Print the version and exit");
    app.add_flag("--check-system", check_system, "Check the machine's settings and exit");
    app.add_option("--test-memory", test_megabytes, "Test this much memory and exit")
        ->type_name("<megabytes>");
    app.prefix_command();
  }

  [[nodiscard]] bool knows(const std::string& word) const {
    const auto options = app.get_options();
    return std::any_of(options.begin(), options.end(),
                       [&](const CLI::Option* option) { return option->check_name(word); });
  }

  CLI::App app;
  bool show_version = false;
  bool check_system = false;
  std::size_t test_megabytes = 0;
};

bool is_option(const std::string& word) {
  return word.starts_with("--");
}

// Joins options and their values to lines. Mind the values: a word that begins with "--"
// is one when its option still has none, so that passwords may begin with it.
class OptionLines {
 public:
  void add(std::span<const std::string> words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (is_option(words[i]) && !wants_value_) {
        start(words[i], i + 1 == words.size(), i + 1 < words.size() && is_option(words[i + 1]));
      } else {
        text_ += quote(words[i]) + " ";
        wants_value_ = false;
      }
    }
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void start(const std::string& option, bool last, bool option_follows) {
    if (!text_.empty()) text_ += '\n';
    text_ += option.substr(2) + " ";
    // "--port 6380" may be one word; then whatever follows is not its value.
    const auto inside = split_words(option);
    if (!inside || inside->size() != 1) return;
    // Two options may have been left without a value by whatever generated the line.
    const bool is_save = equals_ignore_case(option, "--save");
    const bool may_be_bare = is_save || equals_ignore_case(option, "--sentinel");
    if (may_be_bare && (last || option_follows)) {
      if (is_save) text_ += "\"\"";
      return;
    }
    wants_value_ = true;
  }

  std::string text_;
  bool wants_value_ = false;
};

bool asks_for_sentinel(std::span<const std::string> words) {
  const std::string program = std::filesystem::path(words[0]).filename();
  return program.find("-sentinel") != std::string::npos ||
         std::find(words.begin() + 1, words.end(), "--sentinel") != words.end();
}

Result<CommandLine> parse_fixed(FixedOptions& fixed, std::span<const std::string> words) {
  CommandLine out;
  // CLI11 wants the words in reverse, as it takes them from the back.
  std::vector<std::string> reversed(words.rbegin(), words.rend() - 1);
  try {
    fixed.app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    out.task = CommandLine::Task::kShowHelp;
    return out;
  } catch (const CLI::ParseError& error) {
    return Error(error.what());
  }
  if (fixed.show_version) {
    out.task = CommandLine::Task::kShowVersion;
  } else if (fixed.check_system) {
    out.task = CommandLine::Task::kCheckSystem;
  } else {
    out.task = CommandLine::Task::kTestMemory;
    out.test_megabytes = fixed.test_megabytes;
  }
  return out;
}

}  // namespace

Result<CommandLine> parse_command_line(std::span<const std::string> words) {
  CommandLine out;
  if (words.empty()) return out;
  FixedOptions fixed(words[0]);
  if (words.size() > 1 && fixed.knows(words[1])) return parse_fixed(fixed, words);

  out.sentinel = asks_for_sentinel(words);
  words = words.subspan(1);
  if (!words.empty() && !words[0].starts_with('-')) {
    out.config_file = words[0];
    words = words.subspan(1);
  } else if (!words.empty() && words[0] == "-") {
    out.config_from_stdin = true;
    words = words.subspan(1);
  }
  if (!words.empty() && words.back() == "-") {
    out.config_from_stdin = true;
    words = words.first(words.size() - 1);
  }
  OptionLines lines;
  lines.add(words);
  out.options = lines.take();
  return out;
}

std::string help_text(std::string_view program) {
  FixedOptions fixed(program);
  const std::string name(program);
  std::string text = "Usage: " + name + " [/path/to/skein.conf] [--directive value ...] [-]\n\n";
  text += "  A directive given here counts as if it stood at the end of the file, and may have\n";
  text += "  several values. \"-\" as the first or last word reads more configuration from\n";
  text += "  standard input.\n\n";
  text += "Options, as the first word only:\n";
  for (const CLI::Option* option : fixed.app.get_options()) {
    std::string left = "  " + option->get_name(false, true);
    if (!option->get_type_name().empty()) left += " " + option->get_type_name();
    left.resize(std::max<std::size_t>(left.size() + 1, 32), ' ');
    text += left + option->get_description() + "\n";
  }
  text += "\nExamples:\n";
  text += "  " + name + "\n";
  text += "  " + name + " /etc/skein/6379.conf\n";
  text += "  " + name + " --port 7000 --cluster-enabled yes\n";
  text += "  " + name + " /etc/skein/6379.conf --loglevel verbose --save 900 1\n";
  text += "  echo 'maxclients 500' | " + name + " -\n";
  text += "  " + name + " /etc/skein/sentinel.conf --sentinel\n";
  return text;
}

}  // namespace skein
