#include "families.h"
namespace skein {
SpecList transaction_commands() { return {}; }
}  // namespace skein
