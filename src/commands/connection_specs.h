// The specs of the connection family that stand in files of their own.
#pragma once

#include <skein/command/spec.h>

namespace skein {

extern const CommandSpec kAuth;
extern const CommandSpec kHello;
extern const CommandSpec kClient;

}  // namespace skein
