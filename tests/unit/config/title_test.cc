#include <skein/config/title.h>

namespace skein {
namespace {

TEST(Title, Expands) {
  TitleFacts facts{
      .title = "skein-server", .listen_addr = "127.0.0.1:6379", .server_mode = "[cluster]", .port = "6379"};
  EXPECT_EQ(expand_title("{title} {listen-addr} {server-mode}", facts),
            "skein-server 127.0.0.1:6379 [cluster]");
  facts.server_mode.clear();
  EXPECT_EQ(expand_title("{title} {listen-addr} {server-mode}", facts), "skein-server 127.0.0.1:6379");
  EXPECT_EQ(expand_title("{{x}} {port}", facts), "{x}} 6379");
  EXPECT_EQ(expand_title("{", facts), std::nullopt);
  EXPECT_EQ(expand_title("{nonsense}", facts), std::nullopt);
}

}  // namespace
}  // namespace skein
