// ACL as far as it can be told while there is one user: who it is, and what it may do.
#include <algorithm>

#include <skein/base/text.h>
#include <skein/commands/services.h>

#include "command_names.h"
#include "command_replies.h"
#include "digest.h"
#include "help.h"
#include "server_specs.h"
#include "shown_text.h"

namespace skein {

namespace {

void acl_whoami(Call& call) { call.reply.bulk(call.session.user); }

constexpr CommandSpec kAclWhoami{
    .name = "WHOAMI",
    .summary = "Returns the name of the user the connection acts as.",
    .complexity = "O(1)",
    .since = "6.0.0",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale,
    .handler = acl_whoami,
};

void write_categories(ReplyWriter& reply) {
  reply.array(std::size(kCategoryNames));
  for (const BitName& category : kCategoryNames) reply.bulk(category.name);
}

void acl_cat(Call& call) {
  if (call.size() > 3) {
    refuse_subcommand(call);
    return;
  }
  if (call.size() == 2) {
    write_categories(call.reply);
    return;
  }
  const std::uint32_t category = find_category(call.arg(2));
  if (category == 0) {
    call.reply.error(fmt::format("ERR Unknown category '{}'", shown_text(call.arg(2))));
    return;
  }
  std::vector<std::string_view> names;
  for (const auto& command : call.services.commands.all()) {
    // A container is listed through its subcommands.
    if (!is_listed(*command) || (command->handler == nullptr && !command->subcommands.empty())) continue;
    if ((acl_categories(*command->spec) & category) != 0) names.push_back(command->name);
  }
  call.reply.array(names.size());
  for (const std::string_view name : names) call.reply.bulk(name);
}

constexpr ArgSpec kAclCatArgs[] = {{.name = "categoryname", .flags = arg_flag::kOptional}};
constexpr CommandSpec kAclCat{
    .name = "CAT",
    .summary = "Lists the categories, or the commands of one.",
    .complexity = "O(1), both being fixed.",
    .since = "6.0.0",
    .group = Group::kServer,
    .arity = at_least(2),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale,
    .args = kAclCatArgs,
    .handler = acl_cat,
};

std::string describe_default_user(const Settings& settings) {
  const std::string password = settings.requirepass.empty() ? "nopass" : "#" + sha256_hex(settings.requirepass);
  return fmt::format("user default on {} ~* &* +@all", password);
}

void acl_list(Call& call) {
  call.reply.array(1);
  call.reply.bulk(describe_default_user(call.services.config.settings()));
}

constexpr CommandSpec kAclList{
    .name = "LIST",
    .summary = "Describes all users, one a line.",
    .complexity = "O(N), N being the users",
    .since = "6.0.0",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .handler = acl_list,
};

void acl_users(Call& call) {
  call.reply.array(1);
  call.reply.bulk("default");
}

constexpr CommandSpec kAclUsers{
    .name = "USERS",
    .summary = "Lists the names of all users.",
    .complexity = "O(N), N being the users",
    .since = "6.0.0",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .handler = acl_users,
};

void write_pair(ReplyWriter& reply, std::string_view name, std::string_view value) {
  reply.bulk(name);
  reply.bulk(value);
}

void acl_getuser(Call& call) {
  ReplyWriter& reply = call.reply;
  if (call.arg(2) != "default") {
    reply.null();
    return;
  }
  const std::string& password = call.services.config->requirepass;
  reply.map(6);
  reply.bulk("flags");
  reply.set(password.empty() ? 2 : 1);
  reply.bulk("on");
  if (password.empty()) reply.bulk("nopass");
  reply.bulk("passwords");
  reply.array(password.empty() ? 0 : 1);
  if (!password.empty()) reply.bulk(sha256_hex(password));
  write_pair(reply, "commands", "+@all");
  write_pair(reply, "keys", "~*");
  write_pair(reply, "channels", "&*");
  reply.bulk("selectors");
  reply.array(0);
}

constexpr ArgSpec kAclGetuserArgs[] = {{.name = "username"}};
constexpr HistoryEntry kAclGetuserHistory[] = {
    {"6.2.0", "Channel patterns."},
    {"7.0.0", "Selectors; patterns as rules instead of lists."},
};
constexpr CommandSpec kAclGetuser{
    .name = "GETUSER",
    .summary = "Describes a user.",
    .complexity = "O(N), N being the rules of the user",
    .since = "6.0.0",
    .group = Group::kServer,
    .arity = exactly(3),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .args = kAclGetuserArgs,
    .history = kAclGetuserHistory,
    .handler = acl_getuser,
};

constexpr CommandSpec kAclHelp{
    .name = "HELP",
    .summary = "Lists the subcommands.",
    .complexity = "O(1)",
    .since = "6.0.0",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale,
    .handler = reply_help,
};

constexpr const CommandSpec* kSubcommands[] = {&kAclCat, &kAclGetuser, &kAclHelp, &kAclList, &kAclUsers, &kAclWhoami};

}  // namespace

constexpr CommandSpec kAcl{
    .name = "ACL",
    .summary = "Tells about users and what they may do.",
    .complexity = "Depends on the subcommand.",
    .since = "6.0.0",
    .group = Group::kServer,
    .arity = at_least(2),
    .subcommands = kSubcommands,
};

}  // namespace skein
