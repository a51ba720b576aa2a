// Where an encoder's bytes go: a file, a pipe, a string.
#pragma once

#include <string_view>

#include <skein/base/result.h>

namespace skein {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // All of it or an error; called with pieces of some 64 KiB, so it need not buffer.
  virtual Result<void> write(std::string_view bytes) = 0;
};

}  // namespace skein
