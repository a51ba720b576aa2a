A primary is cut off and replaced
=================================

Three primaries, each with a replica. Nobody is told what happens to the network: the
others only miss answers.

    a cluster of 3 primaries with 1 replica each, node timeout 2s
    A is the primary of shard 0
    B is replica 1 of shard 0
    C is the primary of shard 1

A is cut off. It hears from nobody, so it is the minority: it must stop serving by itself,
because nobody can tell it to. The two primaries that remain are a majority of three and
may call it failed.

    cut off A
    within 6s C holds A for failed
    within 6s A stops serving

Its replica asks for votes, gets those of the other two primaries and takes the slots with
a greater config epoch.

    within 10s shard 0 has another owner than A
    then B owns shard 0

When the network is mended A still believes in its old claim. The first newer one it hears
ends that: it becomes a replica of the node that replaced it, and all agree again.

    mend all cuts
    within 10s A is a replica of B
    within 30s all agree
    then B owns shard 0
