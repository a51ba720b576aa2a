A primary alone with its clients
================================

Clients do not know what happens between the nodes: these still reach A, and would go on
writing to it while its replica is elected on the other side. Each of those writes would be
lost.

    a cluster of 3 primaries with 1 replica each, node timeout 2s
    A is the primary of shard 0
    B is replica 1 of shard 0
    clients write to all shards
    1s passes

    cut off A
    within 4s B acknowledges writes to shard 0

A may acknowledge writes only while a majority of voters has answered pings that it sent
within the node timeout. That had ended before anybody voted for B: the rules that are
checked after each step would have stopped this story otherwise.

    then A has acknowledged nothing for 500ms
    5s pass
    then A has acknowledged nothing for 5s

When the network is mended A asks for its lease again, learns of B instead, and copies from
it. What had been acknowledged before the cut was with B already.

    mend all cuts
    within 10s A is a replica of B
    within 30s all agree
    clients fall silent
    within 10s all data is where it belongs
