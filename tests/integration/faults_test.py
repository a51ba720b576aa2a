#!/usr/bin/python3
"""Six nodes under writing clients, and one fault after the other.

  faults_test.py --faults 30 --seed 5     the kinds in turn, whom they hit by chance

A fault is a kill -9, a pause until another has taken over, a restart, the loss of a primary together
with another shard's replica, or a host with a minority of the primaries cut off from all others. The
six are on three hosts of their own, network namespaces, where these are permitted; else on one, and
nothing is cut off. After each fault the cluster has to be whole again within a minute: all nodes in
one view, every replica equal to its primary. All acknowledged writes are looked for. Those from before
the last two seconds must be there; how many of the newer ones are lost is reported.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Cluster, Server, request_bytes, wait_until  # noqa: E402
from testbed.clusters import info, nodes, own_id  # noqa: E402
from testbed.namespaces import Namespaces  # noqa: E402
from testbed.replication import digest, link_is_up, offset, replica_offset  # noqa: E402
from testbed.resp import Closed, Connection  # noqa: E402
from testbed.writers import ClusterWriter, slot_of  # noqa: E402

NODE_TIMEOUT = 2000
WHOLE_WITHIN = 60
WRITERS = 3
# What may be on its way to the replica when a fault comes; older than that must be there.
ASYNCHRONOUS = 2.0
HOSTS = 3
FIRST_PORT = 7000
OPTIONS = {"cluster-node-timeout": NODE_TIMEOUT, "enable-debug-command": "yes", "repl-diskless-sync-delay": 0}


class Broken(Exception):
    """A rule was broken."""


class ImpatientWriter(ClusterWriter):
    REPLY_TIMEOUT = 3


class HostedCluster(Cluster):
    """Two nodes on each host, in its namespace."""

    def __init__(self, hosts, namespaces):
        self.binaries = [None] * (2 * hosts)
        self.password = None
        self.options = {"cluster-enabled": "yes"} | OPTIONS
        self.servers = []
        self.namespaces = namespaces
        self.hosts = [namespaces.address(number) for number in range(1, hosts + 1)]
        self.ports = [FIRST_PORT, FIRST_PORT + 1]

    def launch(self, binary=None, host=None, port=None):
        prefix = self.namespaces.inside(self.namespaces.host(self.hosts.index(host) + 1))
        server = Server(binary, port=port, host=host, prefix=prefix, protected_mode="no", **self.options)
        self.servers.append(server.launch())
        return server


class LocalWriter:
    """A client on a host that is about to be cut off, writing to the primary there."""

    def __init__(self, cluster, server, prefix):
        slots = nodes(server)[own_id(server)]["slots"]
        namespace = cluster.namespaces.host(cluster.hosts.index(server.host) + 1)
        words = cluster.namespaces.inside(namespace, sys.executable, os.path.abspath(__file__), "--write-at", server.host,
                                          str(server.port), prefix, ",".join(slots))
        # A file: a pipe that nobody reads yet would stop it.
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(words, stdout=self.output)
        self.acknowledged = []

    def has_begun(self):
        return os.fstat(self.output.fileno()).st_size > 0

    def stop(self):
        self.process.terminate()
        # The last line may have been cut short by TERM.
        self.process.wait()
        with self.output:
            self.output.seek(0)
            for line in self.output.read().split("\n")[:-1]:
                moment, key = line.split()
                self.acknowledged.append((float(moment), key.encode()))


def write_at(host, port, prefix, slots):
    """LocalWriter's own process: prints what is acknowledged, until TERM."""
    wanted = set()
    for each in slots.split(","):
        first, _, last = each.partition("-")
        wanted.update(range(int(first), int(last or first) + 1))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    number = 0
    while True:
        try:
            with Connection(int(port), host, timeout=2) as client:
                while True:
                    key = f"{prefix}:{number}"
                    number += 1
                    if slot_of(key.encode()) not in wanted:
                        continue
                    if client.request("SET", key, "x") == b"+OK\r\n":
                        print(time.monotonic(), key, flush=True)
                    else:
                        time.sleep(0.01)
        except (OSError, Closed):
            time.sleep(0.01)


