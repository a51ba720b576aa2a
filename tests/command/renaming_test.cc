// rename-command takes every name of redis 7.0, and no other.
#include <skein/commands/renaming.h>
#include <skein/commands/table.h>

#include <gtest/gtest.h>

namespace skein {
namespace {

TEST(Renaming, NamesWithoutACommandYetAreNamesAllTheSame) {
  CommandTable table(all_command_specs());
  Renaming renaming(table);
  ASSERT_EQ(table.find("eval"), nullptr);
  EXPECT_TRUE(renaming.rename("EVAL", ""));
  EXPECT_FALSE(renaming.rename("EVAL", "x")) << "it has no name any more";
  EXPECT_TRUE(renaming.rename("GET", "eval"));
  EXPECT_NE(table.find("EVAL"), nullptr);
  EXPECT_FALSE(renaming.rename("SET", "FCALL"));
  EXPECT_TRUE(renaming.rename("FCALL", "run"));
  EXPECT_FALSE(renaming.rename("SET", "RUN"));
  EXPECT_TRUE(renaming.rename("run", "run2"));
  EXPECT_TRUE(renaming.rename("SET", "fcall"));
}

TEST(Renaming, ErrorsNameTheCommand) {
  CommandTable table(all_command_specs());
  const RenamedCommand unknown[] = {{"NOSUCH", "x", {"a.conf", 3}}};
  EXPECT_EQ(rename_commands(table, unknown).error().message(),
            "a.conf:3: rename-command: No such command in rename-command: 'NOSUCH'");
  const RenamedCommand taken[] = {{"GET", "Set", {"a.conf", 4}}};
  EXPECT_EQ(rename_commands(table, taken).error().message(),
            "a.conf:4: rename-command: Target command name already exists: 'Set'");
}

// As hosting providers do it: whatever is dangerous goes.
TEST(Renaming, AllCanBeRemoved) {
  CommandTable table(all_command_specs());
  Renaming renaming(table);
  for (const std::string_view name : {"ACL", "BGREWRITEAOF", "EVALSHA", "FUNCTION", "MODULE", "MONITOR", "PFSELFTEST", "SCRIPT",
                                      "SORT_RO", "SUBSCRIBE", "XADD", "ZADD", "HSET", "CONFIG", "SHUTDOWN", "SLAVEOF"}) {
    EXPECT_TRUE(renaming.rename(name, "")) << name;
    EXPECT_EQ(table.find(name), nullptr) << name;
  }
}

}  // namespace
}  // namespace skein
