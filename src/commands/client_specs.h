// The subcommands of CLIENT that stand in files of their own.
#pragma once

#include <skein/command/spec.h>

namespace skein {

extern const CommandSpec kClientKill;

}  // namespace skein
