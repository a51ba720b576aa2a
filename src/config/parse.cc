#include <skein/base/text.h>
#include <skein/config/later_directives.h>
#include <skein/config/parse.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "lines.h"
#include "overrides.h"

namespace skein {

namespace {

// Only a file that includes itself comes to so many.
constexpr int kMostIncludes = 500;

// The rights the default user has anyway: redis's CONFIG REWRITE writes this line into
// every file, so it must not stop a server that takes such a file over.
bool says_what_holds_anyway(std::span<const std::string> words) {
  constexpr std::array<std::string_view, 7> kDefault{"default", "on", "nopass", "sanitize-payload",
                                                     "~*",      "&*", "+@all"};
  const auto is_default_word = [&](const std::string& word) {
    return std::find(kDefault.begin(), kDefault.end(), word) != kDefault.end();
  };
  return words.size() >= 2 && words[0] == "default" && words[1] == "on" &&
         std::all_of(words.begin(), words.end(), is_default_word);
}

class Loader {
 public:
  Loader(ConfigFiles& files, bool sentinel) : files_(files), sentinel_(sentinel) {}

  // What follows is not the file any more: of the directives in `overruled` its lines do not count.
  void begin_options(Overrides overruled) { overruled_ = std::move(overruled); }

  Result<void> read_text(std::string_view text, const std::string& name, bool numbered = true) {
    int number = 0;
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = trim(text.substr(0, end));
      ++number;
      if (!line.empty() && line[0] != '#') {
        if (auto result = read_line(line, {name, numbered ? number : 0}); !result) return result;
      }
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
    return {};
  }

  Result<LoadedConfig> finish() {
    if (loaded_.config->cluster_enabled && !loaded_.config->replicaof.host.empty()) {
      return config_error(set_at_[&directive("replicaof")], "replicaof",
                          "replicaof directive not allowed in cluster mode");
    }
    for (const auto& row : all_directives()) {
      const auto origin = set_at_.find(&row);
      if (origin == set_at_.end()) continue;
      if (row.has_value() && loaded_.config.is_default(row)) continue;
      if (row.standing == Standing::kRefused) {
        return config_error(origin->second, row.name, std::string(row.note) + "; " + std::string(row.consequence));
      }
      if (auto idle = idle_notice(loaded_.config, row); !idle.empty()) {
        loaded_.warnings.push_back({origin->second, std::move(idle)});
      }
    }
    return std::move(loaded_);
  }

  Config& config() { return loaded_.config; }

 private:
  Result<void> read_line(std::string_view line, const Origin& origin) {
    // What is behind one would be read by nobody.
    if (line.find('\0') != std::string_view::npos) {
      const std::string_view name = line.substr(0, line.find_first_of(std::string_view(" \t\0", 3)));
      return config_error(origin, to_lower(name), "a zero byte in the line");
    }
    const auto parts = split_config_line(line);
    if (!parts)
      return config_error(origin, trim(line.substr(0, line.find_first_of(" \t"))),
                          "Unbalanced quotes in configuration line");
    const std::string name = to_lower(parts->words[0]);
    if (parts->row == nullptr) return unknown(name, origin);
    const Directive& row = *parts->row;
    if (depth_ == 0 && overruled_.contains(&row)) {
      loaded_.notices.push_back({origin, name + ": CONFIG REWRITE has written another value for it into the file since"});
      return {};
    }
    if (!parts->comment.empty()) {
      loaded_.notices.push_back(
          {origin, name + ": '" + std::string(parts->comment) + "' is taken as a comment"});
    }
    const std::span<const std::string> values(parts->words.begin() + 1, parts->words.end());
    auto result = row.has_value() ? set_value(row, values, origin) : read_file_directive(row, values, origin);
    if (!result)
      return stopped_inside_ ? result.error() : config_error(origin, name, result.error().message());
    return {};
  }

  Result<void> set_value(const Directive& row, std::span<const std::string> values, const Origin& origin) {
    const bool adding = set_at_.contains(&row);
    if (auto result = loaded_.config.set(row, values, adding); !result) return show_value(result.error(), row, values);
    set_at_[&row] = origin;
    if (row.name != "dir") return {};
    if (auto result = files_.enter_directory(loaded_.config->dir); !result) return show_value(result.error(), row, values);
    return {};
  }

  // How many words there are is told without them, and passwords are not told.
  static Error show_value(const Error& error, const Directive& row, std::span<const std::string> values) {
    constexpr std::size_t kShown = 64;
    if (row.is(kSensitive) || values.empty() || error.message() == "wrong number of arguments") return error;
    std::string text;
    for (const auto& value : values) text += (text.empty() ? "" : " ") + value;
    const bool cut = text.size() > kShown;
    std::string reason(error.message());
    if (reason.ends_with('.')) reason.pop_back();
    return Error(reason + ": " + quote(text.substr(0, kShown)) + (cut ? "..." : ""));
  }

