// LCS: what two strings have in common.
#include "strings_lcs.h"

#include <algorithm>
#include <new>

#include <skein/commands/services.h>

#include "grammar.h"
#include "string_family.h"

namespace skein {

std::unique_ptr<CommonSubsequence> CommonSubsequence::find(std::string_view first, std::string_view second,
                                                           bool with_way_back) {
  std::unique_ptr<CommonSubsequence> common(new CommonSubsequence(first, second));
  if (!common->measure(with_way_back)) return nullptr;
  if (with_way_back) common->walk_back();
  return common;
}

// Row by row over the prefixes of the first string; a row needs only the one before it.
bool CommonSubsequence::measure(bool with_way_back) {
  const std::size_t width = second_.size();
  const std::unique_ptr<std::uint32_t[]> row(new (std::nothrow) std::uint32_t[width + 1]());
  if (row == nullptr) return false;
  if (with_way_back) {
    drop_first_.reset(new (std::nothrow) std::uint64_t[first_.size() * width / 64 + 1]());
    if (drop_first_ == nullptr) return false;
  }
  for (std::size_t i = 0; i < first_.size(); ++i) {
    const char c = first_[i];
    std::uint32_t diagonal = 0;  // of the row before, one place to the left
    for (std::size_t j = 0; j < width; ++j) {
      const std::uint32_t above = row[j + 1];
      if (c == second_[j]) {
        row[j + 1] = diagonal + 1;
      } else if (above > row[j]) {
        if (with_way_back) drop_first_[(i * width + j) / 64] |= std::uint64_t{1} << ((i * width + j) % 64);
      } else {
        row[j + 1] = row[j];
      }
      diagonal = above;
    }
  }
  length_ = row[width];
  return true;
}

void CommonSubsequence::walk_back() {
  bool in_run = false;
  for (std::size_t i = first_.size(), j = second_.size(); i > 0 && j > 0;) {
    if (first_[i - 1] == second_[j - 1]) {
      --i;
      --j;
      const auto a = static_cast<std::int64_t>(i);
      const auto b = static_cast<std::int64_t>(j);
      if (in_run) {
        runs_.back().first_start = a;
        runs_.back().second_start = b;
      } else {
        runs_.push_back({a, a, b, b});
      }
      in_run = true;
      continue;
    }
    in_run = false;
    const std::size_t cell = (i - 1) * second_.size() + j - 1;
    ((drop_first_[cell / 64] >> (cell % 64) & 1) != 0 ? i : j) -= 1;
  }
}

std::string CommonSubsequence::text() const {
  std::string text;
  text.reserve(length_);
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    text += first_.substr(static_cast<std::size_t>(run->first_start), static_cast<std::size_t>(run->length()));
  }
  return text;
}

namespace {

struct LcsOptions {
  bool length = false;
  bool runs = false;
  bool run_lengths = false;
  std::int64_t shortest_run = 0;
};

// Nothing after a refusal was written.
std::optional<LcsOptions> parse_lcs_options(Call& call) {
  LcsOptions options;
  for (std::size_t i = 3; i < call.size(); ++i) {
    if (call.is_word(i, "idx")) {
      options.runs = true;
    } else if (call.is_word(i, "len")) {
      options.length = true;
    } else if (call.is_word(i, "withmatchlen")) {
      options.run_lengths = true;
    } else if (call.is_word(i, "minmatchlen") && i + 1 < call.size()) {
      const auto shortest = call.integer(++i);
      if (!shortest) return std::nullopt;
      options.shortest_run = std::max<std::int64_t>(*shortest, 0);
    } else {
      call.reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  if (options.length && options.runs) {
    call.reply.error(errors::kLcsLenAndIdx);
    return std::nullopt;
  }
  return options;
}

// The limits are those of a table with four bytes for each pair of prefixes.
bool within_limits(Call& call, std::string_view first, std::string_view second) {
  constexpr std::size_t kLongest = UINT32_MAX - 1;
  if (first.size() >= kLongest || second.size() >= kLongest) {
    call.reply.error(errors::kLcsTooLong);
    return false;
  }
  std::uint64_t table = 0;
  if (__builtin_mul_overflow((first.size() + 1) * std::uint64_t{4}, second.size() + 1, &table)) {
    call.reply.error(errors::kLcsNoMemory);
    return false;
  }
  if (table <= call.services.config->proto_max_bulk_len) return true;
  call.reply.error(errors::kLcsTooMuchMemory);
  return false;
}

void reply_runs(Call& call, const CommonSubsequence& common, const LcsOptions& options) {
  const auto shown = [&](const CommonRun& run) { return run.length() >= options.shortest_run; };
  const auto& runs = common.runs();
  call.reply.map(2);
  call.reply.bulk("matches");
  call.reply.array(static_cast<std::size_t>(std::count_if(runs.begin(), runs.end(), shown)));
  for (const CommonRun& run : runs) {
    if (!shown(run)) continue;
    call.reply.array(options.run_lengths ? 3 : 2);
    call.reply.array(2);
    call.reply.integer(run.first_start);
    call.reply.integer(run.first_end);
    call.reply.array(2);
    call.reply.integer(run.second_start);
    call.reply.integer(run.second_end);
    if (options.run_lengths) call.reply.integer(run.length());
  }
  call.reply.bulk("len");
  call.reply.integer(common.length());
}

void lcs(Call& call) {
  const Entry* first_entry = call.db().read(call.key(1));
  const Entry* second_entry = call.db().read(call.key(2));
  const auto fits = [](const Entry* entry) { return entry == nullptr || entry->type() == ValueType::kString; };
  if (!fits(first_entry) || !fits(second_entry)) {
    call.reply.error(errors::kLcsNotStrings);
    return;
  }
  const auto options = parse_lcs_options(call);
  if (!options) return;
  Entry::Scratch first_scratch;
  Entry::Scratch second_scratch;
  const std::string_view first = first_entry != nullptr ? first_entry->bytes(first_scratch) : std::string_view{};
  const std::string_view second = second_entry != nullptr ? second_entry->bytes(second_scratch) : std::string_view{};
  if (!within_limits(call, first, second)) return;
  const auto common = CommonSubsequence::find(first, second, !options->length);
  if (common == nullptr) {
    call.reply.error(errors::kLcsNoMemory);
  } else if (options->runs) {
    reply_runs(call, *common, *options);
  } else if (options->length) {
    call.reply.integer(common->length());
  } else {
    call.reply.bulk(common->text());
  }
}

constexpr ArgSpec kLcsArgs[] = {key_arg("key1"),
                                key_arg("key2"),
                                optional(word_arg("len", "LEN")),
                                optional(word_arg("idx", "IDX")),
                                optional(int_arg("len", "MINMATCHLEN")),
                                optional(word_arg("withmatchlen", "WITHMATCHLEN"))};
constexpr CommandSpec kLcs{
    .name = "LCS",
    .summary = "Returns the longest sequence of bytes that two strings have in common, in order but with gaps.",
    .complexity = "O(N*M), N and M being the lengths of the strings",
    .since = "7.0.0",
    .group = Group::kString,
    .arity = at_least(3),
    .flags = flag::kReadOnly,
    .acl_also = category::kString,
    .keys = {keys_from(1, 1, 1, key_use::kReadOnly | key_use::kAccess)},
    .args = kLcsArgs,
    .handler = lcs,
};

}  // namespace

SpecList string_lcs_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kLcs};
  return kSpecs;
}

}  // namespace skein
