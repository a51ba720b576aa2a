A primary comes back without its data
=====================================

A lost its disk, or never wrote to it, and was started again before anybody missed it. Its
replica would copy the empty data from it and lose what it has.

    a cluster of 3 primaries with 1 replica each, node timeout 2s
    A is the primary of shard 0
    B is replica 1 of shard 0
    20 keys are at rest in slot 7
    3s pass
    kill A
    200ms pass
    start A without its data

So A says nothing: to the others it stays away, and B is elected in its place.

    within 6s shard 0 has another owner than A
    then B owns shard 0
    within 10s A is a replica of B
    within 30s all agree
    within 10s all data is where it belongs

The same at another address
---------------------------

C loses its disk and its address. Nobody knows where to tell it that it was replaced; so it asks the
members it remembers, as nobody in particular.

    C is the primary of shard 1
    D is replica 1 of shard 1
    20 keys are at rest in slot 6000
    3s pass
    kill C
    200ms pass
    start C without its data at 10.9.8.7:7000
    within 10s shard 1 has another owner than C
    within 5s C is a replica of D
    within 30s all agree
    within 10s all data is where it belongs
