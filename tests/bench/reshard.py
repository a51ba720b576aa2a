#!/usr/bin/python3
"""Slots that move: redis-cli --cluster reshard, Skein beside redis-server in one run.

  reshard.py                     1,000 slots with 300,000 keys, at pipelines of 10 and 100, three rounds
  reshard.py --replicas 1        the same where each master has a replica, which RESTORE-ASKING waits for
  reshard.py --rounds 1          a first impression

Both ends of a move are of the same kind. Rounds alternate which kind goes first; what is compared is the median.
The slots move from the first master to the second; a round begins with clusters that hold the keys where they were.
"""

import argparse
import statistics
import time

from bench_servers import skein_binary

from testbed import Cluster, redis_cli, reference_binary, request_bytes
from testbed.clusters import own_id
from testbed.slots import tag_of_slot

KINDS = ("skein", "redis")
SLOTS = 1000
KEYS_PER_SLOT = 300
PIPELINES = (10, 100)
# Of redis's keys per second: above it at the usual pipeline, and not below it at 100.
LEAST = {10: 1.0, 100: 1.0}


def cluster_of(kind, replicas):
    binary = skein_binary() if kind == "skein" else reference_binary()
    cluster = Cluster([binary] * (3 * (1 + replicas)), **{"cluster-node-timeout": 15000, "appendonly": "no"}).start()
    cluster.create(replicas)
    return cluster


def fill(server):
    """Sixteen bytes of value each, and as many of key."""
    with server.connect(timeout=60) as client:
        for slot in range(SLOTS):
            tag = tag_of_slot(slot)
            client.send(b"".join(request_bytes("SET", f"{{{tag}}}:{number:09d}", f"value-{number:010d}")
                                 for number in range(KEYS_PER_SLOT)))
            for _ in range(KEYS_PER_SLOT):
                client.read_reply()


def move(cluster, pipeline):
    """Keys per second."""
    source, target = cluster.servers[0], cluster.servers[1]
    keys = int(source.ask("DBSIZE"))
    begun = time.monotonic()
    redis_cli("--cluster", "reshard", source.address, "--cluster-from", own_id(source), "--cluster-to", own_id(target),
              "--cluster-slots", SLOTS, "--cluster-yes", "--cluster-pipeline", pipeline, timeout=300)
    took = time.monotonic() - begun
    moved = keys - int(source.ask("DBSIZE"))
    if moved != SLOTS * KEYS_PER_SLOT or int(target.ask("DBSIZE")) != moved:
        raise SystemExit(f"{moved} keys left, {target.ask('DBSIZE')} arrived")
    return moved / took


def measure(kind, pipeline, replicas):
    with_keys = cluster_of(kind, replicas)
    try:
        fill(with_keys.servers[0])
        return move(with_keys, pipeline)
    finally:
        with_keys.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replicas", type=int, default=0)
    parser.add_argument("--pipelines", type=int, nargs="*", default=list(PIPELINES))
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    options = parser.parse_args()
    failed = False
    for pipeline in options.pipelines:
        rates = {kind: [] for kind in options.kinds}
        for number in range(options.rounds):
            for kind in options.kinds if number % 2 == 0 else reversed(options.kinds):
                rates[kind].append(measure(kind, pipeline, options.replicas))
        medians = {kind: statistics.median(each) for kind, each in rates.items()}
        words = ", ".join(f"{kind} {value:,.0f} ({min(rates[kind]):,.0f}-{max(rates[kind]):,.0f})"
                          for kind, value in medians.items())
        if len(medians) == 2:
            ratio = medians["skein"] / medians["redis"]
            failed = failed or ratio < LEAST.get(pipeline, 0)
            words += f", ratio {ratio:.2f}"
        print(f"pipeline {pipeline}, {options.replicas} replicas each: keys/s {words}", flush=True)
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
