A slot is on its way when its source dies
=========================================

Keys are moved one by one: each is sent to the target, kept there by a replica, and only
then deleted at the source. Whatever is cut off in between is in at least one place.

    a cluster of 3 primaries with 1 replica each, node timeout 2s
    A is the primary of shard 0
    B is the primary of shard 1
    C is replica 1 of shard 0
    40 keys are at rest in slot 7
    3s pass
    an operator begins to move slot 7 from A to B
    300ms pass
    kill A
    within 5s shard 0 has another owner than A
    then C owns shard 0

C knows nothing of the move. Some keys are with B, which waits for more, the others with C.

    then slot 7 is on its way at B
    start A
    within 10s A is a replica of C
    an operator repairs what is left open
    within 5s slot 7 belongs to C
    within 30s all agree
    within 10s all data is where it belongs
