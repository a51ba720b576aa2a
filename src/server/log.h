// The server's log, in the line shape people and tools know from redis:
// "<pid>:<role> <day month year time> <mark> <text>". Whatever the text, it is one line of bounded length.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <spdlog/logger.h>

#include <skein/base/result.h>
#include <skein/config/settings.h>

#include "log_file.h"
#include "log_limiter.h"

namespace skein {

// M primary, S replica, C child process, X Sentinel.
using RoleLetter = char;

class Log {
 public:
  Log();

  // Where lines go: standard output when `file` is empty, and to syslog as well if asked.
  Result<void> open(const Settings& settings);
  // Opens the file anew under its name: what log rotation asks for by HUP.
  Result<void> reopen();
  // The working directory is another one now: so is what a relative name means.
  Result<void> follow_directory();
  void set_level(LogLevel level);
  void set_role(RoleLetter role) { *role_ = role; }

  void debug(std::string_view text) { write(spdlog::level::debug, text); }
  void verbose(std::string_view text) { write(spdlog::level::info, text); }
  void notice(std::string_view text) { write(spdlog::level::warn, text); }
  void warning(std::string_view text) { write(spdlog::level::err, text); }

  // What outsiders can bring about: one line a second for each cause, and how many were left out. `cause` is a few
  // words of ours in the plural.
  void outsider(std::string_view cause, LogLevel level, std::string_view text, int burst = 1);
  // Tells what was left out of causes that are quiet now. From time to time.
  void tell_left_out();

  // The descriptor lines go to, for a crash report that may not allocate.
  [[nodiscard]] int descriptor() const;

 private:
  void make_logger();
  // redis's four levels on spdlog's: debug, info for verbose, warn for notice, err for warning.
  void write(spdlog::level::level_enum level, std::string_view text);

  std::shared_ptr<RoleLetter> role_ = std::make_shared<RoleLetter>('C');  // until there is a server
  std::unique_ptr<spdlog::logger> logger_;
  std::string name_;  // of the file, as configured
  std::shared_ptr<LogFile> file_;
  std::string syslog_ident_;
  int syslog_facility_ = 0;
  bool syslog_ = false;
  LogLimiter limiter_;
};

}  // namespace skein
