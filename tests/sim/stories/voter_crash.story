A voter crashes right after its vote
====================================

Five primaries, each with two replicas. The primary of shard 0 dies, and both its replicas
may ask for votes in the same epoch. A voter that gave its vote to one and then forgot it
would give a second one to the other, and both might win.

    a cluster of 5 primaries with 2 replicas each, node timeout 2s
    A is the primary of shard 0
    V is the primary of shard 1
    W is the primary of shard 2

V and W die as soon as their votes have left. What they remember afterwards is what was on
their disks, and the vote was there before it was sent.

    kill V right after its next vote
    kill W right after its next vote
    A loses power
    within 20s V is down
    start V
    within 20s W is down
    start W

Whoever asks them again in that epoch is refused: the simulator would stop this story with
a broken rule if one of them voted twice. In this epoch or a later one somebody wins.

    within 60s shard 0 has another owner than A
    start A
    within 60s all agree
