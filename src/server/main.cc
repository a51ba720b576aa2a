// From the words of the command line to a serving node.
#include <array>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <skein/base/memory.h>
#include <skein/config/command_line.h>
#include <skein/config/parse.h>
#include <skein/config/title.h>

#include "config_files.h"
#include "log.h"
#include "daemon.h"
#include "process.h"

namespace skein {

namespace {

constexpr std::string_view kRedisVersion = "7.0.15";

int fail(std::string_view text) {
  fmt::print(stderr, "{}\n", text);
  return 1;
}

void show_version() {
  fmt::print("Skein server v={} (compatible with Redis server v={}) sha=00000000:0 malloc=jemalloc-5.3.0 bits=64\n",
             SKEIN_VERSION, kRedisVersion);
}

std::string current_directory() {
  std::array<char, 4096> path;
  return ::getcwd(path.data(), path.size()) != nullptr ? path.data() : ".";
}

std::string title_of(const Settings& settings, const ProcessFacts& process) {
  TitleFacts facts;
  facts.title = process.program;
  const std::string address = settings.bind.empty() ? "*" : settings.bind.front();
  facts.listen_addr = settings.port != 0 ? fmt::format("{}:{}", address, settings.port) : settings.unixsocket;
  facts.server_mode = settings.cluster_enabled ? "[cluster]" : "";
  facts.port = std::to_string(settings.port);
  facts.tls_port = std::to_string(settings.tls_port);
  facts.unixsocket = settings.unixsocket;
  facts.config_file = process.config_file;
  return expand_title(settings.proc_title_template, facts).value_or(process.program);
}

void announce(Log& log, const LoadedConfig& loaded, const ProcessFacts& process) {
  log.warning("oO0OoO0OoO0Oo Skein is starting oO0OoO0OoO0Oo");
  log.warning(fmt::format("Skein version={} (compatible with Redis {}), bits=64, pid={}, just started", SKEIN_VERSION,
                          kRedisVersion, getpid()));
  if (process.config_file.empty()) {
    log.warning("Warning: no config file specified, using the default config. In order to specify a config file use "
                "skein-server /path/to/skein.conf");
  } else {
    log.warning("Configuration loaded");
  }
  for (const auto& notice : loaded.notices) log.notice(fmt::format("{}: {}", notice.origin.str(), notice.text));
  for (const auto& warning : loaded.warnings) log.warning(fmt::format("{}: {}", warning.origin.str(), warning.text));
}

int serve(const CommandLine& command_line, ProcessFacts process) {
  if (command_line.sentinel) return fail("Sentinel mode is not part of this version of Skein.");
  std::optional<std::string> standard_input;
  if (command_line.config_from_stdin) {
    standard_input.emplace(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  const std::string started_in = current_directory();
  if (!command_line.config_file.empty()) {
    process.config_file = command_line.config_file[0] == '/' ? command_line.config_file
                                                             : started_in + "/" + command_line.config_file;
  }
  DiskConfigFiles files;
  auto loaded = load_config(command_line, standard_input, files);
  if (!loaded) {
    return fail(fmt::format("\n*** FATAL CONFIG FILE ERROR (Skein {}, Redis {}) ***\n{}", SKEIN_VERSION, kRedisVersion,
                            loaded.error().message()));
  }
  Config& config = loaded->config;
  config.found_directory(current_directory());
  const Settings& settings = config.settings();

  process.supervised = detect_supervisor(settings.supervised);
  const bool background = settings.daemonize && process.supervised == "no";
  if (background) daemonize();

  Log log;
  if (auto result = log.open(settings); !result) return fail(result.error().message());
  count_this_thread();
  announce(log, *loaded, process);
  install_crash_reports(settings.logfile.empty() ? 2 : log.descriptor(), settings.crash_log_enabled);
  std::signal(SIGPIPE, SIG_IGN);
  const std::uint32_t room = raise_descriptor_limit(settings.maxclients);
  if (room < settings.maxclients) {
    log.warning(fmt::format("The operating system gives room for {} clients only, fewer than 'maxclients' {} asks for.",
                            room, settings.maxclients));
    (void)config.set("maxclients", std::to_string(room));
  }
  const bool writes_pid_file = background || !settings.pidfile.empty();
  const std::string pid_file = settings.pidfile.empty() && background ? "/var/run/redis.pid" : settings.pidfile;
  const bool titled = settings.set_proc_title;
  if (titled) set_title(title_of(settings, process));
  if (writes_pid_file) {
    if (auto result = write_pid_file(pid_file); !result) {
      log.warning(fmt::format("Can't write the pid file '{}': {}", pid_file, result.error().message()));
    }
  }
  process.startup_memory = allocated_bytes();
  int code = 1;
  {
    Daemon daemon(std::move(*loaded), process, log);
    if (titled) {
      daemon.on_title_changed = [&process](const Settings& now) { set_title(title_of(now, process)); };
    }
    if (auto result = daemon.start(); !result) {
      log.warning(result.error().message());
      if (writes_pid_file) ::unlink(pid_file.c_str());
      return 1;
    }
    notify_supervisor(process.supervised, "STATUS=Ready to accept connections\nREADY=1\n");
    code = daemon.run();
  }
  if (writes_pid_file) ::unlink(pid_file.c_str());
  return code;
}

std::string executable_path() {
  std::array<char, 4096> path;
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : "";
}

}  // namespace

int run_server(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  prepare_title(argc, argv);
  auto command_line = parse_command_line(words);
  if (!command_line) return fail(command_line.error().message());
  switch (command_line->task) {
    case CommandLine::Task::kShowVersion: show_version(); return 0;
    case CommandLine::Task::kShowHelp: fmt::print("{}", help_text(words[0])); return 0;
    case CommandLine::Task::kCheckSystem: fmt::print("[ok] nothing to report\n"); return 0;
    case CommandLine::Task::kTestMemory: return fail("--test-memory is not offered; use memtest86 or memtester.");
    case CommandLine::Task::kServe: break;
  }
  ProcessFacts process;
  process.program = words[0];
  process.executable = executable_path();
  return serve(*command_line, std::move(process));
}

}  // namespace skein

int main(int argc, char** argv) { return skein::run_server(argc, argv); }
