// The values of all directives, and CONFIG GET and CONFIG SET as pure functions on them.
//
// Knows what a value may be. Does not know what follows from a change: rebinding a port,
// entering a directory; the server does that between `set` and its answer, and calls
// `undo` when it fails.
#pragma once

#include <skein/config/directives.h>
#include <skein/config/settings.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace skein {

class Config {
 public:
  Config();  // every default

  // Stays at the same address for the life of the Config: hold it by reference, read members.
  [[nodiscard]] const Settings& settings() const { return settings_; }
  const Settings* operator->() const { return &settings_; }

  // As CONFIG GET prints it. The directive must have a value.
  [[nodiscard]] std::string text(const Directive& directive) const;
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  [[nodiscard]] bool is_default(const Directive& directive) const;

  // Sets from the words of a line. The error is redis's own sentence. `adding`: an earlier
  // line of this directive has been read (save points add up over a file's lines).
  Result<void> set(const Directive& directive, std::span<const std::string> words, bool adding = false);
  // Sets from one text, as CONFIG SET takes it (split at blanks where several words belong).
  Result<void> set(const Directive& directive, std::string_view text);
  Result<void> set(std::string_view name, std::string_view text);

  // What the daemon finds out itself and the file does not say: the directory it is in.
  void found_directory(std::string path) { settings_.dir = std::move(path); }
  // REPLICAOF and FAILOVER: whom this node follows now, for CONFIG GET and REWRITE.
  void found_primary(PrimaryAddress primary) { settings_.replicaof = std::move(primary); }

  // Back to values taken earlier from settings().
  void restore(const Settings& settings) { settings_ = settings; }

 private:
  Settings settings_;
};

// "<name> is accepted but does not act yet", with its note; empty when it acts, or its value is how the server
// behaves anyway.
[[nodiscard]] std::string idle_notice(const Config& config, const Directive& directive);

// A directive's name as the caller should see it, and its value.
using NamedValue = std::pair<std::string, std::string>;

// CONFIG GET: literal names in the caller's spelling, globs over names and aliases; each
// name once.
[[nodiscard]] std::vector<NamedValue> get_matching(const Config& config,
                                                   std::span<const std::string_view> patterns);

// Why a CONFIG SET changed nothing.
struct SetRefusal {
  enum class Kind { kSyntax, kUnknown, kLoading, kInvalid };
  Kind kind = Kind::kInvalid;
  std::string name;    // of the directive, as the reply shows it
  std::string reason;  // may be empty
  // The reply without its code, for kUnknown and kInvalid; kSyntax and kLoading have
  // replies of their own.
  [[nodiscard]] std::string message() const;
};

// A CONFIG SET that has been validated and taken over, until it is either kept or undone.
class SettingsChange {
 public:
  explicit SettingsChange(Settings before) : before_(std::move(before)) {}

  [[nodiscard]] const Settings& before() const { return before_; }
  // The directives named, in the caller's order, whose value is another one now (or that
  // have to be applied again anyway).
  [[nodiscard]] std::span<const Directive* const> changed() const { return changed_; }
  [[nodiscard]] bool changes(std::string_view name) const;
  void add(const Directive* directive) { changed_.push_back(directive); }

 private:
  Settings before_;
  std::vector<const Directive*> changed_;
};

struct SetContext {
  bool may_set_protected = false;  // by enable-protected-configs and where the client is
  bool loading = false;
};

// CONFIG SET name value [name value ...]: all of them or none. On success `config` has the
// new values; what the server fails to apply it takes back by `undo`.
[[nodiscard]] std::variant<SettingsChange, SetRefusal> set_all(
    Config& config, std::span<const std::string_view> names_and_values, const SetContext& context);
void undo(Config& config, const SettingsChange& change);
// The refusal to answer with when applying `directive` failed.
[[nodiscard]] SetRefusal failed_to_apply(const Directive& directive, std::string reason);

// Whether any of the words that follow CONFIG SET is a secret: the positions of such values.
[[nodiscard]] std::vector<std::size_t> sensitive_positions(
    std::span<const std::string_view> names_and_values);

}  // namespace skein
