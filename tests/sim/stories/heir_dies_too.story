A primary's heir dies before anybody has copied from it
=======================================================

The primary has two replicas. One takes its place; the other has every key, but cannot reach the
new primary's data: so the only thing that has changed for it is whom it follows.

    a cluster of 3 primaries with 2 replicas each, node timeout 2s
    A is the primary of shard 0
    B is replica 1 of shard 0
    C is replica 2 of shard 0
    D is the primary of shard 1
    20 keys are at rest in slot 3
    1s passes
    replication between B and C is cut

    kill A
    within 10s shard 0 has another owner than A
    E is the primary of shard 0
    5s passes
    kill E

What the last one holds is as old as the change, not worth nothing: it stands.

    within 10s shard 0 has another owner than E
    within 10s D holds E for failed
    mend all cuts
    start A
    start E
    within 30s all agree
    within 30s all data is where it belongs
