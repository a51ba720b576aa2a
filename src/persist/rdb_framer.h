// Finds where each record of an RDB file ends, while its bytes are still arriving.
//
// A record is an opcode with its operands, or a type byte with a key and a value. What it means
// is the loader's business.
#pragma once

#include <cstdint>
#include <string_view>

#include "rdb_types.h"

namespace skein::rdb {

class Framer {
 public:
  enum class Look : std::uint8_t {
    kWhole,       // the record ends at `extent().at`
    kMore,        // not before there are `extent().wanted` bytes
    kDamaged,     // at `extent().at` is what cannot be
    kUnknown,     // the first byte is neither an opcode nor a type of any version we read
    kNotBuilt,    // a type without a reader; the key is whole and ends at `extent().at`
  };

  // `record` begins with the record's first byte, and has at least that; each time as before and more behind.
  [[nodiscard]] Look look(std::string_view record);
  // Ready for the next one.
  void restart() { *this = Framer{}; }

  [[nodiscard]] const Extent& extent() const { return extent_; }
  // Of a key's record, after kWhole.
  [[nodiscard]] const TypeRow* type() const { return type_; }
  [[nodiscard]] std::size_t value_at() const { return value_at_; }

 private:
  [[nodiscard]] Look look_at_operands(std::uint8_t code, std::string_view record);
  [[nodiscard]] Look look_at_key(std::string_view record);

  Extent extent_;
  std::uint32_t operands_ = 0;  // passed so far
  const TypeRow* type_ = nullptr;
  std::size_t value_at_ = 0;
  ValueProgress progress_;
};

// The name of an opcode, or nothing when there is none of this number.
[[nodiscard]] std::string_view opcode_name(std::uint8_t code);

}  // namespace skein::rdb
