#include <skein/disk/leftovers.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace skein {

namespace {

// A folder with more names than this is somebody's for other things: looking on would keep the start waiting.
constexpr int kMostNames = 200'000;
constexpr std::size_t kSpillLetters = 6;
// Seconds since 1970 have so many digits since 2001.
constexpr std::size_t kTimeDigits = 10;

bool is_number(std::string_view text) {
  constexpr std::size_t kMost = 19;
  return !text.empty() && text.size() <= kMost &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<pid_t> process_of(std::string_view text) {
  pid_t pid = 0;
  if (!is_number(text) || text[0] == '0') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return pid;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// One that has ended and that nobody buries, as in a container without an init, writes nothing any more.
bool is_unburied(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  // "<pid> (<name, with anything in it>) <state> ..."
  const std::size_t name_end = line.rfind(") ");
  return name_end != std::string::npos && (line[name_end + 2] == 'Z' || line[name_end + 2] == 'X');
}

bool is_alive(pid_t pid) {
  if (pid <= 0 || pid == ::getpid()) return false;
  return (::kill(pid, 0) == 0 || errno == EPERM) && !is_unburied(pid);
}

bool is_ours(const struct stat& facts) { return S_ISREG(facts.st_mode) && facts.st_nlink == 1 && facts.st_uid == ::geteuid(); }

// Nothing but what a server calls a file while it writes it. `temp-<number>.rdb` may be anybody's.
bool is_beyond_doubt(std::string_view name) {
  if (name.starts_with("temp-sync-") || name.starts_with("temp-spill-")) return true;
  return name.find('.') >= std::string_view("temp-").size() + kTimeDigits;
}

// Begins as a snapshot does, as far as it goes, and does not end as one: with an end mark and eight bytes of checksum.
bool is_half_a_snapshot(int descriptor, off_t size) {
  constexpr std::string_view kBeginning = "REDIS";
  constexpr off_t kEnd = 9;
  constexpr unsigned char kEndMark = 0xff;
  char beginning[kBeginning.size()];
  const std::size_t wanted = std::min<std::size_t>(static_cast<std::size_t>(size), kBeginning.size());
  if (::pread(descriptor, beginning, wanted, 0) != static_cast<ssize_t>(wanted)) return false;
  if (std::string_view(beginning, wanted) != kBeginning.substr(0, wanted)) return false;
  unsigned char mark = 0;
  if (size < kEnd) return true;
  return ::pread(descriptor, &mark, 1, size - kEnd) == 1 && mark != kEndMark;
}

// How long it was. What it is, is asked of the opened file, and that it still has the name right before it goes.
std::optional<std::uint64_t> remove_one(int folder, const char* name, bool whole_ones_too) {
  struct stat by_name {};
  if (::fstatat(folder, name, &by_name, AT_SYMLINK_NOFOLLOW) != 0 || !is_ours(by_name)) return std::nullopt;
  const int descriptor = ::openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  struct stat opened {};
  struct stat again {};
  const bool removed = ::fstat(descriptor, &opened) == 0 && is_ours(opened) &&
                       (whole_ones_too || is_half_a_snapshot(descriptor, opened.st_size)) &&
                       ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 &&
                       ::fstatat(folder, name, &again, AT_SYMLINK_NOFOLLOW) == 0 && again.st_dev == opened.st_dev &&
                       again.st_ino == opened.st_ino && ::unlinkat(folder, name, 0) == 0;
  ::close(descriptor);
  if (!removed) return std::nullopt;
  return static_cast<std::uint64_t>(opened.st_size);
}

std::vector<Leftover> remove_where(const std::string& folder, const std::function<bool(std::string_view)>& is_wanted) {
  std::vector<Leftover> removed;
  DIR* const listing = ::opendir(folder.empty() ? "." : folder.c_str());
  if (listing == nullptr) return removed;
  std::vector<std::string> names;
  for (int seen = 0; seen < kMostNames; ++seen) {
    const dirent* const entry = ::readdir(listing);
    if (entry == nullptr) break;
    if (is_wanted(entry->d_name)) names.emplace_back(entry->d_name);
  }
  for (std::string& name : names) {
    const bool whole_ones_too = !name.starts_with("temp-") || is_beyond_doubt(name);
    if (const auto bytes = remove_one(::dirfd(listing), name.c_str(), whole_ones_too)) removed.push_back({std::move(name), *bytes});
  }
  ::closedir(listing);
  return removed;
}

}  // namespace

std::optional<pid_t> writer_of_unfinished(std::string_view name) {
  if (!take_prefix(name, "temp-")) return std::nullopt;
  if (take_prefix(name, "spill-")) {
    const bool made_up = name.size() == kSpillLetters && std::all_of(name.begin(), name.end(), [](unsigned char c) {
                           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                         });
    return made_up ? std::optional<pid_t>(0) : std::nullopt;
  }
  if (!name.ends_with(".rdb")) return std::nullopt;
  name.remove_suffix(4);
  if (take_prefix(name, "sync-")) return process_of(name);
  if (const auto dot = name.find('.'); dot != std::string_view::npos) {
    if (!is_number(name.substr(0, dot))) return std::nullopt;
    name.remove_prefix(dot + 1);
  }
  return process_of(name);
}

std::vector<Leftover> remove_leftovers(const std::string& folder, std::string_view dump) {
  return remove_where(folder, [dump](std::string_view name) {
    const auto writer = writer_of_unfinished(name);
    return name != dump && writer && !is_alive(*writer);
  });
}

void remove_unfinished_replacements(const std::string& path) {
  // A link stays a link, and what it points to is replaced: beside that.
  std::error_code unknown;
  const std::filesystem::path target = std::filesystem::canonical(path, unknown);
  if (unknown) return;
  const std::string prefix = target.filename().string() + ".tmp-";
  (void)remove_where(target.parent_path().string(), [&](std::string_view name) {
    if (!take_prefix(name, prefix)) return false;
    const auto writer = process_of(name);
    return writer && !is_alive(*writer);
  });
}

void hold_unfinished(int descriptor) { (void)::flock(descriptor, LOCK_EX | LOCK_NB); }

}  // namespace skein