  Result<void> read_file_directive(const Directive& row, std::span<const std::string> values,
                                   const Origin& origin) {
    const Error wrong_number("wrong number of arguments");
    if (row.name == "sentinel") return read_sentinel(values, origin);
    if (row.standing == Standing::kIgnored || row.name == "include") {
      if (values.size() != 1) return wrong_number;
      return row.name == "include" ? include(values[0]) : Result<void>();
    }
    if (values.size() < static_cast<std::size_t>(row.needed_words)) return wrong_number;
    if (row.name == "rename-command") {
      if (values.size() != 2) return wrong_number;
      loaded_.renamed_commands.push_back({values[0], values[1], origin});
      return {};
    }
    if (row.name == "user" && says_what_holds_anyway(values)) return {};
    set_at_[&row] = origin;
    return {};
  }

  // Bare, it is what is left of the option --sentinel.
  Result<void> read_sentinel(std::span<const std::string> values, const Origin& origin) {
    if (values.empty()) return {};
    if (!sentinel_) return Error("sentinel directive while not in sentinel mode");
    loaded_.sentinel_lines.push_back({{values.begin(), values.end()}, origin});
    return {};
  }

  Result<void> include(const std::string& path) {
    std::vector<std::string> paths{path};
    if (path.find_first_of("*?[") != std::string::npos) paths = files_.expand(path);
    for (const auto& each : paths) {
      if (++included_ > kMostIncludes) return Error("too many files are included; one may include itself");
      const auto text = files_.read(each);
      if (!text) return Error("can't open config file '" + each + "': " + text.error().message());
      ++depth_;
      const auto result = read_text(*text, each);
      --depth_;
      if (!result) {
        stopped_inside_ = true;
        return result;
      }
    }
    return {};
  }

  static Error unknown(const std::string& name, const Origin& origin) {
    if (const std::string_view since = came_later_in(name); !since.empty()) {
      return config_error(origin, name, "since " + std::string(since) + "; not known to 7.0");
    }
    const std::string_view near = nearest_directive(name);
    std::string reason = "unknown directive";
    if (!near.empty()) reason += "; did you mean '" + std::string(near) + "'?";
    return config_error(origin, name, reason);
  }

  ConfigFiles& files_;
  const bool sentinel_;
  LoadedConfig loaded_;
  std::unordered_map<const Directive*, Origin> set_at_;  // the last line of each
  Overrides overruled_;
  int included_ = 0;
  int depth_ = 0;  // of files inside files
  bool stopped_inside_ = false;  // the error already names a line, in an included file
};

}  // namespace

std::string Origin::str() const {
  return line == 0 ? file : file + ":" + std::to_string(line);
}

Error config_error(const Origin& origin, std::string_view directive, std::string_view reason) {
  return Error(std::string(reason)).within(directive).within(origin.str());
}

Result<LoadedConfig> load_config(const CommandLine& command_line,
                                 const std::optional<std::string>& standard_input, ConfigFiles& files) {
  if (command_line.config_file.empty()) return load_config("", command_line, standard_input, files);
  const auto text = files.read(command_line.config_file);
  if (!text) return Error("can't open config file '" + command_line.config_file + "': " + text.error().message());
  return load_config(*text, command_line, standard_input, files);
}

Result<LoadedConfig> load_config(std::string_view file_text, const CommandLine& command_line,
                                 const std::optional<std::string>& standard_input, ConfigFiles& files) {
  Loader loader(files, command_line.sentinel);
  if (command_line.sentinel) {
    // A Sentinel listens elsewhere and has to be reachable for the others.
    const auto port = loader.config().set("port", "26379");
    const auto open = loader.config().set("protected-mode", "no");
    if (!port || !open) return Error("the defaults of Sentinel mode");
  }
  if (auto result = loader.read_text(file_text, command_line.config_file); !result) return result.error();
  const std::string input = standard_input.value_or("");
  loader.begin_options(overruled_options(file_text, options_of(command_line, standard_input)));
  if (auto result = loader.read_text(input, "standard input"); !result) return result.error();
  if (auto result = loader.read_text(command_line.options, "command line", false); !result)
    return result.error();
  return loader.finish();
}

Result<LoadedConfig> parse_config(std::string_view text, const std::string& name, ConfigFiles& files) {
  Loader loader(files, false);
  if (auto result = loader.read_text(text, name); !result) return result.error();
  return loader.finish();
}

}  // namespace skein
