A wall clock jumps
==================

Packets carry the time of pongs by the wall clock, and somebody may set that clock while
the cluster runs. Whether a node is alive is judged by a clock that never jumps.

    a cluster of 3 primaries with 1 replica each, node timeout 2s
    A is the primary of shard 0
    B is the primary of shard 1

    the wall clock of A jumps by 1h
    10s pass
    then B neither suspects A nor holds it for failed
    then A neither suspects B nor holds it for failed

And back by two hours. A real failure is still noticed in time, by the node whose clock
is wrong too.

    the wall clock of A jumps by -2h
    10s pass
    then B neither suspects A nor holds it for failed
    kill B
    within 6s A holds B for failed
    within 10s shard 1 has another owner than B
    start B
    within 30s all agree
