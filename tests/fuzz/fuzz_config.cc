// A configuration that loads is rewritten into one that loads to the same.
#include <skein/config/parse.h>
#include <skein/config/rewrite.h>

#include "targets.h"

namespace skein::fuzz {

namespace {

constexpr const char* kName = "fuzz.conf";

// A disk with the one file on it, which may include itself.
class OneFile : public ConfigFiles {
 public:
  explicit OneFile(std::string_view text) : text_(text) {}
  Result<std::string> read(const std::string& path) override {
    included = true;
    if (path != kName) return Error("No such file or directory");
    return std::string(text_);
  }
  std::vector<std::string> expand(const std::string&) override {
    included = true;
    return {kName};
  }
  Result<void> enter_directory(const std::string&) override { return {}; }
  std::string directory() override { return "/start"; }

  bool included = false;

 private:
  std::string_view text_;
};

void check_refusal(const Error& error) {
  expect(error.message().starts_with(kName), "a refusal names the file");
  expect(error.message().find(": ") != std::string::npos, "and the reason");
}

}  // namespace

void fuzz_config(Input input) {
  const std::string_view text = text_of(input);
  OneFile files(text);
  const auto loaded = parse_config(text, kName, files);
  if (!loaded) return check_refusal(loaded.error());
  // What an included file says is written into this one, and then it is said twice.
  if (files.included) return;

  const std::string rewritten = rewrite_config(text, loaded->config);
  const auto again = parse_config(rewritten, kName, files);
  if (!again) throw Finding("rewritten, it does not load: " + again.error().message());
  for (const auto& row : all_directives()) {
    if (!row.has_value()) continue;
    if (loaded->config.text(row) != again->config.text(row)) {
      throw Finding("rewritten, another value of " + std::string(row.name));
    }
  }
  expect(again->renamed_commands.size() == loaded->renamed_commands.size(), "renamed commands are kept");
  // The first time an empty line may still come to stand behind what was added.
  const std::string second = rewrite_config(rewritten, again->config);
  const std::string third = rewrite_config(second, again->config);
  if (third != second) throw Finding("rewriting again changes it:\n" + second + "\nto\n" + third);
}

}  // namespace skein::fuzz
