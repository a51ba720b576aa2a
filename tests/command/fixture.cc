#include "fixture.h"

#include <algorithm>

#include <skein/base/text.h>

namespace skein {

std::optional<NodeActions::ApplyFailure> RecordedActions::apply_config(const SettingsChange& change) {
  asked.emplace_back("apply_config");
  applied_directives.clear();
  for (const Directive* directive : change.changed()) applied_directives.emplace_back(directive->name);
  return apply_failure;
}

Result<void> RecordedActions::rewrite_config() {
  asked.emplace_back("rewrite_config");
  if (rewrite_failure) return Error(*rewrite_failure);
  return {};
}

void RecordedActions::pause_clients(PauseKind kind, MonoTime until) {
  asked.emplace_back("pause_clients");
  paused = kind;
  paused_until = until;
}

void RecordedActions::close_session(Session& session, bool after_replies) {
  asked.push_back(fmt::format("close_session {}", session.id()));
  session.closing = true;
  if (session.peer() != nullptr) session.peer()->close(after_replies);
}

Result<void> RecordedActions::shut_down(const ShutdownRequest& request) {
  asked.emplace_back("shut_down");
  shutdown = request;
  if (shutdown_failure) return Error(*shutdown_failure);
  return {};
}

bool RecordedActions::abort_shutdown() {
  asked.emplace_back("abort_shutdown");
  return std::exchange(shutdown_under_way, false);
}

void RecordedActions::free_later(std::vector<DetachedTables> tables) {
  asked.emplace_back("free_later");
  for (const auto& detached : tables) freed_keys += detached.keys();
}

InfoFacts RecordedActions::info_facts() { return info; }
void RecordedActions::reset_statistics() { asked.emplace_back("reset_statistics"); }
void RecordedActions::carry_out_cluster_effects() { asked.emplace_back("carry_out_cluster_effects"); }

void RecordedActions::sleep(microseconds time) {
  asked.emplace_back("sleep");
  slept += time;
}

void RecordedActions::crash(bool by_assert) {
  std::fputs(by_assert ? "asked to crash by assert\n" : "asked to crash\n", stderr);
  std::abort();
}

void RecordedActions::log_notice(std::string_view line) { asked.push_back(fmt::format("log_notice {}", line)); }

void RecordedActions::log_warning(std::string_view line) { asked.push_back(fmt::format("log_warning {}", line)); }
void RecordedActions::log_outsider(std::string_view cause, std::string_view line) {
  asked.push_back(fmt::format("log_outsider {}: {}", cause, line));
}
void RecordedActions::set_active_expire(bool on) { asked.push_back(fmt::format("set_active_expire {}", on)); }
void RecordedActions::change_replication_id() { asked.emplace_back("change_replication_id"); }

void RecordedEffects::add(int db, std::span<const std::string_view> arguments) {
  lines.push_back(fmt::format("{} {}", db, fmt::join(arguments, " ")));
}

std::optional<std::string> ScriptedRouter::refuse(const Command&, std::span<const std::string_view>, const Session&) {
  ++asked;
  return refusal;
}

std::optional<std::string> ScriptedRouter::refuse_transaction(const Transaction&, const Session&) {
  ++asked;
  return transaction_refusal;
}

BedClient::BedClient(CommandBed& bed, std::uint64_t id) : session(id, this), bed_(bed) {
  session.address = fmt::format("127.0.0.1:{}", 50000 + id);
  session.local_address = "127.0.0.1:6379";
  session.descriptor = static_cast<int>(7 + id);
  session.local = true;
  session.created = session.last_active = bed.facts.now.mono;
  bed.sessions.add(session);
}

BedClient::~BedClient() {
  bed_.watch.unwatch_all(session);
  bed_.sessions.remove(session);
}

std::string BedClient::run(std::span<const std::string_view> arguments) {
  bed_.dispatcher.begin_batch();
  Prepared request{.arguments = arguments};
  bed_.dispatcher.prepare(request, session.db);
  session.last_active = bed_.facts.now.mono;
  bed_.dispatcher.dispatch(session, request);
  return take_output();
}

std::string BedClient::line(std::string_view text) {
  const auto words = split_words(text);
  SKEIN_ASSERT(words.has_value());
  const std::vector<std::string_view> views(words->begin(), words->end());
  return run(std::span<const std::string_view>(views));
}

std::string BedClient::take_output() {
  std::string bytes = session.output().str();
  session.output().clear();
  return bytes;
}

std::string BedClient::resume() {
  SKEIN_ASSERT(suspended());
  bed_.dispatcher.resume(session);
  return take_output();
}

void BedClient::close(bool after_replies) {
  closed = true;
  closed_after_replies = after_replies;
}

CommandBed::CommandBed(BedOptions options)
    : keyspace(options.databases, options.cluster_mode, options.seed),
      services{.config = config,
               .commands = commands,
               .stats = stats,
               .slowlog = slowlog,
               .sessions = sessions,
               .watch = watch,
               .facts = facts,
               .actions = actions},
      dispatcher({.commands = commands,
                  .keyspace = keyspace,
                  .services = services,
                  .stats = stats,
                  .slowlog = slowlog,
                  .facts = facts}) {
  services.dispatcher = &dispatcher;
  services.replication = &replication;
  services.snapshots = &snapshots;
  dispatcher.set_effects(&effects);
  keyspace.context().collect_removals = true;
  facts.now = {MonoTime{} + std::chrono::hours{1}, UnixMillis{1'700'000'000'000}};
  keyspace.context().now = facts.now.wall;
  if (options.cluster_mode) {
    served_slots.assign(kSlotCount, 1);
    facts.served_slots = served_slots.data();
    facts.router = &router;
    facts.gates |= gate::kCluster;
    (void)config.set("cluster-enabled", "yes");
  }
  connect();
}

BedClient& CommandBed::connect() {
  clients_.push_back(std::make_unique<BedClient>(*this, sessions.next_id()));
  return *clients_.back();
}

void CommandBed::disconnect(BedClient& client) {
  std::erase_if(clients_, [&](const auto& held) { return held.get() == &client; });
}

void CommandBed::advance(milliseconds by) {
  facts.now.mono += by;
  facts.now.wall = facts.now.wall + by;
  keyspace.context().now = facts.now.wall;
}

std::vector<std::string> CommandBed::take_effects() {
  std::vector<std::string> lines;
  for (const auto& [db, key] : keyspace.context().owed_removals) lines.push_back(fmt::format("{} DEL {}", db, key));
  keyspace.context().owed_removals.clear();
  lines.insert(lines.end(), effects.lines.begin(), effects.lines.end());
  effects.lines.clear();
  return lines;
}

std::string status(std::string_view text) { return fmt::format("+{}\r\n", text); }
std::string error(std::string_view text) { return fmt::format("-{}\r\n", text); }
std::string integer(std::int64_t value) { return fmt::format(":{}\r\n", value); }
std::string bulk(std::string_view text) { return fmt::format("${}\r\n{}\r\n", text.size(), text); }

std::string array(const std::vector<std::string>& elements) {
  return fmt::format("*{}\r\n{}", elements.size(), fmt::join(elements, ""));
}

std::string bulks(const std::vector<std::string>& texts) {
  std::string reply = fmt::format("*{}\r\n", texts.size());
  for (const auto& text : texts) reply += bulk(text);
  return reply;
}

std::vector<std::string> texts_of(std::string_view reply) {
  std::vector<std::string> texts;
  while (!reply.empty()) {
    const std::size_t end = reply.find("\r\n");
    if (reply[0] != '$') {
      reply.remove_prefix(end + 2);
      continue;
    }
    const auto size = parse_int64(reply.substr(1, end - 1));
    reply.remove_prefix(end + 2);
    if (!size || *size < 0) continue;
    texts.emplace_back(reply.substr(0, static_cast<std::size_t>(*size)));
    reply.remove_prefix(static_cast<std::size_t>(*size) + 2);
  }
  return texts;
}

}  // namespace skein
