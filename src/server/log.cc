#include "log.h"

#include <array>
#include <filesystem>
#include <syslog.h>
#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/syslog_sink.h>

#include <skein/base/clock.h>

#include "log_line.h"

namespace skein {

namespace {

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(std::shared_ptr<RoleLetter> role) : role_(std::move(role)) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const auto since = message.time.time_since_epoch();
    const std::time_t second = std::chrono::duration_cast<std::chrono::seconds>(since).count();
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000;
    std::tm parts{};
    localtime_r(&second, &parts);
    std::array<char, 32> stamp;
    const std::size_t size = std::strftime(stamp.data(), stamp.size(), "%d %b %Y %H:%M:%S", &parts);
    fmt::format_to(std::back_inserter(line), "{}:{} {}.{:03} {} ", getpid(), *role_,
                   std::string_view(stamp.data(), size), millis, mark(message.level));
    line.append(message.payload.data(), message.payload.data() + message.payload.size());
    line.push_back('\n');
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(role_);
  }

 private:
  static char mark(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::debug: return '.';
      case spdlog::level::info: return '-';
      case spdlog::level::warn: return '*';
      default: return '#';
    }
  }
  std::shared_ptr<RoleLetter> role_;
};

// Lines go to the log's file, or to standard output where there is none.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LineSink(std::shared_ptr<LogFile> file) : file_(std::move(file)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (file_ != nullptr) {
      file_->write({line.data(), line.size()}, read_boot_clock());
    } else {
      [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, line.data(), line.size());
    }
  }
  void flush_() override {}

 private:
  std::shared_ptr<LogFile> file_;
};

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kVerbose: return spdlog::level::info;
    case LogLevel::kNotice: return spdlog::level::warn;
    case LogLevel::kWarning: break;
  }
  return spdlog::level::err;
}

// `dir` may change, and with it what a relative path means.
std::string absolute_path(const std::string& path) {
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(path, failed);
  return failed ? path : absolute.string();
}

int syslog_number(SyslogFacility facility) {
  switch (facility) {
    case SyslogFacility::kUser: return LOG_USER;
    case SyslogFacility::kLocal0: return LOG_LOCAL0;
    case SyslogFacility::kLocal1: return LOG_LOCAL1;
    case SyslogFacility::kLocal2: return LOG_LOCAL2;
    case SyslogFacility::kLocal3: return LOG_LOCAL3;
    case SyslogFacility::kLocal4: return LOG_LOCAL4;
    case SyslogFacility::kLocal5: return LOG_LOCAL5;
    case SyslogFacility::kLocal6: return LOG_LOCAL6;
    case SyslogFacility::kLocal7: return LOG_LOCAL7;
  }
  return LOG_LOCAL0;
}

}  // namespace

Log::Log() { make_logger(); }

void Log::make_logger() {
  std::vector<spdlog::sink_ptr> sinks{std::make_shared<LineSink>(file_)};
  if (syslog_) {
    sinks.push_back(std::make_shared<spdlog::sinks::syslog_sink_mt>(syslog_ident_, LOG_PID | LOG_NDELAY,
                                                                     syslog_facility_, false));
  }
  logger_ = std::make_unique<spdlog::logger>("skein", sinks.begin(), sinks.end());
  sinks.front()->set_formatter(std::make_unique<LineFormatter>(role_));
  if (syslog_) sinks.back()->set_pattern("%v");
  set_level(LogLevel::kNotice);
}

Result<void> Log::open(const Settings& settings) {
  name_ = settings.logfile;
  if (!name_.empty()) {
    file_ = std::make_shared<LogFile>(absolute_path(name_));
    if (auto opened = file_->open(); !opened) return opened;
  }
  syslog_ = settings.syslog_enabled;
  syslog_ident_ = settings.syslog_ident;
  syslog_facility_ = syslog_number(settings.syslog_facility);
  make_logger();
  set_level(settings.loglevel);
  return {};
}

Result<void> Log::reopen() {
  if (file_ == nullptr) return {};
  return file_->open();
}

Result<void> Log::follow_directory() {
  if (file_ == nullptr) return {};
  return file_->move_to(absolute_path(name_));
}

int Log::descriptor() const { return file_ != nullptr ? file_->descriptor() : STDOUT_FILENO; }

void Log::set_level(LogLevel level) { logger_->set_level(level_of(level)); }

void Log::write(spdlog::level::level_enum level, std::string_view text) {
  if (!logger_->should_log(level)) return;
  if (is_plain_log_line(text)) [[likely]] {
    logger_->log(level, spdlog::string_view_t{text.data(), text.size()});
  } else {
    logger_->log(level, log_line(text));
  }
}

void Log::outsider(std::string_view cause, LogLevel level, std::string_view text, int burst) {
  if (!logger_->should_log(level_of(level))) return;
  const auto left_out = limiter_.allow(cause, read_boot_clock(), burst);
  if (!left_out) return;
  write(level_of(level), text);
  if (*left_out != 0) write(level_of(level), fmt::format("Before this {} lines about {} were left out", *left_out, cause));
}

void Log::tell_left_out() {
  for (const auto& [cause, lines] : limiter_.take_left_out(read_boot_clock())) {
    notice(fmt::format("{} lines about {} were left out", lines, cause));
  }
}

}  // namespace skein