class Faults:
    def __init__(self, cluster, seed):
        self.cluster = cluster
        self.chance = random.Random(seed)
        self.kinds = [self.kill, self.pause, self.restart, self.primary_and_anothers_replica]
        if isinstance(cluster, HostedCluster):
            self.kinds.insert(1, self.cut_off)
        self.local = None
        self.acknowledged = []  # of all rounds

    # Who is who.

    def rows(self):
        return nodes(self.cluster.alive()[0])

    def server(self, node):
        return next(server for server in self.cluster.servers if own_id_of(server) == node)

    def primaries(self):
        return [self.server(node) for node, row in self.rows().items() if row["slots"]]

    def replica_of(self, primary):
        return next(self.server(node) for node, row in self.rows().items() if row["master"] == own_id_of(primary))

    def wait_replaced(self, primary, slots):
        """Until the nodes that can talk show another owner."""
        watcher = next(server for server in self.cluster.servers if server.running() and server is not primary
                       and server.host not in self.unreachable and not server.stopped)
        wait_until(lambda: any(row["slots"] == slots and node != own_id_of(primary) for node, row in nodes(watcher).items()),
                   WHOLE_WITHIN, f"a successor of {primary.address}: {watcher.ask_text('CLUSTER', 'NODES')}")

    # The faults. Each returns once what it broke has been mended, and tells whom it hit.

    def kill(self):
        victim = self.chance.choice(self.primaries())
        slots = self.rows()[own_id_of(victim)]["slots"]
        victim.kill()
        self.wait_replaced(victim, slots)
        victim.start()
        return victim.address

    def pause(self):
        victim = self.chance.choice(self.primaries())
        slots = self.rows()[own_id_of(victim)]["slots"]
        victim.stopped = True
        victim.signal(signal.SIGSTOP)
        self.wait_replaced(victim, slots)
        victim.signal(signal.SIGCONT)
        victim.stopped = False
        return victim.address

    def restart(self):
        victim = self.chance.choice(self.primaries())
        victim.terminate(timeout=30)
        victim.start()
        return victim.address

    def primary_and_anothers_replica(self):
        victim, other = self.chance.sample(self.primaries(), 2)
        replica = self.replica_of(other)
        slots = self.rows()[own_id_of(victim)]["slots"]
        for server in (victim, replica):
            server.kill()
        self.wait_replaced(victim, slots)
        for server in (victim, replica):
            server.start()
        return f"{victim.address}, {replica.address}"

    def cut_off(self):
        by_host = {}
        for primary in self.primaries():
            by_host.setdefault(primary.host, []).append(primary)
        host = self.chance.choice(sorted(host for host, primaries in by_host.items() if len(primaries) == 1))
        victim = by_host[host][0]
        slots = self.rows()[own_id_of(victim)]["slots"]
        self.local = LocalWriter(self.cluster, victim, f"local{self.round}")
        wait_until(self.local.has_begun, 20, "the writer on the host that is cut off")
        self.unreachable = {host}
        self.pulled = time.monotonic()
        self.cluster.namespaces.pull(self.cluster.hosts.index(host) + 1)
        self.wait_replaced(victim, slots)
        self.cluster.namespaces.plug(self.cluster.hosts.index(host) + 1)
        self.unreachable = set()
        return f"{host} with {victim.address}"

    # One round.

    def run(self, number):
        self.round = number
        self.unreachable = set()
        for server in self.cluster.servers:
            server.stopped = False
            own_id_of(server)
        kind = self.kinds[number % len(self.kinds)]
        writers = [ImpatientWriter(self.cluster.servers, f"r{number}w{each}").start() for each in range(WRITERS)]
        self.local = None
        try:
            wait_until(lambda: all(len(writer.acknowledged) > 500 for writer in writers), 30, "the writers to begin")
            begun = time.monotonic()
            hit = kind()
            self.wait_whole()
            whole = time.monotonic() - begun
            goals = [(writer, len(writer.acknowledged) + 100) for writer in writers]
            wait_until(lambda: all(len(writer.acknowledged) > goal for writer, goal in goals), 30, "all to be written again")
        finally:
            for writer in writers:
                writer.stop()
            if self.local:
                self.local.stop()
        self.compare_replicas()
        acknowledged = [each for writer in writers for each in writer.acknowledged]
        isolated = self.local.acknowledged if self.local else []
        lost = self.missing(acknowledged + isolated)
        # Those of earlier rounds were there after their fault.
        at_rest = [each for each in lost if each[0] < begun - ASYNCHRONOUS] + self.missing(self.acknowledged)
        longest = max((b - a for writer in writers for (a, _), (b, _) in zip(writer.acknowledged, writer.acknowledged[1:])),
                      default=0)
        of_isolated = {key for _, key in isolated}
        print(f"{number + 1:3} {kind.__name__:28} {hit:32} acknowledged {len(acknowledged):6}, lost "
              f"{sum(key not in of_isolated for _, key in lost):3}; refused {sum(w.refused for w in writers)}, unanswered "
              f"{sum(w.unknown for w in writers)}; longest without a write {longest:.1f} s; whole after {whole:.1f} s"
              + (f"; on the lonely host {len(isolated)}, lost {sum(key in of_isolated for _, key in lost)}, the last "
                 f"{max((moment for moment, key in isolated if key in {k for _, k in lost}), default=self.pulled) - self.pulled:.2f} s after "
                 "the cut" if isolated else ""), flush=True)
        if at_rest:
            raise Broken(f"{len(at_rest)} writes from before the fault are lost: {at_rest[:5]}")
        gone = {key for _, key in lost}
        self.acknowledged += [each for each in acknowledged + isolated if each[1] not in gone]

    def wait_whole(self):
        self.cluster.wait_agreed(self.cluster.servers, timeout=WHOLE_WITHIN)
        for server in self.cluster.servers:
            row = nodes(server)[own_id_of(server)]
            if row["master"] != "-":
                wait_until(lambda server=server: link_is_up(server), WHOLE_WITHIN, f"the link of {server.address}")
        rows = self.rows()
        if len(rows) != len(self.cluster.servers) or sum("slave" in row["flags"] for row in rows.values()) != 3:
            raise Broken(f"not three primaries with a replica each: {rows}")
        for server in self.cluster.servers:
            if info(server)["cluster_slots_ok"] != "16384":
                raise Broken(f"slots without owner at {server.address}")

    def compare_replicas(self):
        self.wait_whole()
        for primary in self.primaries():
            replica = self.replica_of(primary)
            wait_until(lambda primary=primary, replica=replica: replica_offset(replica) == offset(primary), 30,
                       f"{replica.address} to be where {primary.address} is")
            wait_until(lambda primary=primary, replica=replica: digest(primary) == digest(replica), 10,
                       f"{replica.address} to be equal to {primary.address}")

    def missing(self, acknowledged):
        """Those that no primary has."""
        owners = {}
        for node, row in self.rows().items():
            for each in row["slots"]:
                first, _, last = each.partition("-")
                owners.update(dict.fromkeys(range(int(first), int(last or first) + 1), node))
        shares = {}
        for each in acknowledged:
            shares.setdefault(owners[slot_of(each[1])], []).append(each)
        lost = []
        for node, share in shares.items():
            with self.server(node).connect(timeout=60) as client:
                for start in range(0, len(share), 500):
                    part = share[start:start + 500]
                    client.send(b"".join(request_bytes("EXISTS", key) for _, key in part))
                    lost += [each for each in part if client.read_reply() != b":1\r\n"]
        return lost


