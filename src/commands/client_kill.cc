// CLIENT KILL: which connections are meant, and ending them.
#include "client_specs.h"

#include <skein/base/text.h>
#include <skein/commands/services.h>

#include "client_lines.h"
#include "shown_text.h"

namespace skein {

namespace {

// All that are set must hold.
struct Filter {
  std::optional<std::uint64_t> id;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  std::optional<std::string_view> user;
  std::optional<ClientClass> type;
  bool skip_self = true;

  [[nodiscard]] bool means(const Session& session) const {
    return (!address || session.address == *address) && (!local_address || session.local_address == *local_address) &&
           (!type || class_of(session) == *type) && (!id || session.id() == *id) && (!user || session.user == *user);
  }
};

bool read_id(Call& call, std::size_t position, Filter& filter) {
  const auto id = parse_int64(call.arg(position));
  if (!id || *id < 1) {
    call.reply.error("ERR client-id should be greater than 0");
    return false;
  }
  filter.id = static_cast<std::uint64_t>(*id);
  return true;
}

bool read_type(Call& call, std::size_t position, Filter& filter) {
  filter.type = parse_client_class(call.arg(position));
  if (!filter.type) call.reply.error(fmt::format("ERR Unknown client type '{}'", shown_text(call.arg(position))));
  return filter.type.has_value();
}

bool read_user(Call& call, std::size_t position, Filter& filter) {
  if (call.arg(position) != "default") {
    call.reply.error(fmt::format("ERR No such user '{}'", shown_text(call.arg(position))));
    return false;
  }
  filter.user = call.arg(position);
  return true;
}

// Writes the refusal and returns nothing when the arguments are no filters.
std::optional<Filter> read_filters(Call& call) {
  Filter filter;
  for (std::size_t i = 2; i < call.size(); i += 2) {
    const bool has_value = i + 1 < call.size();
    if (has_value && call.is_word(i, "id")) {
      if (!read_id(call, i + 1, filter)) return std::nullopt;
    } else if (has_value && call.is_word(i, "type")) {
      if (!read_type(call, i + 1, filter)) return std::nullopt;
    } else if (has_value && call.is_word(i, "addr")) {
      filter.address = call.arg(i + 1);
    } else if (has_value && call.is_word(i, "laddr")) {
      filter.local_address = call.arg(i + 1);
    } else if (has_value && call.is_word(i, "user")) {
      if (!read_user(call, i + 1, filter)) return std::nullopt;
    } else if (has_value && call.is_word(i, "skipme") && (call.is_word(i + 1, "yes") || call.is_word(i + 1, "no"))) {
      filter.skip_self = call.is_word(i + 1, "yes");
    } else {
      call.reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return filter;
}

void client_kill(Call& call) {
  const bool by_address = call.size() == 3;
  std::optional<Filter> filter;
  if (by_address) {
    filter = Filter{.address = call.arg(2), .skip_self = false};
  } else {
    filter = read_filters(call);
    if (!filter) return;
  }
  std::int64_t killed = 0;
  bool own = false;
  for (Session* session : call.services.sessions.all()) {
    if (session->closing || !filter->means(*session)) continue;
    if (session == &call.session) {
      if (filter->skip_self) continue;
      own = true;
    } else {
      call.services.actions.close_session(*session, false);
    }
    ++killed;
  }
  if (!by_address) {
    call.reply.integer(killed);
  } else if (killed == 0) {
    call.reply.error("ERR No such client");
  } else {
    call.reply.ok();
  }
  // Oneself only after the answer.
  if (own) call.services.actions.close_session(call.session, true);
}

}  // namespace

constexpr ArgSpec kClientKillArgsFilterNewFormatNormalMasterSlavePubsub[] = {
    {.name = "normal", .type = ArgType::kPureToken, .token = "NORMAL"},
    {.name = "master", .type = ArgType::kPureToken, .token = "MASTER", .since = "3.2.0"},
    {.name = "slave", .type = ArgType::kPureToken, .token = "SLAVE"},
    {.name = "replica", .type = ArgType::kPureToken, .token = "REPLICA", .since = "5.0.0"},
    {.name = "pubsub", .type = ArgType::kPureToken, .token = "PUBSUB"},
};
constexpr ArgSpec kClientKillArgsFilterNewFormat[] = {
    {.name = "client-id", .type = ArgType::kInteger, .token = "ID", .flags = arg_flag::kOptional, .since = "2.8.12"},
    {.name = "normal_master_slave_pubsub", .type = ArgType::kOneOf, .token = "TYPE",
     .flags = arg_flag::kOptional, .since = "2.8.12", .arguments = kClientKillArgsFilterNewFormatNormalMasterSlavePubsub},
    {.name = "username", .token = "USER", .flags = arg_flag::kOptional},
    {.name = "ip:port", .token = "ADDR", .flags = arg_flag::kOptional},
    {.name = "ip:port", .token = "LADDR", .flags = arg_flag::kOptional, .since = "6.2.0"},
    {.name = "yes/no", .token = "SKIPME", .flags = arg_flag::kOptional},
};
constexpr ArgSpec kClientKillArgsFilter[] = {
    {.name = "ip:port", .deprecated_since = "2.8.12"},
    {.name = "new-format", .type = ArgType::kOneOf,
     .flags = arg_flag::kMultiple, .arguments = kClientKillArgsFilterNewFormat},
};
constexpr ArgSpec kClientKillArgs[] = {{.name = "filter", .type = ArgType::kOneOf, .arguments = kClientKillArgsFilter}};
constexpr HistoryEntry kClientKillHistory[] = {
    {"2.8.12", "Filters."},
    {"2.8.12", "The filter ID."},
    {"3.2.0", "TYPE takes master."},
    {"5.0.0", "TYPE takes replica for slave, which still works."},
    {"6.2.0", "The filter LADDR."},
};
constexpr CommandSpec kClientKill{
    .name = "KILL",
    .summary = "Closes connections by address or by other marks.",
    .complexity = "O(N), N being the connections",
    .since = "2.4.0",
    .group = Group::kConnection,
    .arity = at_least(3),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .args = kClientKillArgs,
    .history = kClientKillHistory,
    .handler = client_kill,
};

}  // namespace skein
