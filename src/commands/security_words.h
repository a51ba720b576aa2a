// `POST` and `Host:` as the first word of a request: somebody made a browser send HTTP here.
#pragma once

#include <skein/command/spec.h>

namespace skein {

extern const CommandSpec kPostWord;
extern const CommandSpec kHostWord;

}  // namespace skein
