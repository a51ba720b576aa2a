// What a command is: declared once, next to its handler, and read by everybody.
//
// Arity, flags, keys, grammar, documentation and ACL categories come from here: COMMAND and
// its subcommands, routing, the gates, statistics and the key finder derive what they need.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

namespace skein {

struct Call;
using Handler = void (*)(Call&);

enum class Group : std::uint8_t {
  kGeneric, kString, kList, kSet, kSortedSet, kHash, kPubsub, kTransactions, kConnection, kServer, kScripting,
  kHyperLogLog, kCluster, kSentinel, kGeo, kStream, kBitmap,
};

namespace flag {
enum : std::uint32_t {
  kWrite = 1U << 0,
  kReadOnly = 1U << 1,
  kDenyOom = 1U << 2,
  kAdmin = 1U << 3,
  kPubsub = 1U << 4,
  kNoScript = 1U << 5,
  kBlocking = 1U << 6,
  kLoading = 1U << 7,
  kStale = 1U << 8,
  kSkipMonitor = 1U << 9,
  kSkipSlowlog = 1U << 10,
  kAsking = 1U << 11,
  kFast = 1U << 12,
  kNoAuth = 1U << 13,
  kMayReplicate = 1U << 14,
  kNoMandatoryKeys = 1U << 15,
  kNoAsyncLoading = 1U << 16,
  kAllowBusy = 1U << 17,
  kNoMulti = 1U << 18,
  // Ours, not shown by COMMAND:
  // A connection that has become a replica says it by its original name, whatever clients have to call it (REPLCONF).
  kSaidByReplicas = 1U << 23,
  // What follows on the connection must not be parsed before this has run (AUTH, SELECT, HELLO...).
  kChangesConnection = 1U << 24,
  // Executed at once inside MULTI instead of being queued (EXEC, DISCARD, WATCH...).
  kRunsInMulti = 1U << 25,
  // Guarded by enable-debug-command.
  kDebug = 1U << 26,
  // Runs the calls a transaction holds, and is judged by them at the gates (EXEC).
  kExecutes = 1U << 28,
  // Not paused by CLIENT PAUSE although it is no read.
  kNeverPaused = 1U << 27,
  // Refused while snapshots fail, as writes are, so that whoever watches the server hears of it (PING).
  kTellsDiskTrouble = 1U << 30,
  // No command but a word that is known: left out of everything that lists commands.
  kHidden = 1U << 29,
  // Works on what is here of a slot that is moving, wherever the rest of it is (MIGRATE).
  kMovesSlot = 1U << 31,
};
}  // namespace flag

// ACL categories, in redis's order of names in replies.
namespace category {
enum : std::uint32_t {
  kKeyspace = 1U << 0, kRead = 1U << 1, kWrite = 1U << 2, kSet = 1U << 3, kSortedSet = 1U << 4, kList = 1U << 5,
  kHash = 1U << 6, kString = 1U << 7, kBitmap = 1U << 8, kHyperLogLog = 1U << 9, kGeo = 1U << 10, kStream = 1U << 11,
  kPubsub = 1U << 12, kAdmin = 1U << 13, kFast = 1U << 14, kSlow = 1U << 15, kBlocking = 1U << 16,
  kDangerous = 1U << 17, kConnection = 1U << 18, kTransaction = 1U << 19, kScripting = 1U << 20,
};
}  // namespace category

// What a command does with the keys of one key spec: flags of COMMAND's key specs.
namespace key_use {
enum : std::uint32_t {
  kReadOnly = 1U << 0,    // RO: reads the value
  kReadWrite = 1U << 1,   // RW: changes the value
  kOverwrite = 1U << 2,   // OW: replaces the value
  kRemove = 1U << 3,      // RM: deletes the key
  kAccess = 1U << 4,      // returns or copies what is in the value
  kUpdate = 1U << 5,      // changes what is in the value
  kInsert = 1U << 6,      // adds to the value
  kDelete = 1U << 7,      // takes from the value
  kNotKey = 1U << 8,      // routed like a key, but is none
  kIncomplete = 1U << 9,  // this spec does not find all keys
  kVariable = 1U << 10,   // the use depends on other arguments
};
}  // namespace key_use

// Where keys stand among the arguments.
struct KeySpec {
  enum class Search : std::uint8_t { kIndex, kKeyword, kUnknown };
  enum class Find : std::uint8_t { kRange, kKeyNum, kUnknown };

