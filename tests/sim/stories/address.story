A node comes back with another address
======================================

A machine is replaced, or a container gets a new address. The node's name is its id, which
it kept with its file; so it introduces itself with the first packets it sends, and what
others remember of its address is corrected.

    a cluster of 3 primaries with 1 replica each, node timeout 2s
    A is the primary of shard 1
    20 keys are at rest in slot 6000

    kill A
    300ms pass
    start A at 10.9.8.7:7000
    within 20s all agree
    then A owns shard 1
