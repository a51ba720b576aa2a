A slot changes hands
====================

The operator opens the slot at both ends, moves its keys, and gives it away. Ownership
changes only with the last step: the new owner takes a new config epoch without asking
anybody, so that its claim is newer than the old one, and the others learn it from its
heartbeats.

    a cluster of 3 primaries with 1 replica each, node timeout 2s
    A is the primary of shard 0
    B is the primary of shard 1
    C is the primary of shard 2
    an operator opens slot 100 on its way from A to B
    1s passes
    then C takes A for the owner of slot 100

Both ends remember over a crash that the slot is on its way.

    kill A
    B loses power
    100ms pass
    start A
    start B
    within 20s all agree
    then slot 100 is on its way at A
    then slot 100 is on its way at B

Now it is given away, while C hears neither of the two. It learns of it later.

    cut off C
    an operator gives slot 100 from A to B
    1s passes
    then A takes B for the owner of slot 100
    then C takes A for the owner of slot 100
    mend all cuts
    within 20s all agree
    then C takes B for the owner of slot 100
