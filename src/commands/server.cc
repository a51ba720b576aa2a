#include "families.h"
namespace skein {
SpecList server_commands() { return {}; }
}  // namespace skein
