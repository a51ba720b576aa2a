#include <skein/disk/note_file.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fmt/format.h>

#include <skein/base/checksums.h>

namespace skein {

namespace {

constexpr std::string_view kMark = "skein-note";

}  // namespace

NoteFile::NoteFile(const std::string& path) : path_(path + ".pending") {}

NoteFile::~NoteFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t NoteFile::fingerprint(std::string_view content) { return crc64(0, content); }

// One line, "skein-note <of the text> <followed>...", then the text.
std::optional<std::string> NoteFile::read(std::string_view content) const {
  std::ifstream file(path_, std::ios::binary);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  std::istringstream words(line);
  std::string mark;
  std::uint64_t own = 0;
  words >> mark >> std::hex >> own;
  if (!words || mark != kMark) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (fingerprint(text) != own) return std::nullopt;
  const std::uint64_t wanted = fingerprint(content);
  for (std::uint64_t followed = 0; words >> std::hex >> followed;) {
    if (followed == wanted) return text;
  }
  return std::nullopt;
}

Result<void> NoteFile::write(std::string_view text, std::span<const std::uint64_t> follows) {
  if (descriptor_ < 0) descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) return Error(std::strerror(errno)).within(path_);
  std::string note = fmt::format("{} {:x}", kMark, fingerprint(text));
  for (const std::uint64_t followed : follows) note += fmt::format(" {:x}", followed);
  note += '\n';
  note += text;
  // Longer old text would make it a torn one: it goes first.
  if (::ftruncate(descriptor_, 0) != 0) return Error(std::strerror(errno)).within(path_);
  for (std::size_t at = 0; at < note.size();) {
    const ssize_t written = ::pwrite(descriptor_, note.data() + at, note.size() - at, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Error(std::strerror(errno)).within(path_);
    at += static_cast<std::size_t>(written);
  }
  return {};
}

void NoteFile::clear() {
  if (descriptor_ >= 0) (void)!::ftruncate(descriptor_, 0);
}

}  // namespace skein
