#!/usr/bin/python3
"""Slots move under traffic, and their source, their target or both are killed, paused or failed over.

Afterwards redis-cli --cluster fix puts the cluster in order. No key that was at rest is lost,
none is on two primaries, every slot has one owner. Acknowledged writes that are lost are
counted: none may be unless a process was killed, and then few of its last second.

  slot_chaos_test.py --trials 20 --seed 7    each trial prints what it does and what it found
"""

import argparse
import collections
import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Cluster, request_bytes, run_redis_cli, wait_until  # noqa: E402
from testbed.clusters import nodes, own_id, unless_loading  # noqa: E402
from testbed.replication import primary_in_cluster, wait_link_up  # noqa: E402
from testbed.resp import Closed, Connection, parse_reply  # noqa: E402
from testbed.writers import ClusterWriter, RisingWriter  # noqa: E402

NODE_TIMEOUT = 1000
REST_KEYS = 12000
MOVED_SLOTS = 400
RISING_KEYS = 2000
# Of the writes acknowledged in the second before a kill.
MOST_LOST_TO_A_KILL = 0.005


CONFLICT = re.compile(r"in both source node and target node having different values\.\s+Source node: (?P<source>\S+)\s+"
                      r"Target node: (?P<target>\S+)\s+Keys\(s\):(?P<keys>.*?)Please fix", re.DOTALL)
LISTED_KEY = re.compile(r"- ([\w:]+)")


class Broken(Exception):
    """A rule was broken."""


def asking(server, *words):
    """Of a slot that is open there."""
    with server.connect() as client:
        client.ask("ASKING")
        return client.ask(*words)


def primaries(cluster):
    """Who has slots. A server that loads is a replica that takes its primary's data, or will soon be one."""
    def has_slots(server):
        return primary_in_cluster(server) == "-" and nodes(server)[own_id(server)]["slots"]
    return [server for server in cluster.alive() if unless_loading(lambda server=server: has_slots(server))]


def replica_of(cluster, primary):
    wanted = own_id(primary)
    return next(server for server in cluster.alive()
                if unless_loading(lambda server=server: primary_in_cluster(server)) == wanted)


