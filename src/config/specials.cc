#include "specials.h"

#include <skein/base/host_text.h>
#include <skein/base/text.h>

#include <array>
#include <climits>
#include <cstdio>

#include "values.h"

namespace skein {

namespace {

// As many addresses as redis takes.
constexpr std::size_t kMostBindAddresses = 16;

const std::vector<std::string>& default_bind() {
  static const std::vector<std::string> addresses{"*", "-::*"};
  return addresses;
}

constexpr std::array<OutputLimit, 3> kDefaultLimits{
    {{0, 0, seconds{0}}, {256ULL << 20, 64ULL << 20, seconds{60}}, {32ULL << 20, 8ULL << 20, seconds{60}}}};

std::optional<std::size_t> output_class(std::string_view word) {
  if (equals_ignore_case(word, "normal")) return kNormalClients;
  if (equals_ignore_case(word, "replica") || equals_ignore_case(word, "slave")) return kReplicaClients;
  if (equals_ignore_case(word, "pubsub")) return kPubsubClients;
  return std::nullopt;
}

struct NotifyLetter {
  char letter;
  std::uint32_t bit;
};
// In the order CONFIG GET prints them.
constexpr std::array kNotifyLetters{
    NotifyLetter{'g', kNotifyGeneric},  NotifyLetter{'$', kNotifyString},  NotifyLetter{'l', kNotifyList},
    NotifyLetter{'s', kNotifySet},      NotifyLetter{'h', kNotifyHash},    NotifyLetter{'z', kNotifyZset},
    NotifyLetter{'x', kNotifyExpired},  NotifyLetter{'e', kNotifyEvicted}, NotifyLetter{'t', kNotifyStream},
    NotifyLetter{'d', kNotifyModule},   NotifyLetter{'n', kNotifyNew},     NotifyLetter{'K', kNotifyKeyspace},
    NotifyLetter{'E', kNotifyKeyevent}, NotifyLetter{'m', kNotifyKeyMiss}};
// What the letter A stands for; misses and new keys have to be asked for by name.
constexpr std::uint32_t kNotifyAll = kNotifyGeneric | kNotifyString | kNotifyList | kNotifySet | kNotifyHash |
                                     kNotifyZset | kNotifyExpired | kNotifyEvicted | kNotifyStream |
                                     kNotifyModule;

std::string percentile_text(double value) {
  std::array<char, 64> buffer;
  const int size = std::snprintf(buffer.data(), buffer.size(), "%.6f", value);
  std::string text(buffer.data(), static_cast<std::size_t>(size));
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

// A word for the file, in quotes when it would not be read back as itself without.
std::string file_word(const std::string& word) {
  const auto read_back = split_words(word);
  const bool plain =
      read_back && read_back->size() == 1 && read_back->front() == word && !word.starts_with('#');
  return plain ? word : quote(word);
}

// An empty list has to be written, or the default would come back.
std::string or_quotes(std::string text) {
  return text.empty() ? "\"\"" : text;
}

}  // namespace

std::string print_bind(const Settings& settings) {
  return join_words(settings.bind);
}

Result<void> read_bind(Settings& settings, std::span<const std::string> words, bool /*adding*/) {
  if (words.size() > kMostBindAddresses) return Error("Too many bind addresses specified.");
  for (const auto& word : words) {
    if (!word.empty() && !is_host_text(word)) return Error("Invalid bind address");
  }
  settings.bind.assign(words.begin(), words.end());
  return {};
}

std::vector<FileLine> bind_lines(const Settings& settings) {
  if (settings.bind == default_bind()) return {};
  std::vector<std::string> words;
  for (const auto& address : settings.bind) words.push_back(file_word(address));
  return {{or_quotes(join_words(words))}};
}

std::string print_save(const Settings& settings) {
  std::vector<std::string> words;
  for (const auto& point : settings.save) {
    words.push_back(std::to_string(point.within.count()));
    words.push_back(std::to_string(point.changes));
  }
  return join_words(words);
}

Result<void> read_save(Settings& settings, std::span<const std::string> words, bool adding) {
  if (words.size() % 2 != 0) return Error("Invalid save parameters");
  std::vector<SavePoint> points;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const auto within = parse_lenient(words[i]);
    const auto changes = parse_lenient(words[i + 1]);
    if (!within || !changes || *within < 1 || *within > INT_MAX || *changes < 0) return Error("Invalid save parameters");
    points.push_back({seconds{*within}, *changes});
  }
  // `save ""` takes back the lines before it.
  if (!adding || words.empty()) settings.save.clear();
  settings.save.insert(settings.save.end(), points.begin(), points.end());
  return {};
}

std::vector<FileLine> save_lines(const Settings& settings) {
  std::vector<FileLine> lines;
  for (const auto& point : settings.save) {
    lines.push_back({std::to_string(point.within.count()) + " " + std::to_string(point.changes)});
  }
  if (lines.empty()) lines.push_back({"\"\""});
  return lines;
}

std::string print_output_limits(const Settings& settings) {
  constexpr std::array kNames{"normal", "slave", "pubsub"};
  std::vector<std::string> words;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const auto& limit = settings.client_output_buffer_limit[i];
    words.insert(words.end(), {kNames[i], std::to_string(limit.hard), std::to_string(limit.soft),
                               std::to_string(limit.soft_for.count())});
  }
  return join_words(words);
}

