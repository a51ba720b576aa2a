// The longest common subsequence of two strings.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace skein {

// Positions of one run that both strings have, ends included.
struct CommonRun {
  std::int64_t first_start;
  std::int64_t first_end;
  std::int64_t second_start;
  std::int64_t second_end;
  [[nodiscard]] std::int64_t length() const { return first_end - first_start + 1; }
};

// Where there are several longest subsequences, which one is found is redis's choice.
class CommonSubsequence {
 public:
  // Work is the product of the lengths; memory one bit of it, if the way back is wanted too.
  // Null when there is not enough memory.
  static std::unique_ptr<CommonSubsequence> find(std::string_view first, std::string_view second, bool with_way_back);

  [[nodiscard]] std::uint32_t length() const { return length_; }
  // From the strings' ends to their beginnings.
  [[nodiscard]] const std::vector<CommonRun>& runs() const { return runs_; }
  [[nodiscard]] std::string text() const;

 private:
  CommonSubsequence(std::string_view first, std::string_view second) : first_(first), second_(second) {}
  bool measure(bool with_way_back);
  void walk_back();

  std::string_view first_;
  std::string_view second_;
  std::uint32_t length_ = 0;
  std::vector<CommonRun> runs_;
  // For each pair of prefixes: whether dropping the first one's last byte keeps more in common.
  std::unique_ptr<std::uint64_t[]> drop_first_;
};

}  // namespace skein