class Trial:
    FAULTS = ["kill", "kill", "pause", "failover"]
    VICTIMS = ["source", "target", "both"]

    def __init__(self, cluster, seed, number):
        self.cluster = cluster
        self.source_of_chance = random.Random(f"slot chaos {seed} {number}")
        self.number = number
        self.fault = self.source_of_chance.choice(self.FAULTS)
        self.whom = self.source_of_chance.choice(self.VICTIMS)
        self.prefix = f"w{number}"

    def __str__(self):
        return f"{self.fault} of {self.whom}"

    def run(self):
        chance = self.source_of_chance
        found = primaries(self.cluster)
        self.source, self.target = chance.sample(found, 2)
        victims = {"source": [self.source], "target": [self.target], "both": [self.source, self.target]}[self.whom]
        writers = [ClusterWriter(self.cluster.servers, f"{self.prefix}:{thread}") for thread in range(2)]
        # New keys do not show whether one that had moved was made anew at its former place.
        writers += [RisingWriter(self.cluster.servers, f"{self.prefix}:r{thread}", RISING_KEYS) for thread in range(2)]
        for writer in writers:
            writer.start()
        try:
            wait_until(lambda: all(writer.acknowledged for writer in writers), 20, "the writers to begin")
            reshard = subprocess.Popen(
                ["redis-cli", "--cluster", "reshard", self.source.address, "--cluster-from", own_id(self.source),
                 "--cluster-to", own_id(self.target), "--cluster-slots", str(MOVED_SLOTS), "--cluster-yes"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            # Some way into it, seen by how many slots the target has got.
            had = self.slots_of(self.target)
            goal = had + chance.randrange(MOVED_SLOTS * 3 // 4)
            wait_until(lambda: reshard.poll() is not None or self.slots_of(self.target) >= goal, 60, "slots to move")
            under_way = reshard.poll() is None
            self.moment = time.monotonic()
            getattr(self, self.fault)(victims)
            try:
                reshard.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                reshard.kill()
                reshard.communicate()
            self.settle()
        finally:
            for writer in writers:
                writer.stop()
        self.fix()
        return self.judge(writers, under_way)

    def slots_of(self, server):
        """As the server itself counts them."""
        row = nodes(server)[own_id(server)]
        count = 0
        for words in row["slots"]:
            if words.startswith("["):
                continue
            first, _, last = words.partition("-")
            count += int(last or first) - int(first) + 1
        return count

    def kill(self, victims):
        for victim in victims:
            victim.kill()
        self.wait_replaced(victims)
        for victim in victims:
            victim.start()

    def pause(self, victims):
        for victim in victims:
            victim.signal(19)  # SIGSTOP
        long = self.source_of_chance.random() < 0.6
        try:
            if long:
                self.wait_replaced(victims)
            else:
                time.sleep(self.source_of_chance.uniform(0.05, 0.5) * NODE_TIMEOUT / 1000)  # the length is the fault
        finally:
            for victim in victims:
                victim.signal(18)  # SIGCONT

    def failover(self, victims):
        for replica in [replica_of(self.cluster, victim) for victim in victims]:
            wait_link_up(replica, 20)
            replica.ask("CLUSTER", "FAILOVER")
            wait_until(lambda replica=replica: primary_in_cluster(replica) == "-", 20, "the replica to take over")

    def wait_replaced(self, victims):
        """Until somebody else shows a new owner of what they had."""
        lost = {own for own in (self.ids[victim] for victim in victims)}
        # A slot being imported stays with its former owner in the eyes of who imports it, until fix.
        bystanders = [server for server in self.cluster.alive() if server not in (self.source, self.target)]

        def replaced():
            for server in bystanders:
                rows = unless_loading(lambda server=server: nodes(server))
                if rows is None or any(rows[node]["slots"] for node in lost if node in rows):
                    return False
            return True

        wait_until(replaced, 30, "replicas to take over")

    def settle(self):
        """All up, of one opinion about roles, and replicas connected; slots may still be open."""
        def settled():
            views = []
            for server in self.cluster.servers:
                rows = unless_loading(lambda server=server: nodes(server))
                if rows is None or any("fail" in flag for row in rows.values() for flag in row["flags"]):
                    return False
                views.append({node: (tuple(sorted(row["flags"])), row["master"]) for node, row in rows.items()})
            return all(each == views[0] for each in views)

        wait_until(settled, 60, "the nodes to agree about roles")
        for server in self.cluster.servers:
            if primary_in_cluster(server) != "-":
                wait_link_up(server, 30)

    def fix(self):
        def fixed():
            entry = primaries(self.cluster)[0]
            self.fixed = run_redis_cli("--cluster", "fix", entry.address, "--cluster-yes", given="yes\n" * 8, timeout=120).stdout
            self.choose_values(self.fixed)
            done = run_redis_cli("--cluster", "check", entry.address)
            self.checked = done.stdout
            return done.returncode == 0 and "[ERR]" not in done.stdout and "[WARNING]" not in done.stdout

        try:
            wait_until(fixed, 90, "redis-cli --cluster fix to put it in order")
        except AssertionError as never:
            raise Broken(f"{never}\nfix: {self.fixed}\ncheck: {self.checked}") from None
        self.cluster.wait_agreed(timeout=60)

    def choose_values(self, fixed):
        """A source that is killed or paused may not have deleted a key that has arrived, or not have told its replica so,
        and clients have written to one of the two since. redis-cli leaves the choice to the operator, who keeps the newer
        value."""
        conflict = CONFLICT.search(fixed)
        if not conflict:
            return
        ends = [next(server for server in self.cluster.alive() if server.address == address)
                for address in conflict.group("source", "target")]
        for key in LISTED_KEY.findall(conflict["keys"]):
            if key.startswith("rest:"):
                raise Broken(f"{key} was at rest and has two values")
            values = [int(asking(server, "GET", key)) for server in ends]
            asking(ends[0] if values[0] < values[1] else ends[1], "DEL", key)

    def judge(self, writers, under_way):
        places = collections.defaultdict(list)
        for server in primaries(self.cluster):
            with server.connect(timeout=60) as client:
                names = [name for _, name in client.ask("KEYS", "*")]
                client.send(b"".join(request_bytes("GET", name) for name in names))
                for name in names:
                    places[name].append((server.address, client.read_reply()))
        twice = [name for name, where in places.items() if len(where) > 1]
        if twice:
            raise Broken(f"{len(twice)} keys on two primaries, such as {twice[0]!r} at {places[twice[0]]}")
        gone = [number for number in range(REST_KEYS) if b"rest:%d" % number not in places]
        if gone:
            raise Broken(f"{len(gone)} keys that were at rest are lost, such as rest:{gone[0]}")
        acknowledged = [entry for writer in writers for entry in writer.acknowledged]
        lost = [when for when, key in acknowledged if key not in places]
        for writer in writers:
            if not isinstance(writer, RisingWriter):
                continue
            for (when, key), number in zip(writer.acknowledged, writer.numbers):
                if key in places and int(parse_reply(places[key][0][1])[1]) < number:
                    lost.append(when)
        before = sum(self.moment - 1 <= when <= self.moment for when, _ in acknowledged)
        allowed = before * MOST_LOST_TO_A_KILL if self.fault == "kill" else 0
        report = (f"{'in the middle' if under_way else 'after the end'}; {len(acknowledged)} writes acknowledged, "
                  f"{before} of them in the second before; lost {len(lost)}")
        if len(lost) > allowed:
            offsets = sorted(round(when - self.moment, 3) for when in lost)
            raise Broken(f"{report}: more than {allowed:.1f}; seconds from the fault: {offsets[:5]} ... {offsets[-5:]}")
        for server in primaries(self.cluster):
            with server.connect() as client:  # what this trial wrote makes room for the next
                names = [name for _, name in client.ask("KEYS", f"{self.prefix}:*")]
                client.send(b"".join(request_bytes("DEL", name) for name in names))
                for _ in names:
                    client.read_reply()
        return report

    @property
    def ids(self):
        if not hasattr(self, "_ids"):
            self._ids = self.cluster.ids
        return self._ids


def fill(cluster):
    writer = {}
    for server in primaries(cluster):
        writer[server] = b"".join(request_bytes("SET", f"rest:{number}", number) for number in range(REST_KEYS))
    for server, requests in writer.items():
        with server.connect(timeout=60) as client:
            client.send(requests)
            for _ in range(REST_KEYS):
                client.read_reply()  # OK, or MOVED for what is another's
            client.ask("WAIT", 1, 5000)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--seed", type=int, default=random.randrange(10**8))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    failed = 0
    # Two primaries of five may fail at once, and most of the voters still stand.
    # A key may be at both ends when one of them dies: fix compares the two by DEBUG DIGEST-VALUE.
    cluster = Cluster(count=10, **{"cluster-node-timeout": NODE_TIMEOUT, "repl-diskless-sync-delay": 0,
                                   "enable-debug-command": "local"}).start()
    try:
        cluster.create(replicas=1)
        cluster.ids = {server: own_id(server) for server in cluster.servers}
        for server in cluster.servers:
            if primary_in_cluster(server) != "-":
                wait_link_up(server, 30)
        fill(cluster)
        for number in range(options.first, options.first + options.trials):
            trial = Trial(cluster, options.seed, number)
            try:
                print(f"trial {number}: {trial}: {trial.run()}", flush=True)
            except (Broken, AssertionError, OSError, Closed) as broken:
                failed += 1
                print(f"trial {number}: {trial}: BROKEN: {broken}", flush=True)
                for server in cluster.servers:
                    print(f"--- {server.address} {cluster.ids[server]}\n{server.log()[-2500:]}", flush=True)
                break  # the next would begin with what this one left
    finally:
        cluster.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