  std::uint32_t use = 0;
  Search search = Search::kIndex;
  int index = 0;                  // kIndex: of the first key; kKeyword: where to start looking (negative: from the end)
  std::string_view keyword{};     // kKeyword
  Find find = Find::kRange;
  int last = 0;                   // kRange: last key relative to the first; negative: from the end
  int step = 1;                   // kRange, kKeyNum
  int limit = 0;                  // kRange with last -1: 0 or 1 all, 2 half of what is left, ...
  int count_at = 0;               // kKeyNum: where the count stands, relative to the beginning
  int first_after_count = 0;      // kKeyNum: where the first key stands, relative to the beginning
  std::string_view notes{};
};

constexpr KeySpec key_at(int index, std::uint32_t use) { return {.use = use, .index = index}; }
// From `index` to `last` (negative: counted from the end of the call), every `step`th.
constexpr KeySpec keys_from(int index, int last, int step, std::uint32_t use) {
  return {.use = use, .index = index, .last = last, .step = step};
}
// A count at `index`, followed by that many keys.
constexpr KeySpec counted_keys(int index, std::uint32_t use) {
  return {.use = use, .index = index, .find = KeySpec::Find::kKeyNum, .count_at = 0, .first_after_count = 1};
}

// One element of a command's grammar, as COMMAND DOCS prints it.
enum class ArgType : std::uint8_t {
  kString, kInteger, kDouble, kKey, kPattern, kUnixTime, kPureToken, kOneOf, kBlock,
};
namespace arg_flag {
enum : std::uint8_t { kOptional = 1, kMultiple = 2, kMultipleToken = 4 };
}
struct ArgSpec {
  std::string_view name;
  ArgType type = ArgType::kString;
  std::string_view token{};
  std::uint8_t flags = 0;
  int key_spec = -1;                     // kKey: which key spec finds it
  std::string_view since{};
  std::string_view deprecated_since{};
  std::string_view summary{};
  std::span<const ArgSpec> arguments{};  // kOneOf, kBlock
};

struct HistoryEntry {
  std::string_view version;
  std::string_view change;  // in our own words
};

namespace doc_flag {
enum : std::uint8_t { kDeprecated = 1, kSysCmd = 2 };
}

template <typename T, std::size_t N>
struct FixedList {
  constexpr FixedList() = default;
  constexpr FixedList(std::initializer_list<T> list) {  // NOLINT(google-explicit-constructor)
    for (const auto& item : list) items[count++] = item;
  }
  std::array<T, N> items{};
  std::size_t count = 0;
  [[nodiscard]] constexpr const T* begin() const { return items.data(); }
  [[nodiscard]] constexpr const T* end() const { return items.data() + count; }
  [[nodiscard]] constexpr bool empty() const { return count == 0; }
  [[nodiscard]] constexpr std::size_t size() const { return count; }
};

constexpr int exactly(int count) { return count; }
constexpr int at_least(int count) { return -count; }

struct KeyPositions {
  std::size_t first = 0;
  std::size_t last = 0;
};

struct CommandSpec {
  std::string_view name;  // upper case; of a subcommand its own part only
  std::string_view summary{};
  std::string_view complexity{};
  std::string_view since{};
  Group group = Group::kGeneric;
  int arity = 0;  // with the command's name (and the container's); negative: at least
  std::uint32_t flags = 0;
  std::uint32_t acl_also = 0;  // categories besides those that flags and group give
  FixedList<KeySpec, 4> keys{};
  std::span<const ArgSpec> args{};
  FixedList<std::string_view, 4> tips{};
  std::span<const HistoryEntry> history{};
  std::uint8_t doc_flags = 0;
  std::string_view deprecated_since{};
  std::string_view replaced_by{};
  std::span<const CommandSpec* const> subcommands{};
  Handler handler = nullptr;  // null for a container
  // What a call does with the keys of a spec marked kVariable; null: what the spec says.
  std::uint32_t (*variable_use)(std::span<const std::string_view> arguments) = nullptr;
  // Finds keys that specs cannot describe (SORT, MIGRATE); `position` of the first is not assumed.
  bool movable_keys = false;
  // Where they stand then, from the first to the last; nothing where the arguments do not hold together. All are used
  // as the first key spec says.
  std::optional<KeyPositions> (*find_movable_keys)(std::span<const std::string_view> arguments) = nullptr;
  // What a cluster's node answers to a call whose keys cannot be found: it has no slot, so it does not run.
  std::string_view unroutable = "ERR Invalid arguments specified for command: its keys cannot be found";
};

// The ACL categories a spec has in all.
[[nodiscard]] std::uint32_t acl_categories(const CommandSpec& spec);

}  // namespace skein
