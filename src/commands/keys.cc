#include "families.h"
namespace skein {
SpecList key_commands() { return {}; }
}  // namespace skein
