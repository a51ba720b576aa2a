// DEBUG PROTOCOL: one value of each kind the protocol has, for tests of clients.
#include "debug.h"

#include <skein/base/text.h>

namespace skein {

namespace {

void numbers(ReplyWriter& reply) {
  for (int i = 0; i < 3; ++i) reply.integer(i);
}

void some_map(ReplyWriter& reply) {
  reply.map(3);
  for (int i = 0; i < 3; ++i) {
    reply.integer(i);
    reply.boolean(i == 1);
  }
}

// RESP2 has no attributes: the value comes without.
void some_attribute(ReplyWriter& reply) {
  if (reply.protocol() >= 3) {
    reply.attribute(1);
    reply.bulk("key-popularity");
    reply.array(2);
    reply.bulk("key:123");
    reply.integer(90);
  }
  reply.bulk("Some real reply following the attribute");
}

void some_push(ReplyWriter& reply) {
  if (reply.protocol() < 3) {
    reply.error("ERR RESP2 is not supported by this command");
    return;
  }
  reply.push(2);
  reply.bulk("server-cpu-usage");
  reply.integer(42);
  // A push is no reply; whoever waits for one must get one.
  reply.bulk("Some real reply following the push reply");
}

struct Sample {
  std::string_view name;
  void (*write)(ReplyWriter&);
};

constexpr Sample kSamples[] = {
    {"string", [](ReplyWriter& reply) { reply.bulk("Hello World"); }},
    {"integer", [](ReplyWriter& reply) { reply.integer(12345); }},
    {"double", [](ReplyWriter& reply) { reply.real(3.141); }},
    {"bignum", [](ReplyWriter& reply) { reply.big_number("1234567999999999999999999999999999999"); }},
    {"null", [](ReplyWriter& reply) { reply.null(); }},
    {"array", [](ReplyWriter& reply) { reply.array(3), numbers(reply); }},
    {"set", [](ReplyWriter& reply) { reply.set(3), numbers(reply); }},
    {"map", some_map},
    {"attrib", some_attribute},
    {"push", some_push},
    {"verbatim", [](ReplyWriter& reply) { reply.verbatim("txt", "This is a verbatim\nstring"); }},
    {"true", [](ReplyWriter& reply) { reply.boolean(true); }},
    {"false", [](ReplyWriter& reply) { reply.boolean(false); }},
};

}  // namespace

void debug_protocol(Call& call) {
  std::string names;
  for (const Sample& sample : kSamples) {
    if (equals_ignore_case(sample.name, call.arg(2))) {
      sample.write(call.reply);
      return;
    }
    names += fmt::format("{}{}", names.empty() ? "" : "|", sample.name);
  }
  call.reply.error(fmt::format("ERR Wrong protocol type name. Please use one of the following: {}", names));
}

}  // namespace skein
