// AUTH and HELLO: who a connection is and how it speaks.
#include <skein/base/text.h>
#include <skein/commands/services.h>
#include <skein/commands/version.h>

#include "client_names.h"
#include "connection_specs.h"
#include "shown_text.h"

namespace skein {

namespace {

constexpr std::string_view kNoPasswordSet =
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
    "configuration is correct?";
constexpr std::string_view kHelloNeedsAuth =
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option "
    "can be used to authenticate the client and select the RESP protocol version at the same time";

// Takes the same time wherever the texts differ, so that a password cannot be found byte by byte.
bool same_secret(std::string_view mine, std::string_view given) {
  unsigned difference = mine.size() == given.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char expected = mine.empty() ? '\0' : mine[i % mine.size()];
    difference |= static_cast<unsigned char>(given[i] ^ expected);
  }
  return difference == 0;
}

// The default user is the only one, and takes any password while none is set.
bool log_in(Call& call, std::string_view user, std::string_view password) {
  const std::string& wanted = call.services.config->requirepass;
  if (user != "default" || (!wanted.empty() && !same_secret(wanted, password))) {
    call.reply.error(errors::kWrongPass);
    return false;
  }
  call.session.user = user;
  call.session.shut(gate::kAuth, false);
  return true;
}

void auth(Call& call) {
  for (std::size_t i = 1; i < call.size(); ++i) call.keep_secret(i);
  if (call.size() > 3) {
    call.reply.error(errors::kSyntax);
  } else if (call.size() == 2 && call.services.config->requirepass.empty()) {
    call.reply.error(kNoPasswordSet);
  } else if (call.size() == 2 ? log_in(call, "default", call.arg(1)) : log_in(call, call.arg(1), call.arg(2))) {
    call.reply.ok();
  }
}

}  // namespace

constexpr ArgSpec kAuthArgs[] = {
    {.name = "username", .flags = arg_flag::kOptional, .since = "6.0.0"},
    {.name = "password"},
};
constexpr HistoryEntry kAuthHistory[] = {
    {"6.0.0", "A user name may be given."},
};
constexpr CommandSpec kAuth{
    .name = "AUTH",
    .summary = "Logs the connection in.",
    .complexity = "O(N), N being the user's passwords",
    .since = "1.0.0",
    .group = Group::kConnection,
    .arity = at_least(2),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale | flag::kFast | flag::kNoAuth | flag::kAllowBusy |
             flag::kChangesConnection,
    .acl_also = category::kConnection,
    .args = kAuthArgs,
    .history = kAuthHistory,
    .handler = auth,
};

namespace {

// Before anything is refused.
void keep_secrets(Call& call) {
  for (std::size_t i = 1; i < call.size(); ++i) {
    if (call.is_word(i, "setname")) {
      ++i;
    } else if (call.is_word(i, "auth")) {
      for (const std::size_t secret : {i + 1, i + 2}) call.keep_secret(secret);
      i += 2;
    }
  }
}

// Options act in their order, also when a later one is refused.
bool take_hello_options(Call& call) {
  for (std::size_t i = 2; i < call.size(); ++i) {
    const std::size_t more = call.size() - 1 - i;
    if (call.is_word(i, "auth") && more >= 2) {
      if (!log_in(call, call.arg(i + 1), call.arg(i + 2))) return false;
      i += 2;
    } else if (call.is_word(i, "setname") && more >= 1) {
      if (!is_client_name(call.arg(i + 1))) {
        call.reply.error(kBadClientName);
        return false;
      }
      call.session.name = call.arg(i + 1);
      ++i;
    } else {
      call.reply.error(fmt::format("ERR Syntax error in HELLO option '{}'", shown_text(call.arg(i))));
      return false;
    }
  }
  return true;
}

void describe_server(Call& call) {
  ReplyWriter& reply = call.reply;
  const bool cluster = call.keyspace.context().cluster_mode;
  const ClusterNode* node = call.services.cluster;
  reply.map(7);
  reply.bulk("server");
  reply.bulk("redis");
  reply.bulk("version");
  reply.bulk(kRedisVersion);
  reply.bulk("proto");
  reply.integer(call.session.protocol());
  reply.bulk("id");
  reply.integer(static_cast<std::int64_t>(call.session.id()));
  reply.bulk("mode");
  reply.bulk(cluster ? "cluster" : "standalone");
  reply.bulk("role");
  reply.bulk(node != nullptr && node->topology().self().is_replica() ? "replica" : "master");
  reply.bulk("modules");
  reply.array(0);
}

void hello(Call& call) {
  keep_secrets(call);
  std::int64_t version = 0;
  if (call.size() > 1) {
    const auto wanted = call.integer(1, "ERR Protocol version is not an integer or out of range");
    if (!wanted) return;
    if (*wanted < 2 || *wanted > 3) {
      call.reply.error(errors::kNoProto);
      return;
    }
    version = *wanted;
  }
  if (!take_hello_options(call)) return;
  if (!call.session.authenticated()) {
    call.reply.error(kHelloNeedsAuth);
    return;
  }
  if (version != 0) call.reply.set_protocol(static_cast<int>(version));
  describe_server(call);
}

}  // namespace

constexpr ArgSpec kHelloArgsArgumentsUsernamePassword[] = {{.name = "username"}, {.name = "password"}};
constexpr ArgSpec kHelloArgsArguments[] = {
    {.name = "protover", .type = ArgType::kInteger},
    {.name = "username_password", .type = ArgType::kBlock, .token = "AUTH",
     .flags = arg_flag::kOptional, .arguments = kHelloArgsArgumentsUsernamePassword},
    {.name = "clientname", .token = "SETNAME", .flags = arg_flag::kOptional},
};
constexpr ArgSpec kHelloArgs[] = {
    {.name = "arguments", .type = ArgType::kBlock, .flags = arg_flag::kOptional, .arguments = kHelloArgsArguments},
};
constexpr HistoryEntry kHelloHistory[] = {
    {"6.2.0", "May be called without a version, to ask only."},
};
constexpr CommandSpec kHello{
    .name = "HELLO",
    .summary = "Chooses the protocol, may log in and set a name, and tells about the server.",
    .complexity = "O(1)",
    .since = "6.0.0",
    .group = Group::kConnection,
    .arity = at_least(1),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale | flag::kFast | flag::kNoAuth | flag::kAllowBusy |
             flag::kChangesConnection,
    .acl_also = category::kConnection,
    .args = kHelloArgs,
    .history = kHelloHistory,
    .handler = hello,
};

}  // namespace skein
