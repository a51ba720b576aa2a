// Files that a process which was killed left half-written beside its data, removed by whoever comes after it.
//
// A folder may be shared: by other servers, by people, by whoever can write there. So a file goes only if its name is one
// that servers give to what they have not finished, the process that is named in it is gone, nobody holds a lock on it
// (what is being written here holds one, so that another container that sees no such process leaves it alone),
// and it is a plain file of our own user with one name. Links are neither followed nor removed. A name that somebody may
// have given to a dump (temp-2024.rdb) is not enough: a snapshot that is whole to its last byte stays.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace skein {

// The process whose unfinished file has this name; nothing: it is no such name. 0: the name tells no process.
//
//   temp-<pid>.rdb            a snapshot
//   temp-sync-<pid>.rdb       a snapshot for replicas that gets no other name
//   temp-<time>.<pid>.rdb     a data set that came from a primary
//   temp-spill-<six>          what was to follow a full sync; it has its name for a moment only
[[nodiscard]] std::optional<pid_t> writer_of_unfinished(std::string_view name);

struct Leftover {
  std::string name;
  std::uint64_t bytes = 0;
};

// Those in `folder`, removed, but for `dump`, which the user gave its name. At the start, before anything of ours is
// written there: a file that names our own process is of one that had its number.
[[nodiscard]] std::vector<Leftover> remove_leftovers(const std::string& folder, std::string_view dump);

// The same for `<path>.tmp-<pid>`, by which a LockedFile is replaced. Only who has the lock writes one, and locks it too.
void remove_unfinished_replacements(const std::string& path);

// Tells others that what this descriptor writes is not left over. Whether or not the file system knows locks.
void hold_unfinished(int descriptor);

}  // namespace skein
