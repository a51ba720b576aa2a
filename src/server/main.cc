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
#include <skein/commands/table.h>
#include <skein/commands/version.h>
#include <skein/config/command_line.h>
#include <skein/config/parse.h>
#include <skein/config/title.h>

#include "config_files.h"
#include "log.h"
#include "daemon.h"
#include "process.h"

namespace skein {

namespace {

int fail(std::string_view text) {
  fmt::print(stderr, "{}\n", text);
  return 1;
}

// Who starts it by that name reads the version of redis from this line.
void show_version(std::string_view program) {
  const std::string allocator = allocator_name();
  if (program.substr(program.rfind('/') + 1) == "redis-server") {
    fmt::print("Redis server v={} sha=00000000:0 malloc={} bits=64 build=skein-{}\n", kRedisVersion, allocator, SKEIN_VERSION);
  } else {
    fmt::print("Skein server v={} (compatible with Redis server v={}) sha=00000000:0 malloc={} bits=64\n", SKEIN_VERSION,
               kRedisVersion, allocator);
  }
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

void announce(Log& log, const LoadedConfig& loaded, bool configured) {
  log.warning("oO0OoO0OoO0Oo Skein is starting oO0OoO0OoO0Oo");
  log.warning(fmt::format("Skein version={} (compatible with Redis {}), bits=64, pid={}, just started", SKEIN_VERSION,
                          kRedisVersion, getpid()));
  if (configured) {
    log.warning("Configuration loaded");
  } else {
    log.warning("Warning: no config file specified, using the default config. In order to specify a config file use "
                "skein-server /path/to/skein.conf");
  }
  for (const auto& notice : loaded.notices) log.notice(fmt::format("{}: {}", notice.origin.str(), notice.text));
  for (const auto& warning : loaded.warnings) log.warning(fmt::format("{}: {}", warning.origin.str(), warning.text));
}

Result<void> check_renames(const LoadedConfig& loaded) {
  CommandTable commands(all_command_specs());
  for (const auto& renamed : loaded.renamed_commands) {
    if (auto result = commands.rename(renamed.from, renamed.to); !result) {
      return config_error(renamed.origin, "rename-command", result.error().message());
    }
  }
  return {};
}

// Everything the words of the command line lead to. Enters the directory of `dir`.
Result<LoadedConfig> load(const CommandLine& command_line) {
  std::optional<std::string> standard_input;
  if (command_line.config_from_stdin) {
    standard_input.emplace(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  DiskConfigFiles files;
  auto loaded = load_config(command_line, standard_input, files);
  if (loaded) {
    if (auto result = check_renames(*loaded); !result) loaded = result.error();
  }
  if (!loaded) {
    return Error(fmt::format("\n*** FATAL CONFIG FILE ERROR (Skein {}, Redis {}) ***\n{}", SKEIN_VERSION, kRedisVersion,
                             loaded.error().message()));
  }
  loaded->config.found_directory(current_directory());
  return loaded;
}

// There while the process serves. Daemons have one whether or not they are told its path.
class PidFile {
 public:
  PidFile(const Settings& settings, bool background, Log& log)
      : path_(settings.pidfile.empty() && background ? "/var/run/redis.pid" : settings.pidfile) {
    if (path_.empty()) return;
    if (auto result = write_pid_file(path_); !result) {
      log.warning(fmt::format("Can't write the pid file '{}': {}", path_, result.error().message()));
    }
  }
  ~PidFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::string path_;
};

void make_room_for_clients(Config& config, Log& log) {
  const std::uint32_t wanted = config->maxclients;
  // Where there are enough, links of the cluster bus take none of theirs.
  constexpr std::uint32_t kForLinks = 256;
  const std::uint32_t room = raise_descriptor_limit(wanted + (config->cluster_enabled && wanted < UINT32_MAX - kForLinks ? kForLinks : 0));
  if (room >= wanted) return;
  log.warning(fmt::format("The operating system gives room for {} clients only, fewer than 'maxclients' {} asks for.",
                          room, wanted));
  (void)config.set("maxclients", std::to_string(room));
}

int run_daemon(LoadedConfig loaded, const ProcessFacts& process, Log& log) {
  const bool titled = loaded.config->set_proc_title;
  if (titled) set_title(title_of(loaded.config.settings(), process));
  Daemon daemon(std::move(loaded), process, log);
  if (titled) {
    daemon.on_title_changed = [&process](const Settings& now) { set_title(title_of(now, process)); };
  }
  if (auto result = daemon.start(); !result) {
    log.warning(result.error().message());
    return 1;
  }
  return daemon.run();
}

int serve(const CommandLine& command_line, ProcessFacts process) {
  if (command_line.sentinel) return fail("Sentinel mode is not part of this version of Skein.");
  // Before `dir` changes what a relative path means.
  if (!command_line.config_file.empty()) {
    const bool absolute = command_line.config_file[0] == '/';
    process.config_file = absolute ? command_line.config_file : current_directory() + "/" + command_line.config_file;
  }
  auto loaded = load(command_line);
  if (!loaded) return fail(loaded.error().message());
  Config& config = loaded->config;

  process.supervised = detect_supervisor(config->supervised);
  const bool background = config->daemonize && process.supervised == "no";
  if (background) close_inherited_descriptors();
  // What stops the start is told while somebody can see it.
  Log log;
  if (auto result = log.open(config.settings()); !result) return fail(result.error().message());
  if (background) {
    if (auto result = daemonize(); !result) return fail(result.error().message());
  }
  count_this_thread();
  announce(log, *loaded, !process.config_file.empty() || command_line.config_from_stdin || !command_line.options.empty());
  install_crash_reports(log.descriptor(), config->crash_log_enabled);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);  // ignored, as some starters leave it, how a child ended would be lost
  make_room_for_clients(config, log);
  const PidFile pid_file(config.settings(), background, log);
  process.startup_memory = allocated_bytes();
  return run_daemon(std::move(*loaded), process, log);
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
    case CommandLine::Task::kShowVersion: show_version(words[0]); return 0;
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