def own_id_of(server):
    """Its id, also while it is down."""
    if not hasattr(server, "node_id"):
        server.node_id = own_id(server)
    return server.node_id


def run(args, namespaces):
    cluster = HostedCluster(HOSTS, namespaces) if namespaces else Cluster([None] * 6, **OPTIONS)
    with cluster:
        try:
            cluster.create(replicas=1)
            faults = Faults(cluster, args.seed)
            if namespaces:
                print(f"three hosts, {len(faults.kinds)} kinds of faults", flush=True)
            for number in range(args.faults):
                faults.run(number)
            print(f"all {len(faults.acknowledged)} writes that were there after their fault are there at the end")
        except (Broken, AssertionError) as error:
            print(f"FAILED with --seed {args.seed}: {error}")
            for server in cluster.servers:
                print(f"--- {server.address}\n{server.log()[-2500:]}")
            return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--namespaces", help=argparse.SUPPRESS)
    parser.add_argument("--write-at", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.write_at:
        return write_at(*args.write_at)
    if args.namespaces:
        return run(args, Namespaces(HOSTS, args.namespaces))
    namespaces = Namespaces(HOSTS)
    try:
        namespaces.make()
    except OSError as refused:
        print(f"SKIPPED: no host is cut off, network namespaces are not permitted here ({refused})")
        return run(args, None)
    try:
        # All of it happens where the hosts can be reached.
        words = namespaces.inside(namespaces.bridge, sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--namespaces",
                                  namespaces.name)
        return subprocess.run(words, check=False).returncode
    finally:
        namespaces.remove()


if __name__ == "__main__":
    sys.exit(main())
