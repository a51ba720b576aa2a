Two primaries fail at one moment
================================

Both replicas need the votes of the same three primaries that are left of five, and a
primary votes once in an epoch. If they asked in one epoch each would spoil the other's
election; so they take turns.

    a cluster of 5 primaries with 1 replica each, node timeout 2s
    A is the primary of shard 0
    B is the primary of shard 1
    C is replica 1 of shard 0
    D is replica 1 of shard 1
    clients write to all shards
    1s passes

    A loses power
    B loses power
    within 5s C acknowledges writes to shard 0
    within 1s D acknowledges writes to shard 1
    then C and D have different config epochs

    start A
    start B
    within 10s A is a replica of C
    within 10s B is a replica of D
    within 30s all agree
    clients fall silent
    within 10s all data is where it belongs
