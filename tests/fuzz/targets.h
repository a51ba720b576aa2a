// The fuzz targets: each takes any bytes at all and checks what has to hold for all of them.
//
// A target is a plain function, so that GoogleTest can drive its corpus in every build
// (corpora_test.cc) and libFuzzer can search further with clang (libfuzzer_main.cc). The
// bytes are what the format itself looks like: a corpus file can be read, and sent.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace skein::fuzz {

using Input = std::span<const std::uint8_t>;

void fuzz_resp(Input input);        // requests on a client's connection
void fuzz_keys(Input input);        // calls, a line each, whose keys are looked for
void fuzz_bus(Input input);         // one packet of the cluster bus
void fuzz_nodes_conf(Input input);  // a nodes.conf
void fuzz_config(Input input);      // a configuration file
void fuzz_text(Input input);        // patterns, quoting, numbers
void fuzz_rdb(Input input);         // an RDB file
void fuzz_restore(Input input);     // a payload of RESTORE
void fuzz_psync(Input input);       // what a primary sends to its replica

// What a target throws when something did not hold. Nothing else is thrown on purpose.
class Finding : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline void expect(bool holds, const char* what) {
  if (!holds) throw Finding(what);
}

inline std::string_view text_of(Input input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

// A copy with nothing behind it, so that a sanitizer sees a read of one byte too many.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view bytes) : bytes_(new char[bytes.size()]), size_(bytes.size()) {
    bytes.copy(bytes_.get(), size_);
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

}  // namespace skein::fuzz
