An operator wants another primary
=================================

A failover that is asked for loses nothing: the primary lets its writers wait, tells the
replica how far it has come, and the replica asks for votes once it has come as far.

    a cluster of 3 primaries with 1 replica each, node timeout 5s
    A is the primary of shard 0
    B is replica 1 of shard 0
    clients write to all shards
    2s pass
    an operator fails over to B
    within 1s B acknowledges writes to shard 0
    within 5s A is a replica of B
    within 20s all agree

A primary that is told to end does the same by itself before it goes.

    stop B
    within 1s A acknowledges writes to shard 0
    within 1s B is down
    start B
    within 10s B is a replica of A
    within 30s all agree
    clients fall silent
    within 10s all data is where it belongs
    then no acknowledged write is lost
