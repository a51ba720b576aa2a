// Walks the table of all commands: what every spec has to say about itself.
#include <algorithm>
#include <map>
#include <set>

#include <skein/base/text.h>
#include <skein/base/random.h>
#include <skein/command/key_finder.h>
#include <skein/dispatch/cluster_router.h>

#include "fixture.h"

namespace skein {
namespace {

class Specs : public CommandTest {
 protected:
  template <typename Visit>
  void for_each_shown(Visit&& visit) {
    for (const auto& command : commands.all()) {
      if (!command->is(flag::kHidden)) visit(*command);
    }
  }
};

TEST_F(Specs, EachHasItsDocumentation) {
  for_each_shown([](const Command& command) {
    const CommandSpec& spec = *command.spec;
    EXPECT_FALSE(spec.summary.empty()) << command.name;
    EXPECT_FALSE(spec.since.empty()) << command.name;
    EXPECT_NE(spec.arity, 0) << command.name;
    EXPECT_EQ(spec.name, to_upper(spec.name)) << command.name;
    EXPECT_TRUE(spec.handler != nullptr || !spec.subcommands.empty()) << command.name;
    if ((spec.doc_flags & doc_flag::kDeprecated) != 0) {
      EXPECT_FALSE(spec.deprecated_since.empty()) << command.name;
    }
  });
}

TEST_F(Specs, NamesAreThereOnce) {
  std::set<std::string> names;
  for (const auto& command : commands.all()) EXPECT_TRUE(names.insert(command->name).second) << command->name;
}

TEST_F(Specs, EachIsFoundByItsNameInAnyCase) {
  for (const Command* command : commands.top_level()) {
    EXPECT_EQ(commands.find(command->name), command);
    EXPECT_EQ(commands.find(to_upper(command->name)), command);
    EXPECT_EQ(commands.find(command->name + "x"), nullptr);
    for (const Command* sub : command->subcommands) EXPECT_EQ(commands.find_full(sub->name), sub);
  }
}

TEST_F(Specs, WritingAndReadingExcludeEachOther) {
  for_each_shown([](const Command& command) {
    EXPECT_FALSE(command.is(flag::kWrite) && command.is(flag::kReadOnly)) << command.name;
    EXPECT_FALSE(command.is(flag::kDenyOom) && command.is(flag::kReadOnly)) << command.name;
  });
}

// Key arguments of the grammar, at any depth, with the key specs they point to.
void collect_key_specs(std::span<const ArgSpec> args, std::set<int>& specs) {
  for (const ArgSpec& arg : args) {
    if (arg.type == ArgType::kKey) specs.insert(arg.key_spec);
    collect_key_specs(arg.arguments, specs);
  }
}

TEST_F(Specs, GrammarAndKeySpecsPointAtEachOther) {
  for_each_shown([](const Command& command) {
    std::set<int> pointed_at;
    collect_key_specs(command.spec->args, pointed_at);
    for (const int index : pointed_at) {
      EXPECT_GE(index, 0) << command.name;
      EXPECT_LT(index, static_cast<int>(command.spec->keys.size())) << command.name;
    }
  });
}

// One or more sample calls for every keyed command: `k...` words are its keys.
const std::multimap<std::string, std::string> kSamples = {
    {"append", "APPEND k1 v"},
    {"copy", "COPY k1 k2 DB 3 REPLACE"},
    {"decr", "DECR k1"},
    {"decrby", "DECRBY k1 3"},
    {"del", "DEL k1 k2 k3"},
    {"dump", "DUMP k1"},
    {"exists", "EXISTS k1 k2"},
    {"expire", "EXPIRE k1 10 NX"},
    {"expireat", "EXPIREAT k1 10"},
    {"expiretime", "EXPIRETIME k1"},
    {"get", "GET k1"},
    {"getdel", "GETDEL k1"},
    {"getex", "GETEX k1 EX 10"},
    {"getrange", "GETRANGE k1 0 1"},
    {"getset", "GETSET k1 v"},
    {"incr", "INCR k1"},
    {"incrby", "INCRBY k1 3"},
    {"incrbyfloat", "INCRBYFLOAT k1 3"},
    {"lcs", "LCS k1 k2 IDX MINMATCHLEN 2"},
    {"mget", "MGET k1 k2 k3"},
    {"migrate", "MIGRATE host 6379 k1 0 1000 COPY"},
    {"migrate", "MIGRATE host 6379 \"\" 0 1000 AUTH2 user KEYS REPLACE KEYS k1 k2"},
    {"move", "MOVE k1 2"},
    {"mset", "MSET k1 v k2 v"},
    {"msetnx", "MSETNX k1 v k2 v k3 v"},
    {"object|encoding", "OBJECT ENCODING k1"},
    {"object|freq", "OBJECT FREQ k1"},
    {"object|idletime", "OBJECT IDLETIME k1"},
    {"object|refcount", "OBJECT REFCOUNT k1"},
    {"persist", "PERSIST k1"},
    {"pexpire", "PEXPIRE k1 10"},
    {"pexpireat", "PEXPIREAT k1 10"},
    {"pexpiretime", "PEXPIRETIME k1"},
    {"psetex", "PSETEX k1 10 v"},
    {"pttl", "PTTL k1"},
    {"rename", "RENAME k1 k2"},
    {"renamenx", "RENAMENX k1 k2"},
    {"restore", "RESTORE k1 0 v REPLACE"},
    {"restore-asking", "RESTORE-ASKING k1 0 v"},
    {"set", "SET k1 v"},
    {"set", "SET k1 v EX 10 NX"},
    {"setex", "SETEX k1 10 v"},
    {"setnx", "SETNX k1 v"},
    {"setrange", "SETRANGE k1 0 v"},
    {"strlen", "STRLEN k1"},
    {"substr", "SUBSTR k1 0 1"},
    {"touch", "TOUCH k1 k2"},
    {"ttl", "TTL k1"},
    {"type", "TYPE k1"},
    {"unlink", "UNLINK k1 k2"},
    {"watch", "WATCH k1 k2"},
    {"memory|usage", "MEMORY USAGE k1 SAMPLES 5"},
};

TEST_F(Specs, SampleCallsShowTheirKeys) {
  for_each_shown([&](const Command& command) {
    const auto [first, last] = kSamples.equal_range(command.name);
    if (!command.spec->keys.empty()) {
      EXPECT_NE(first, last) << "no sample call of " << command.name;
    }
    for (auto sample = first; sample != last; ++sample) {
      const auto words = split_words(sample->second);
      const std::vector<std::string_view> views(words->begin(), words->end());
      ASSERT_EQ(commands.resolve(views), &command) << sample->second;
      std::vector<FoundKey> found;
      ASSERT_TRUE(find_keys(command, views, found)) << sample->second;
      std::vector<std::string> keys;
      std::transform(found.begin(), found.end(), std::back_inserter(keys),
                     [&](const FoundKey& key) { return (*words)[key.position]; });
      std::vector<std::string> expected;
      std::copy_if(words->begin(), words->end(), std::back_inserter(expected),
                   [](const std::string& word) { return word[0] == 'k'; });
      EXPECT_EQ(keys, expected) << sample->second;
      // The short way that batches take finds the same first key.
      const bool known_ahead = command.first_key != 0;
      EXPECT_TRUE(!known_ahead || command.first_key == found.front().position) << sample->second;
    }
  });
}

// A node that owns nothing runs no call with keys, however odd: what has no slot is not run either.
TEST_F(Specs, NoCallWithKeysRunsUnrouted) {
  Keyspace cluster_keys{1, true, 7};
  Node self;
  self.flags = NodeFlag::kPrimary | NodeFlag::kMyself;
  const Topology topology{self};
  ClusterRouter empty_node{cluster_keys, config.settings()};
  empty_node.update(topology, true);
  Session stranger{1, nullptr};
  const std::vector<std::string_view> odd = {"", "0", "1", "-1", "2147483647", "9223372036854775807", "k", "KEYS", "AUTH"};
  for (const auto& each : commands.all()) {
    const Command& command = *each;
    if (!may_have_keys(command)) continue;
    std::vector<std::string_view> words{command.container != nullptr ? std::string_view(command.container->name)
                                                                     : std::string_view(command.name)};
    if (command.container != nullptr) words.push_back(command.called);
    Random random{7};
    for (std::size_t round = 0; round < 400; ++round) {
      std::vector<std::string_view> call = words;
      const std::size_t more = random.below(9);
      for (std::size_t i = 0; i < more; ++i) call.push_back(odd[random.below(odd.size())]);
      if (!command.takes(call.size())) continue;
      EXPECT_TRUE(empty_node.refuse(command, call, stranger).has_value()) << fmt::format("{}", fmt::join(call, " "));
    }
  }
}

// However long or short, no call makes the key finder or the dispatcher read past its arguments.
TEST_F(Specs, ShortAndOddCallsAreRefusedAndNeverWorse) {
  const std::vector<std::string_view> odd = {"", "0", "-1", "2147483647", "9223372036854775807", "k", "STREAMS"};
  for_each_shown([&](const Command& command) {
    if (command.spec->keys.empty()) return;
    std::vector<std::string_view> words{command.container != nullptr ? std::string_view(command.container->name)
                                                                     : std::string_view(command.name)};
    if (command.container != nullptr) words.push_back(command.called);
    for (std::size_t more = 0; more < 6; ++more) {
      for (const auto word : odd) {
        std::vector<std::string_view> call = words;
        call.insert(call.end(), more, word);
        const auto arity = static_cast<std::size_t>(std::abs(command.arity));
        if (call.size() < arity || (command.arity > 0 && call.size() != arity)) continue;
        std::vector<FoundKey> found;
        if (!find_keys(command, call, found)) continue;
        for (const FoundKey& key : found) EXPECT_LT(key.position, call.size()) << command.name;
      }
    }
  });
}

}  // namespace
}  // namespace skein
