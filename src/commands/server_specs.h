// The specs of the server family that stand in files of their own.
#pragma once

#include <skein/command/spec.h>

namespace skein {

extern const CommandSpec kAcl;
extern const CommandSpec kConfig;
extern const CommandSpec kDebug;
extern const CommandSpec kFailover;
extern const CommandSpec kInfo;
extern const CommandSpec kLatency;
extern const CommandSpec kMemory;
extern const CommandSpec kRole;
extern const CommandSpec kShutdown;
extern const CommandSpec kSlowlog;

}  // namespace skein
