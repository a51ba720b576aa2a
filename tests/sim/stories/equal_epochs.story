Two claims with one number
==========================

A config epoch says which of two claims is newer, so no two primaries may have the same.
An operator can make it happen: both nodes below take the next epoch while they cannot hear
of each other's.

    a cluster of 3 primaries with 1 replica each, node timeout 5s
    A is the primary of shard 0
    B is the primary of shard 1

    cut A and B apart
    an operator bumps the epoch of A
    an operator bumps the epoch of B
    1s passes

When they meet again, the one with the smaller id takes yet another epoch. No slot changes
hands.

    mend all cuts
    10s pass
    within 20s all agree
    then A and B have different config epochs
    then A owns shard 0
    then B owns shard 1
