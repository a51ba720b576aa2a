// The file the log goes to, followed by its name: whoever rotates logs renames it and, on Debian, tells nobody.
#pragma once

#include <string>
#include <string_view>

#include <skein/base/result.h>
#include <skein/base/time.h>

namespace skein {

class LogFile {
 public:
  explicit LogFile(std::string path) : path_(std::move(path)) {}
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // Opens what stands under the path, or makes it. An error leaves it as it was. The descriptor stays the same one:
  // a crash report knows no other.
  Result<void> open();
  // The same under another path.
  Result<void> move_to(const std::string& path);
  // With one write, so that several processes may share the file. Looks at the path before it, at most once a second;
  // as long as nothing can be opened there (its folder has gone) the old file gets the line.
  void write(std::string_view line, MonoTime now);

  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  void follow(MonoTime now);
  Result<void> open(const std::string& path, int more_flags);

  std::string path_;
  int descriptor_ = -1;
  MonoTime look_at_{};
};

}  // namespace skein