// Classes that are not named keep their limits.
Result<void> read_output_limits(Settings& settings, std::span<const std::string> words, bool /*adding*/) {
  if (words.size() % 4 != 0) return Error("Wrong number of arguments in buffer limit configuration.");
  auto limits = settings.client_output_buffer_limit;
  for (std::size_t i = 0; i < words.size(); i += 4) {
    const auto which = output_class(words[i]);
    if (!which) return Error("Invalid client class specified in buffer limit configuration.");
    const auto hard = parse_memory(words[i + 1]);
    const auto soft = parse_memory(words[i + 2]);
    const auto soft_for = parse_lenient(words[i + 3]);
    if (!hard || !soft || !soft_for || *soft_for < 0 || *soft_for > INT_MAX) {
      return Error("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    limits[*which] = {*hard, *soft, seconds{*soft_for}};
  }
  settings.client_output_buffer_limit = limits;
  return {};
}

std::vector<FileLine> output_limit_lines(const Settings& settings) {
  constexpr std::array kNames{"normal", "replica", "pubsub"};
  std::vector<FileLine> lines;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const auto& limit = settings.client_output_buffer_limit[i];
    lines.push_back({std::string(kNames[i]) + " " + format_memory(limit.hard) + " " +
                         format_memory(limit.soft) + " " + std::to_string(limit.soft_for.count()),
                     !(limit == kDefaultLimits[i])});
  }
  return lines;
}

std::string print_oom_values(const Settings& settings) {
  std::vector<std::string> words;
  for (const int value : settings.oom_score_adj_values) words.push_back(std::to_string(value));
  return join_words(words);
}

Result<void> read_oom_values(Settings& settings, std::span<const std::string> words, bool /*adding*/) {
  std::array<int, 3> values{};
  if (words.size() != values.size()) return Error("wrong number of arguments");
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = parse_lenient(words[i]);
    if (!value || *value < -2000 || *value > 2000) {
      return Error("Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
    }
    values[i] = static_cast<int>(*value);
  }
  settings.oom_score_adj_values = values;
  return {};
}

std::vector<FileLine> oom_value_lines(const Settings& settings) {
  return {{print_oom_values(settings), settings.oom_score_adj_values != std::array<int, 3>{0, 200, 800}}};
}

std::string print_notify(const Settings& settings) {
  const std::uint32_t bits = settings.notify_keyspace_events;
  const bool all = (bits & kNotifyAll) == kNotifyAll;
  std::string text = all ? "A" : "";
  for (const auto& [letter, bit] : kNotifyLetters) {
    // Behind an A the letter n goes unsaid, as redis leaves it out of its answer too.
    if (all && ((kNotifyAll | kNotifyNew) & bit) != 0) continue;
    if ((bits & bit) != 0) text += letter;
  }
  return text;
}

Result<void> read_notify(Settings& settings, std::span<const std::string> words, bool /*adding*/) {
  if (words.size() != 1) return Error("wrong number of arguments");
  std::uint32_t bits = 0;
  for (const char c : words[0]) {
    std::uint32_t added = c == 'A' ? kNotifyAll : 0;
    for (const auto& [letter, bit] : kNotifyLetters) {
      if (letter == c) added = bit;
    }
    if (added == 0) return Error("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    bits |= added;
  }
  settings.notify_keyspace_events = bits;
  return {};
}

std::vector<FileLine> notify_lines(const Settings& settings) {
  return {{quote(print_notify(settings)), settings.notify_keyspace_events != 0}};
}

std::string print_replicaof(const Settings& settings) {
  const auto& primary = settings.replicaof;
  return primary.host.empty() ? "" : primary.host + " " + std::to_string(primary.port);
}

Result<void> read_replicaof(Settings& settings, std::span<const std::string> words, bool /*adding*/) {
  if (words.size() != 2) return Error("wrong number of arguments");
  if (equals_ignore_case(words[0], "no") && equals_ignore_case(words[1], "one")) {
    settings.replicaof = {};
    return {};
  }
  if (!is_host_text(words[0])) return Error("Invalid master host");
  const auto port = parse_lenient(words[1]);
  if (words[1].empty() || !port || *port < 0 || *port > 65535) return Error("Invalid master port");
  settings.replicaof = {words[0], static_cast<std::uint16_t>(*port)};
  return {};
}

// In a cluster the role is in nodes.conf, and the directive may not be in the file.
std::vector<FileLine> replicaof_lines(const Settings& settings) {
  if (settings.cluster_enabled || settings.replicaof.host.empty()) return {};
  return {{file_word(settings.replicaof.host) + " " + std::to_string(settings.replicaof.port)}};
}

std::string print_percentiles(const Settings& settings) {
  std::vector<std::string> words;
  for (const double value : settings.latency_tracking_info_percentiles)
    words.push_back(percentile_text(value));
  return join_words(words);
}

Result<void> read_percentiles(Settings& settings, std::span<const std::string> words, bool /*adding*/) {
  std::vector<double> percentiles;
  for (const auto& word : words) {
    const auto value = parse_double(word);
    if (!value) return Error("Invalid latency-tracking-info-percentiles parameters");
    if (*value < 0 || *value > 100) {
      return Error("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
    }
    percentiles.push_back(*value);
  }
  settings.latency_tracking_info_percentiles = std::move(percentiles);
  return {};
}

std::vector<FileLine> percentile_lines(const Settings& settings) {
  return {{or_quotes(print_percentiles(settings))}};
}

}  // namespace skein
