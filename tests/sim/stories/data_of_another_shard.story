A replica that has not reached whom it follows does not stand for it
====================================================================

An operator moves a replica to another shard. It has keys, and its link has never been silent; but
they are another shard's keys, and it gets none of those it is to have.

    a cluster of 3 primaries with 1 replica each, node timeout 2s
    A is the primary of shard 0
    B is replica 1 of shard 0
    C is the primary of shard 1
    D is replica 1 of shard 1
    20 keys are at rest in slot 6000
    1s passes
    replication between B and C is cut
    kill D
    an operator makes B a replica of C
    2s passes
    kill C
    15s passes
    then shard 1 still belongs to C

    mend all cuts
    start C
    start D
    within 30s all agree
    within 30s all data is where it belongs
