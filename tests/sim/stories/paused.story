A paused primary wakes
======================

Nothing a process does can tell it that it stood still. Clients have sent writes to A
meanwhile; they wait in its sockets, and it would carry them out as soon as it runs again.

    a cluster of 3 primaries with 1 replica each, node timeout 2s
    A is the primary of shard 0
    B is replica 1 of shard 0
    clients write to all shards
    1s passes

    pause A
    within 4s B acknowledges writes to shard 0
    1s passes
    resume A

Its lease has ended while it slept, and that is looked at before each write is carried out
and again before it is acknowledged.

    within 5s A is a replica of B
    then A has acknowledged nothing for 2s
    within 30s all agree
    clients fall silent
    within 10s all data is where it belongs
    then no acknowledged write is lost
