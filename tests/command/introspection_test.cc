// COMMAND: what is told about commands is what their specs say.
#include "fixture.h"

#include <algorithm>

namespace skein {
namespace {

class Introspection : public CommandTest {};

TEST_F(Introspection, Rows) {
  EXPECT_EQ(run("COMMAND", "INFO", "get", "nosuch"),
            "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@string\r\n"
            "+@fast\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n"
            "$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n"
            "$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n$-1\r\n");
  EXPECT_TRUE(run("COMMAND", "INFO", "CONFIG|get").starts_with("*1\r\n*10\r\n$10\r\nconfig|get\r\n"));
  EXPECT_EQ(run("COMMAND", "INFO", "config|nosuch"), "*1\r\n$-1\r\n");
  run("HELLO", "3");
  EXPECT_TRUE(run("COMMAND", "INFO", "get").starts_with("*1\r\n*10\r\n$3\r\nget\r\n:2\r\n~2\r\n"));
}

TEST_F(Introspection, NeighbouringKeySpecsAreOneOldRange) {
  // COPY has a key it reads and one it writes, side by side.
  EXPECT_NE(run("COMMAND", "INFO", "copy").find(":-3\r\n*2\r\n+write\r\n+denyoom\r\n:1\r\n:2\r\n:1\r\n"), std::string::npos);
  EXPECT_NE(run("COMMAND", "INFO", "mset").find(":1\r\n:-1\r\n:2\r\n"), std::string::npos);
}

TEST_F(Introspection, AllTheSame) {
  const std::string count = run("COMMAND", "COUNT");
  EXPECT_EQ(run("COMMAND").substr(1, count.size() - 1), count.substr(1));
  EXPECT_EQ(run("COMMAND"), run("COMMAND", "INFO"));
}

TEST_F(Introspection, WordsThatAreNoCommandsAreNotTold) {
  EXPECT_EQ(run("COMMAND", "INFO", "post"), "*1\r\n$-1\r\n");
  EXPECT_EQ(run("COMMAND", "DOCS", "host:"), "*0\r\n");
  EXPECT_EQ(run("COMMAND", "GETKEYS", "post", "x"), error("ERR Invalid command specified"));
  EXPECT_EQ(run("COMMAND", "LIST", "FILTERBY", "PATTERN", "post"), "*0\r\n");
}

TEST_F(Introspection, ARemovedCommandIsNotTold) {
  const std::string before = run("COMMAND", "COUNT");
  ASSERT_TRUE(commands.rename("flushall", ""));
  EXPECT_NE(run("COMMAND", "COUNT"), before);
  EXPECT_EQ(run("COMMAND", "INFO", "flushall"), "*1\r\n$-1\r\n");
}

TEST_F(Introspection, Docs) {
  const std::string docs = run("COMMAND", "DOCS", "select", "nosuch");
  EXPECT_TRUE(docs.starts_with("*2\r\n$6\r\nselect\r\n*10\r\n$7\r\nsummary\r\n")) << docs;
  EXPECT_TRUE(docs.ends_with("$9\r\narguments\r\n*1\r\n*4\r\n$4\r\nname\r\n$5\r\nindex\r\n$4\r\ntype\r\n$7\r\ninteger\r\n"))
      << docs;
  EXPECT_NE(run("COMMAND", "DOCS", "config").find("$11\r\nsubcommands\r\n"), std::string::npos);
}

TEST_F(Introspection, List) {
  auto names = texts_of(run("COMMAND", "LIST"));
  EXPECT_EQ(std::count(names.begin(), names.end(), "get"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "config|get"), 1);
  EXPECT_EQ(texts_of(run("COMMAND", "LIST", "FILTERBY", "PATTERN", "WATC?")), std::vector<std::string>{"watch"});
  names = texts_of(run("COMMAND", "LIST", "FILTERBY", "ACLCAT", "transaction"));
  EXPECT_EQ(names.size(), 5U);
  EXPECT_EQ(run("COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch"), "*0\r\n");
  EXPECT_EQ(run("COMMAND", "LIST", "FILTERBY", "MODULE", "m"), "*0\r\n");
  EXPECT_EQ(run("COMMAND", "LIST", "FILTERBY", "NAME", "m"), error("ERR syntax error"));
  EXPECT_EQ(run("COMMAND", "LIST", "x"), error("ERR syntax error"));
}

TEST_F(Introspection, Getkeys) {
  EXPECT_EQ(run("COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2"), bulks({"a", "b"}));
  EXPECT_EQ(run("COMMAND", "GETKEYS", "OBJECT", "ENCODING", "k"), bulks({"k"}));
  EXPECT_EQ(run("COMMAND", "GETKEYS", "nosuch", "k"), error("ERR Invalid command specified"));
  EXPECT_EQ(run("COMMAND", "GETKEYS", "OBJECT", "nosuch", "k"), error("ERR Invalid command specified"));
  EXPECT_EQ(run("COMMAND", "GETKEYS", "CONFIG", "GET", "k"), error("ERR The command has no key arguments"));
  EXPECT_EQ(run("COMMAND", "GETKEYS", "GET", "a", "b"),
            error("ERR Invalid number of arguments specified for command"));
}

TEST_F(Introspection, GetkeysAndFlags) {
  EXPECT_EQ(run("COMMAND", "GETKEYSANDFLAGS", "SET", "a", "1"), array({"*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n"}));
  EXPECT_EQ(run("COMMAND", "GETKEYSANDFLAGS", "SET", "a", "1", "GET"),
            array({"*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"}));
}

TEST_F(Introspection, HelpComesFromTheSpecs) {
  const std::string help = run("COMMAND", "HELP");
  EXPECT_NE(help.find("+GETKEYS"), std::string::npos);
  EXPECT_NE(run("CLIENT", "HELP").find("+KILL"), std::string::npos);
  EXPECT_NE(run("CLIENT", "HELP").find("+PAUSE <timeout> [<WRITE | ALL>]"), std::string::npos) << run("CLIENT", "HELP");
}

}  // namespace
}  // namespace skein
