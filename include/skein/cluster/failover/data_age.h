// How old a node's data is, towards the primary whose place it might take.
//
//   serves as a primary -----------------------> current
//   in step with the primary it follows -------> as old as that one's silence
//   follows whom took that one's place --------> as old as the change: what has been written since is missing, and
//                                                 what it had not got before that one fell silent for all
//   follows a primary of other data, was reset,
//   or its data set was lost half loaded ------> worth nothing, until it is in step again
//
// A link that is made anew, to another address of the same primary or to its heir, changes nothing of what is
// held. What it changes is that nothing is known of the new link yet. A change on top of a change counts from
// the first one: from then on writes were made that this node has not got.
//
// A value that knows no sockets: who is an heir is cluster/node's to say, what a link has brought the owner's.
#pragma once

#include <optional>

#include <skein/base/time.h>

namespace skein {

class DataAge {
 public:
  // A primary whose writes count: what it holds is what there is.
  void on_serving(MonoTime now);
  // Of a replica: for how long its primary has been silent. max(): its data has not come by this link.
  void on_silence(milliseconds silence, MonoTime now);
  // The same primary, by another link.
  void on_new_link() { in_step_ = false; }
  // It follows whom took its primary's place, or its own. That primary has written nothing for `dead_for`.
  void on_heir(nanoseconds dead_for, MonoTime now);
  // What it holds is no primary's data any more, or that of another one than it follows.
  void on_lost();

  // max(): worth nothing.
  [[nodiscard]] milliseconds at(MonoTime now) const;

 private:
  std::optional<MonoTime> current_at_;  // when nothing was missing last, as far as a replica can know
  bool in_step_ = false;                // with the primary it follows now, by the link it has now
};

}  // namespace skein
