// What a file is about to hold, from the moment it is promised until the file has been replaced.
//
// Replacing a small file for good takes two syncs, some ten milliseconds; a note takes microseconds. It is not synced,
// so it outlives the process and not the machine. It names the contents of the file it may follow and carries its own
// checksum: an old one, or one that is torn, is none. Two places take turns, so that a process that is killed while it
// writes a note has the one before.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <skein/base/result.h>

namespace skein {

class NoteFile {
 public:
  // Beside `path`. Nothing is opened yet.
  explicit NoteFile(const std::string& path);
  NoteFile(const NoteFile&) = delete;
  NoteFile& operator=(const NoteFile&) = delete;
  ~NoteFile();

  // The last note that follows this content of the file, if there is one.
  [[nodiscard]] std::optional<std::string> read(std::string_view content) const;
  // `follows` are fingerprints: of what the file holds, and of what it is just being replaced with.
  Result<void> write(std::string_view text, std::span<const std::uint64_t> follows);
  // Also of what was written before this start.
  void clear();

  [[nodiscard]] static std::uint64_t fingerprint(std::string_view content);

 private:
  struct Place {
    std::string path;
    int descriptor = -1;
  };
  struct Note {
    std::uint64_t number = 0;
    std::string text;
  };
  static std::optional<Note> read(const Place& place, std::uint64_t content);

  std::array<Place, 2> places_;
  std::uint64_t written_ = 0;
};

}  // namespace skein
