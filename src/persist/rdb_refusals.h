// How a file that cannot be taken is refused: what is wrong, with which key, at which offset.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <skein/base/result.h>

#include "rdb_framer.h"

namespace skein::rdb {

// The version of a file by its first nine bytes.
[[nodiscard]] Result<int> judge_header(std::string_view header);

// Whether they say which version it is, known or not.
[[nodiscard]] bool names_a_version(std::string_view header);

// A key as a person can read it, cut when it is long.
[[nodiscard]] std::string show_key(std::string_view key);

// After any look at `record`, which begins at `offset`, that found neither its end nor a need for more.
[[nodiscard]] std::string refuse_record(const Framer& framer, Framer::Look look, std::string_view record,
                                        std::uint64_t offset);
[[nodiscard]] std::string refuse_value(const TypeRow& type, std::string_view key, std::string_view problem);
// Data of a module, by the number that stands for its name.
[[nodiscard]] std::string refuse_module(std::uint64_t id);

}  // namespace skein::rdb
