// The directives with a syntax of their own: how each is read, printed and written to a file.
#pragma once

#include <skein/config/directives.h>

#include <span>
#include <string>
#include <vector>

namespace skein {

std::string print_bind(const Settings& settings);
Result<void> read_bind(Settings& settings, std::span<const std::string> words, bool adding);
std::vector<FileLine> bind_lines(const Settings& settings);
inline constexpr SpecialField kBindField{print_bind, read_bind, bind_lines, "* -::*"};

std::string print_save(const Settings& settings);
Result<void> read_save(Settings& settings, std::span<const std::string> words, bool adding);
std::vector<FileLine> save_lines(const Settings& settings);
inline constexpr SpecialField kSaveField{print_save, read_save, save_lines, "\"\""};

std::string print_output_limits(const Settings& settings);
Result<void> read_output_limits(Settings& settings, std::span<const std::string> words, bool adding);
std::vector<FileLine> output_limit_lines(const Settings& settings);
inline constexpr SpecialField kOutputLimitField{print_output_limits, read_output_limits, output_limit_lines};

std::string print_oom_values(const Settings& settings);
Result<void> read_oom_values(Settings& settings, std::span<const std::string> words, bool adding);
std::vector<FileLine> oom_value_lines(const Settings& settings);
inline constexpr SpecialField kOomValuesField{print_oom_values, read_oom_values, oom_value_lines};

std::string print_notify(const Settings& settings);
Result<void> read_notify(Settings& settings, std::span<const std::string> words, bool adding);
std::vector<FileLine> notify_lines(const Settings& settings);
inline constexpr SpecialField kNotifyField{print_notify, read_notify, notify_lines};

std::string print_replicaof(const Settings& settings);
Result<void> read_replicaof(Settings& settings, std::span<const std::string> words, bool adding);
std::vector<FileLine> replicaof_lines(const Settings& settings);
inline constexpr SpecialField kReplicaofField{print_replicaof, read_replicaof, replicaof_lines, "no one"};

std::string print_percentiles(const Settings& settings);
Result<void> read_percentiles(Settings& settings, std::span<const std::string> words, bool adding);
std::vector<FileLine> percentile_lines(const Settings& settings);
inline constexpr SpecialField kPercentilesField{print_percentiles, read_percentiles, percentile_lines};

}  // namespace skein
