A claim that nobody can correct directly
========================================

A primary that was replaced comes back, and the one that replaced it is the only node it
cannot reach. It would go on claiming its slots for ever, if only owners spoke for
themselves. So whoever sees an old claim answers it with an UPDATE: the newer claim, passed
on for its owner.

    a cluster of 3 primaries with 1 replica each, node timeout 2s
    A is the primary of shard 2
    B is replica 1 of shard 2

    cut off A
    within 15s shard 2 has another owner than A
    then B owns shard 2

Everything is mended but the path between the two.

    mend all cuts except between A and B
    within 10s A is a replica of B

When that is mended too, all agree.

    mend all cuts
    within 30s all agree
    then B owns shard 2
