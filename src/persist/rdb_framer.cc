#include "rdb_framer.h"

#include <array>

namespace skein::rdb {

namespace {

enum class Operand : std::uint8_t { kNone, kByte, kFourBytes, kEightBytes, kLength, kString };

struct OpcodeRow {
  std::uint8_t code;
  std::string_view name;
  std::array<Operand, 3> operands;
};

using enum Operand;
// From 244 on without a gap. Of an unknown opcode not even the operands' number is known.
constexpr std::array kOpcodes{
    OpcodeRow{opcode::kSlotInfo, "SLOT_INFO", {kLength, kLength, kLength}},
    OpcodeRow{opcode::kFunction, "FUNCTION2", {kString}},
    OpcodeRow{opcode::kFunctionPreRelease, "FUNCTION", {}},  // refused as it is
    OpcodeRow{opcode::kModuleAux, "MODULE_AUX", {kLength}},  // refused once the module's name is there
    OpcodeRow{opcode::kIdle, "IDLE", {kLength}},
    OpcodeRow{opcode::kFrequency, "FREQ", {kByte}},
    OpcodeRow{opcode::kAux, "AUX", {kString, kString}},
    OpcodeRow{opcode::kResizeDb, "RESIZEDB", {kLength, kLength}},
    OpcodeRow{opcode::kExpiryMillis, "EXPIRETIME_MS", {kEightBytes}},
    OpcodeRow{opcode::kExpirySeconds, "EXPIRETIME", {kFourBytes}},
    OpcodeRow{opcode::kSelectDb, "SELECTDB", {kLength}},
    OpcodeRow{opcode::kEof, "EOF", {}},
};
static_assert(kOpcodes.front().code + kOpcodes.size() - 1 == opcode::kEof);

const OpcodeRow* find_opcode(std::uint8_t code) {
  if (code < kOpcodes.front().code) return nullptr;
  return &kOpcodes[static_cast<std::size_t>(code - kOpcodes.front().code)];
}

Found pass(Extent& extent, std::string_view record, Operand operand) {
  switch (operand) {
    case kNone: return Found::kWhole;
    case kByte: return extent.pass_bytes(record, 1);
    case kFourBytes: return extent.pass_bytes(record, 4);
    case kEightBytes: return extent.pass_bytes(record, 8);
    case kLength: return extent.pass_length(record);
    case kString: return extent.pass_string(record);
  }
  return Found::kDamaged;
}

Framer::Look look_of(Found found) {
  return found == Found::kMore ? Framer::Look::kMore : Framer::Look::kDamaged;
}

}  // namespace

std::string_view opcode_name(std::uint8_t code) {
  const OpcodeRow* row = find_opcode(code);
  return row != nullptr ? row->name : std::string_view{};
}

Framer::Look Framer::look(std::string_view record) {
  const auto code = static_cast<std::uint8_t>(record[0]);
  if (extent_.at == 0) {
    extent_.at = 1;
    type_ = find_type(code);
  }
  return type_ != nullptr ? look_at_key(record) : look_at_operands(code, record);
}

Framer::Look Framer::look_at_key(std::string_view record) {
  if (value_at_ == 0) {
    if (const Found found = extent_.pass_string(record); found != Found::kWhole) return look_of(found);
    value_at_ = extent_.at;
    if (!type_->is_built()) return Look::kNotBuilt;
  }
  const Found found = type_->find_end(extent_, progress_, record);
  return found == Found::kWhole ? Look::kWhole : look_of(found);
}

Framer::Look Framer::look_at_operands(std::uint8_t code, std::string_view record) {
  const OpcodeRow* row = find_opcode(code);
  if (row == nullptr) return Look::kUnknown;
  for (; operands_ < row->operands.size(); ++operands_) {
    const Found found = pass(extent_, record, row->operands[operands_]);
    if (found != Found::kWhole) return look_of(found);
  }
  return Look::kWhole;
}

}  // namespace skein::rdb
