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

NoteFile::NoteFile(const std::string& path) {
  places_[0].path = path + ".pending";
  places_[1].path = path + ".pending-2";
}

NoteFile::~NoteFile() {
  for (const Place& place : places_) {
    if (place.descriptor >= 0) ::close(place.descriptor);
  }
}

std::uint64_t NoteFile::fingerprint(std::string_view content) { return crc64(0, content); }

std::optional<std::string> NoteFile::read(std::string_view content) const {
  std::optional<Note> last;
  for (const Place& place : places_) {
    auto note = read(place, fingerprint(content));
    if (note && (!last || note->number > last->number)) last = std::move(note);
  }
  if (!last) return std::nullopt;
  return std::move(last->text);
}

// One line, "skein-note <number> <of the text> <followed>...", all in hexadecimal digits, then the text.
std::optional<NoteFile::Note> NoteFile::read(const Place& place, std::uint64_t content) {
  std::ifstream file(place.path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  std::istringstream words(line);
  std::string mark;
  Note note;
  std::uint64_t own = 0;
  words >> mark >> std::hex >> note.number >> own;
  if (!words || mark != kMark) return std::nullopt;
  note.text.assign(std::istreambuf_iterator<char>(file), {});
  if (fingerprint(note.text) != own) return std::nullopt;
  for (std::uint64_t followed = 0; words >> std::hex >> followed;) {
    if (followed == content) return note;
  }
  return std::nullopt;
}

Result<void> NoteFile::write(std::string_view text, std::span<const std::uint64_t> follows) {
  Place& place = places_[++written_ % places_.size()];
  if (place.descriptor < 0) place.descriptor = ::open(place.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (place.descriptor < 0) return Error(std::strerror(errno)).within(place.path);
  std::string note = fmt::format("{} {:x} {:x}", kMark, written_, fingerprint(text));
  for (const std::uint64_t followed : follows) note += fmt::format(" {:x}", followed);
  note += '\n';
  note += text;
  // Longer old text would make it a torn one: it goes first.
  if (::ftruncate(place.descriptor, 0) != 0) return Error(std::strerror(errno)).within(place.path);
  for (std::size_t at = 0; at < note.size();) {
    const ssize_t written = ::pwrite(place.descriptor, note.data() + at, note.size() - at, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Error(std::strerror(errno)).within(place.path);
    at += static_cast<std::size_t>(written);
  }
  return {};
}

void NoteFile::clear() {
  for (const Place& place : places_) {
    (void)!(place.descriptor >= 0 ? ::ftruncate(place.descriptor, 0) : ::truncate(place.path.c_str(), 0));
  }
}

}  // namespace skein
