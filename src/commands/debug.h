// The subcommands of DEBUG that take more than a few lines.
#pragma once

#include <skein/command/call.h>

namespace skein {

void debug_object(Call& call);
void debug_populate(Call& call);
void debug_protocol(Call& call);

}  // namespace skein
