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

Two that have swapped their addresses
-------------------------------------

A and its replica come back with each other's address. For either the other one is at what is now
its own address; where it is really the other members know, who hear it.

    B is replica 1 of shard 1
    20s pass
    kill A
    kill B
    A and B swap their addresses and start
    within 30s all agree
    within 10s all data is where it belongs
    kill A
    within 10s shard 1 has another owner than A
    then B owns shard 1
    then no acknowledged write is lost
