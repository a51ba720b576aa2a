// From the words of the command line to a serving node.
#include <array>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <new>
#include <unistd.h>

#include <fmt/format.h>

#include <skein/base/memory.h>
#include <skein/commands/renaming.h>
#include <skein/commands/table.h>
#include <skein/commands/version.h>
#include <skein/config/command_line.h>
#include <skein/config/parse.h>
#include <skein/config/title.h>

#include "append_only.h"
#include "background.h"
#include "build_info.h"
#include "config_files.h"
#include "daemon.h"
#include "log.h"
#include "memory_test.h"
#include "pid_file.h"
#include "process.h"
#include "system_checks.h"

namespace skein {

namespace {

int fail(std::string_view text) {
  fmt::print(stderr, "{}\n", text);
  return 1;
}

// Who starts it by that name reads the version of redis from this line.
void show_version(std::string_view program) {
  const std::string build = fmt::format("sha={}:{} malloc={} bits=64 build=", kBuildInfo.commit, kBuildInfo.modified ? 1 : 0,
                                        allocator_name());
  const std::string id = build_id(kBuildInfo);
  if (program.substr(program.rfind('/') + 1) == "redis-server") {
    fmt::print("Redis server v={} {}skein-{}-{}\n", kRedisVersion, build, SKEIN_VERSION, id);
  } else {
    fmt::print("Skein server v={} (compatible with Redis server v={}) {}{} time={}\n", SKEIN_VERSION, kRedisVersion, build, id,
               kBuildInfo.time);
  }
}

int show_system_check() {
  bool fine = true;
  for (const auto& check : check_system(read_system_facts())) {
    fmt::print("[{}]...{}\n", check.name, check.trouble.empty() ? "OK" : "WARNING:\n" + check.trouble);
    fine = fine && check.trouble.empty();
  }
  return fine ? 0 : 1;
}

// Pages are the kernel's to give: with too few of them the process is killed and not answered.
int try_memory(std::size_t megabytes) {
  constexpr std::size_t kWordsPerMegabyte = 1024 * 1024 / sizeof(std::uint64_t);
  if (megabytes == 0 || megabytes > SIZE_MAX / (1024 * 1024)) return fail("--test-memory needs a number of megabytes");
  std::unique_ptr<std::uint64_t[]> words(new (std::nothrow) std::uint64_t[megabytes * kWordsPerMegabyte]);
  if (words == nullptr) return fail(fmt::format("There are no {} megabytes to test", megabytes));
  const std::span<volatile std::uint64_t> all(words.get(), megabytes * kWordsPerMegabyte);
  const auto fault = test_memory(all, [](std::string_view step) {
    fmt::print("{}\n", step);
    std::fflush(stdout);
  });
  if (!fault) {
    fmt::print("{} megabytes hold what is written to them\n", megabytes);
    return 0;
  }
  return fail(fmt::format("*** MEMORY FAULT: the word at byte {} was written as {:016x} and read as {:016x}",
                          fault->word * sizeof(std::uint64_t), fault->wrote, fault->read));
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
  log.warning(fmt::format("Skein version={} (compatible with Redis {}), bits=64, commit={}, modified={}, pid={}, just started",
                          SKEIN_VERSION, kRedisVersion, kBuildInfo.commit, kBuildInfo.modified ? 1 : 0, getpid()));
  if (configured) {
    log.warning("Configuration loaded");
  } else {
    log.warning("Warning: no config file specified, using the default config. In order to specify a config file use "
                "skein-server /path/to/skein.conf");
  }
  for (const auto& notice : loaded.notices) log.notice(fmt::format("{}: {}", notice.origin.str(), notice.text));
  for (const auto& warning : loaded.warnings) log.warning(fmt::format("{}: {}", warning.origin.str(), warning.text));
}

// Everything the words of the command line lead to. Enters the directory of `dir`.
Result<LoadedConfig> load(const ProcessFacts& process) {
  DiskConfigFiles files;
  auto loaded = load_config(process.command_line, process.standard_input, files);
  if (loaded) {
    CommandTable commands(all_command_specs());
    if (auto result = rename_commands(commands, loaded->renamed_commands); !result) loaded = result.error();
  }
  if (!loaded) {
    return Error(fmt::format("\n*** FATAL CONFIG FILE ERROR (Skein {}, Redis {}) ***\n{}", SKEIN_VERSION, kRedisVersion,
                             loaded.error().message()));
  }
  loaded->config.found_directory(files.directory());
  return loaded;
}

// Daemons have one whether or not they are told its path. None is told, and not fatal.
std::optional<PidFile> write_pid_file(const Settings& settings, bool background, Log& log) {
  const std::string path = settings.pidfile.empty() && background ? "/var/run/redis.pid" : settings.pidfile;
  if (path.empty()) return std::nullopt;
  auto file = PidFile::write(path);
  if (file) return std::move(*file);
  log.warning(fmt::format("Can't write the pid file '{}': {}", path, file.error().message()));
  return std::nullopt;
}

Result<void> make_room_for_clients(Config& config, Log& log) {
  const std::uint32_t wanted = config->maxclients;
  // Where there are enough, links of the cluster bus take none of theirs.
  constexpr std::uint32_t kForLinks = 256;
  const bool more = config->cluster_enabled && wanted < UINT32_MAX - kForLinks;
  const DescriptorRoom room = raise_descriptor_limit(wanted + (more ? kForLinks : 0));
  if (room.clients >= wanted) return {};
  if (room.clients == 0) {
    return Error(fmt::format("Your current 'ulimit -n' of {} is not enough for the server to start. Please increase your "
                             "open file limit to at least {}. Exiting.",
                             room.granted, room.wanted));
  }
  log.warning(fmt::format("maxclients {} needs {} file descriptors, and the operating system gives {} ({}). maxclients has "
                          "been reduced to {}. If you need more, increase 'ulimit -n'.",
                          wanted, room.wanted, room.granted, room.error, room.clients));
  return config.set("maxclients", std::to_string(room.clients));
}

void tell_what_is_missing(Log& log, const Settings& settings, std::string_view supervised) {
  if (settings.supervised == Supervised::kSystemd && supervised == "no") {
    log.warning("systemd supervision requested, but NOTIFY_SOCKET not found: nobody will hear that the server is ready");
  }
  if (settings.supervised == Supervised::kUpstart && supervised == "no") {
    log.warning("upstart supervision requested, but UPSTART_JOB not found: nobody will hear that the server is ready");
  }
  for (const auto& warning : start_warnings(read_system_facts(), settings)) log.warning("WARNING: " + warning);
}

// The last steps before it serves: whatever fails is told to the log and to whoever waits for the start.
int run_daemon(LoadedConfig loaded, const ProcessFacts& process, bool background, Starter starter, Log& log) {
  const auto give_up = [&](const Error& error) {
    log.warning(error.message());
    starter.tell_failure(error.message());
    return 1;
  };
  if (auto room = make_room_for_clients(loaded.config, log); !room) return give_up(room.error());
  if (auto none = check_no_append_only_file(loaded.config.settings()); !none) return give_up(none.error());
  tell_what_is_missing(log, loaded.config.settings(), process.supervised);
  const bool titled = loaded.config->set_proc_title;
  if (titled) set_title(title_of(loaded.config.settings(), process));
  const Settings at_start = loaded.config.settings();
  Daemon daemon(std::move(loaded), process, log);
  if (titled) {
    daemon.on_title_changed = [&process](const Settings& now) { set_title(title_of(now, process)); };
  }
  daemon.on_ready = [&starter] { starter.tell_ready(); };
  daemon.on_given_up = [&starter](std::string_view why) { starter.tell_failure(why); };
  if (auto result = daemon.start(); !result) return give_up(result.error());
  // Not before the ports are ours: a second server must not touch the first one's file.
  const auto pid_file = write_pid_file(at_start, background, log);
  return daemon.run();
}

int serve(CommandLine command_line, ProcessFacts process) {
  if (command_line.sentinel) return fail("Sentinel mode is not part of this version of Skein.");
  // Before `dir` changes what a relative path means.
  process.start_directory = DiskConfigFiles().directory();
  if (!command_line.config_file.empty()) {
    const bool absolute = command_line.config_file[0] == '/';
    process.config_file = absolute ? command_line.config_file : process.start_directory + "/" + command_line.config_file;
  }
  if (command_line.config_from_stdin) {
    process.standard_input.emplace(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  process.command_line = std::move(command_line);
  auto loaded = load(process);
  if (!loaded) return fail(loaded.error().message());
  Config& config = loaded->config;

  process.supervised = detect_supervisor(config->supervised);
  const bool background = config->daemonize && process.supervised == "no";
  if (background) close_inherited_descriptors();
  // What stops the start is told while somebody can see it.
  Log log;
  if (auto result = log.open(config.settings()); !result) return fail(result.error().message());
  Starter starter;
  if (background) {
    auto daemonized = daemonize();
    if (!daemonized) return fail(daemonized.error().message());
    starter = std::move(*daemonized);
  }
  count_this_thread();
  const bool configured = !process.config_file.empty() || process.standard_input || !process.command_line.options.empty();
  announce(log, *loaded, configured);
  name_build(fmt::format("{} (commit {}{}, {}, build {})", SKEIN_VERSION, kBuildInfo.commit, kBuildInfo.modified ? "+" : "",
                         kBuildInfo.time, build_id(kBuildInfo)));
  install_crash_reports(log.descriptor(), config->crash_log_enabled);
  install_out_of_memory();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);  // ignored, as some starters leave it, how a child ended would be lost
  process.startup_memory = allocated_bytes();
  return run_daemon(std::move(*loaded), process, background, std::move(starter), log);
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
    case CommandLine::Task::kCheckSystem: return show_system_check();
    case CommandLine::Task::kTestMemory: return try_memory(command_line->test_megabytes);
    case CommandLine::Task::kServe: break;
  }
  ProcessFacts process;
  process.build = kBuildInfo;
  process.program = words[0];
  process.executable = executable_path();
  return serve(std::move(*command_line), std::move(process));
}

}  // namespace skein

int main(int argc, char** argv) { return skein::run_server(argc, argv); }
