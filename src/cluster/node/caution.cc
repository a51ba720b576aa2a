// A primary that starts without its data lets itself be replaced by a replica that has it.
#include "member.h"

namespace skein {

void ClusterNode::Member::watch_caution(Now) {}
bool ClusterNode::Member::is_holding_back() const { return false; }

}  // namespace skein
