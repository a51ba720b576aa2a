#!/usr/bin/python3
"""How long slots are without a primary after a kill -9, Skein beside redis-server in one run.

  failover.py                                    ten trials each at cluster-node-timeout 2000
  failover.py --timeouts 2000,5000,15000         some fifteen minutes
  failover.py --trials 3 --only-skein            a first impression

Two clusters of six run side by side, one of each kind, and take turns. In a trial a primary is
killed at a random moment; a prober that writes to one of its slots at every other node every few
milliseconds sees the first write that succeeds. Then the dead node is started again and all wait
until it is a replica in sync. What counts is how much longer than the node timeout it took.
"""

import argparse
import random
import select
import statistics
import sys
import time

from bench_servers import skein_binary

from testbed import Cluster, reference_binary, request_bytes, wait_until
from testbed.clusters import nodes, own_id
from testbed.replication import link_is_up, replica_offset, offset
from testbed.resp import Connection, reply_end
from testbed.writers import slot_of

# What Skein may take on top of the node timeout, in seconds.
MEDIAN_BOUND, WORST_BOUND = 0.45, 0.8
STEP = 0.003


class Probe:
    """A write to one node that is asked again as soon as it is answered, though not faster than every STEP."""

    def __init__(self, server, request):
        self.connection = Connection(server.port, server.host)
        self.connection.socket.setblocking(False)
        self.request = request
        self.buffer = bytearray()
        self.waits = False
        self.sent_at = 0.0

    def send_if_due(self, now):
        if not self.waits and now - self.sent_at >= STEP:
            self.connection.socket.send(self.request)
            self.waits, self.sent_at = True, now

    def succeeded(self):
        """Reads what has come."""
        try:
            chunk = self.connection.socket.recv(65536)
        except (BlockingIOError, ConnectionError):
            return False
        self.buffer += chunk
        end = reply_end(self.buffer) if self.buffer else None
        if end is None:
            return False
        reply, self.buffer = bytes(self.buffer[:end]), self.buffer[end:]
        self.waits = False
        return reply.startswith(b"+OK")


def key_in(slots):
    """A key of one of these slots, given as CLUSTER NODES has them."""
    first, _, last = slots[0].partition("-")
    wanted = range(int(first), int(last or first) + 1)
    return next(key for number in range(100_000) if slot_of((key := f"probe:{number}").encode()) in wanted)


def settled(cluster):
    """All agree, every replica is in sync."""
    cluster.wait_agreed(timeout=90)
    for server in cluster.servers:
        row = nodes(server)[own_id(server)]
        if row["master"] == "-":
            continue
        wait_until(lambda server=server: link_is_up(server), 60, f"the link of {server.address}")
        primary = next(each for each in cluster.servers if own_id(each) == row["master"])
        wait_until(lambda: replica_offset(server) >= offset(primary) - 100, 60, "its data")


def trial(cluster, random_source, number):
    primaries = [server for server in cluster.servers if nodes(server)[own_id(server)]["slots"]]
    victim = primaries[number % len(primaries)]
    key = key_in(nodes(victim)[own_id(victim)]["slots"])
    victim.ask("SET", key, "before")
    probes = [Probe(server, request_bytes("SET", key, "after")) for server in cluster.servers if server is not victim]
    time.sleep(random_source.random())  # the moment of the kill within the rhythm of pings
    victim.kill()
    killed = time.monotonic()
    try:
        while True:
            now = time.monotonic()
            if now - killed > 120:
                raise SystemExit("nobody took over:\n" + cluster.alive()[0].ask_text("CLUSTER", "NODES"))
            for probe in probes:
                probe.send_if_due(now)
            readable, _, _ = select.select([probe.connection.socket for probe in probes], [], [], STEP)
            if any(probe.succeeded() for probe in probes if probe.connection.socket in readable):
                return time.monotonic() - killed, victim
    finally:
        for probe in probes:
            probe.connection.close()


def explain(cluster, victim):
    """What the others decided: why it took so long."""
    for server in cluster.alive():
        decisions = server.ask_text("CLUSTER", "DOCTOR").partition("Last decisions")[2].splitlines()[-12:]
        print(f"    {server.address}, {victim.address} was killed:", *decisions, sep="\n      ", file=sys.stderr, flush=True)


def make(binary, timeout):
    cluster = Cluster([binary] * 6, cluster_node_timeout=timeout, repl_diskless_sync_delay=0).start()
    cluster.create(replicas=1)
    settled(cluster)
    return cluster


def measure(timeout, args):
    kinds = {"skein": skein_binary(), "redis": reference_binary()}
    if args.only_skein:
        del kinds["redis"]
    random_source = random.Random(args.seed)
    clusters, samples = {}, {kind: [] for kind in kinds}
    try:
        for kind, binary in kinds.items():
            clusters[kind] = make(binary, timeout)
        for number in range(args.trials):
            for kind, cluster in clusters.items():
                seconds, victim = trial(cluster, random_source, number)
                samples[kind].append(seconds)
                print(f"  {kind:6} {seconds:7.3f}", file=sys.stderr, flush=True)
                if kind == "skein" and seconds > timeout / 1000 + WORST_BOUND:
                    explain(cluster, victim)
                victim.start()
                settled(cluster)
    finally:
        for cluster in clusters.values():
            cluster.stop()
    return samples


def report(timeout, samples):
    print(f"\nFrom kill -9 to the first write, cluster-node-timeout {timeout}: seconds")
    good = True
    for kind, figures in samples.items():
        median, worst = statistics.median(figures), max(figures)
        over = [each - timeout / 1000 for each in (median, worst)]
        verdict = ""
        if kind == "skein":
            met = over[0] <= MEDIAN_BOUND and over[1] <= WORST_BOUND
            good &= met
            verdict = f"   bounds +{MEDIAN_BOUND} +{WORST_BOUND}  {'met' if met else 'MISSED'}"
        print(f"  {kind:6} median {median:.3f} (+{over[0]:.3f})  worst {worst:.3f} (+{over[1]:.3f}){verdict}")
        print(f"         {' '.join(f'{each:.3f}' for each in figures)}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timeouts", default="2000", help="cluster-node-timeout, several with commas")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only-skein", action="store_true")
    args = parser.parse_args()
    good = True
    for timeout in (int(each) for each in args.timeouts.split(",")):
        good &= report(timeout, measure(timeout, args))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
