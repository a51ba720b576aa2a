// The connection is closed at once, before whatever follows could be taken for commands.
#include "security_words.h"

#include <skein/commands/services.h>

namespace skein {

namespace {

void close_on_http(Call& call) {
  call.services.actions.log_outsider(
      "connections that speak HTTP",
      fmt::format("Closed the connection from {}: its words are those of HTTP. A web page that makes its visitors' "
                  "browsers talk to this server may be behind it (cross protocol scripting).",
                  call.session.address));
  call.services.actions.close_session(call.session, false);
}

constexpr CommandSpec word(std::string_view name) {
  CommandSpec spec;
  spec.name = name;
  spec.group = Group::kConnection;
  spec.arity = at_least(1);
  spec.flags = flag::kHidden | flag::kNoAuth | flag::kRunsInMulti | flag::kNeverPaused | flag::kLoading |
               flag::kStale | flag::kAllowBusy | flag::kChangesConnection | flag::kSkipSlowlog | flag::kNoScript;
  spec.handler = close_on_http;
  return spec;
}

}  // namespace

constexpr CommandSpec kPostWord = word("POST");
constexpr CommandSpec kHostWord = word("HOST:");

}  // namespace skein
