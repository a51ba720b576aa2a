#!/usr/bin/python3
"""Slots that move by stock redis-cli --cluster: between Skein nodes, and from and to redis-server.

Every key is looked for afterwards, and on every node: each is there once, where its slot is.
"""

import logging
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from redis.cluster import ClusterNode, RedisCluster  # noqa: E402
from redis.exceptions import RedisError  # noqa: E402

from testbed import Cluster, Server, reference_binary, run_redis_cli, server_binary, wait_until  # noqa: E402
from testbed.clusters import info, nodes, own_id  # noqa: E402
from testbed.slots import slot_of, tag_of_slot  # noqa: E402

SKEIN, REDIS = server_binary(), reference_binary()
PASSWORD = "a-secret"
COUNT = 1500
# The client writes every redirection to it.
logging.getLogger("redis.cluster").setLevel(logging.CRITICAL)


def slots_of(server):
    """The ranges a node owns, as numbers."""
    owned = set()
    for word in nodes(server)[own_id(server)]["slots"]:
        if not word.startswith("["):
            first, _, last = word.partition("-")
            owned |= set(range(int(first), int(last or first) + 1))
    return owned


def typed(words, answers, timeout=40):
    """What redis-cli prints at a terminal where each of these prompts is answered; it has to end well."""
    master, slave = pty.openpty()
    done = subprocess.Popen(["redis-cli", *words], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    text, seen = "", 0
    waiting = list(answers)
    deadline = time.monotonic() + timeout
    while select.select([master], [], [], max(0, deadline - time.monotonic()))[0]:
        try:
            text += os.read(master, 65536).decode(errors="replace").replace("\r", "")
        except OSError:
            break
        if waiting and waiting[0][0] in text[seen:]:
            seen = len(text)
            os.write(master, waiting.pop(0)[1].encode() + b"\n")
    done.kill()
    os.close(master)
    if waiting or done.wait() != 0:
        raise AssertionError(f"{waiting} was never asked for:\n{text}")
    return text


class Writer:
    """A cluster client in a thread of its own. What it was told was done has to be there in the end."""

    def __init__(self, server):
        self.client = RedisCluster(startup_nodes=[ClusterNode(server.host, server.port)], password=server.password,
                                   socket_timeout=5)
        self.acknowledged = {}
        self.errors = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        number = 0
        while not self._stop.is_set():
            name = f"counter:{number % 400}"
            number += 1
            try:
                self.acknowledged[name] = self.client.incr(name)
            except RedisError as error:
                self.errors.append(repr(error))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(20)

    def lost(self):
        return [(name, value) for name, value in self.acknowledged.items() if int(self.client.get(name) or 0) < value]


class Moves:
    """The ways to move slots, one after the other in one cluster of three masters and three replicas, or fewer."""

    binaries = ()
    replicas = 0

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(cls.binaries, password=PASSWORD).start()
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.create(replicas=cls.replicas)
        cls.first, cls.second, cls.third = cls.cluster.servers[:3]
        cls.values = {}
        client = RedisCluster(startup_nodes=[ClusterNode(cls.first.host, cls.first.port)], password=PASSWORD)
        for number in range(COUNT):
            cls.values[f"key:{number}"] = f"value {number}"
            client.set(f"key:{number}", f"value {number}", ex=1000 if number % 7 == 0 else None)
        client.close()

    def cli(self, *words, **options):
        output = self.cluster.cli("--cluster", *words, **options)
        self.assertNotIn("[ERR]", output)
        return output

    def masters(self):
        rows = nodes(self.first)
        return [server for server in self.cluster.alive() if "master" in rows[own_id(server)]["flags"]]

    def nothing_is_lost(self):
        self.cluster.wait_agreed()
        found = {}
        for server in self.masters():
            with server.connect() as client:
                owned = slots_of(server)
                for _, name in client.ask("KEYS", "key:*"):
                    self.assertNotIn(name, found)
                    self.assertIn(slot_of(name), owned)
                    found[name] = client.ask("GET", name)
                    self.assertEqual(int(name[4:]) % 7 == 0, client.ask("TTL", name) > 0)
        self.assertEqual(self.values, {name.decode(): value.decode() for name, value in found.items()})

    def test_1_reshard_under_a_writer(self):
        with Writer(self.first) as writer:
            for source, target, count, pipeline in ((self.first, self.second, 200, 10), (self.second, self.third, 300, 100),
                                                    (self.third, self.first, 100, 1)):
                before = len(slots_of(target))
                self.cli("reshard", self.third.address, "--cluster-from", own_id(source), "--cluster-to", own_id(target),
                         "--cluster-slots", count, "--cluster-pipeline", pipeline, "--cluster-yes")
                self.assertEqual(before + count, len(slots_of(target)))
                self.cluster.wait_agreed()
            wait_until(lambda: len(writer.acknowledged) == 400, 20, "every counter to be written")
        self.assertEqual([], writer.lost())
        self.assertEqual([], writer.errors)
        self.nothing_is_lost()

    def test_2_reshard_by_the_prompts(self):
        target = own_id(self.third)
        how_many, to_whom = "How many slots do you want to move (from 1 to 16384)? ", "What is the receiving node ID? "
        proceed = "Do you want to proceed with the proposed reshard plan (yes/no)? "
        output = typed(["--cluster", "reshard", self.first.address, "-a", PASSWORD],
                       [(how_many, "60"), (to_whom, target), ("Source node #1: ", "all"), (proceed, "yes")])
        self.assertEqual(60, len(re.findall(r"^Moving slot \d+ from ", output, re.MULTILINE)))
        output = typed(["--cluster", "reshard", self.first.address, "-a", PASSWORD],
                       [(how_many, "40"), (to_whom, target), ("Source node #1: ", own_id(self.first)),
                        ("Source node #2: ", "done"), (proceed, "yes")])
        self.assertEqual(40, len(re.findall(r"^Moving slot \d+ from ", output, re.MULTILINE)))
        self.nothing_is_lost()

    def test_3_rebalance(self):
        self.cli("rebalance", self.first.address, "--cluster-simulate")
        output = self.cli("rebalance", self.first.address)
        self.assertIn("Rebalancing across 3 nodes", output)
        self.cluster.wait_agreed()
        counts = [len(slots_of(server)) for server in self.masters()]
        self.assertLessEqual(max(counts) - min(counts), 1)
        self.assertIn("No rebalancing needed!", self.cli("rebalance", self.first.address, "--cluster-threshold", 5))
        ids = [own_id(server) for server in (self.first, self.second)]
        self.cli("rebalance", self.first.address, "--cluster-weight", f"{ids[0]}=1.1", f"{ids[1]}=0.9",
                 "--cluster-pipeline", 100)
        self.cluster.wait_agreed()
        counts = [len(slots_of(server)) for server in (self.first, self.second)]
        self.assertGreater(counts[0], counts[1] + 1000)
        self.nothing_is_lost()

    def test_4_a_node_comes_and_goes(self):
        added = self.cluster.launch(self.binaries[0])
        added.wait_ready()
        self.cli("add-node", added.address, self.first.address)
        self.cluster.wait_agreed()
        self.cli("rebalance", self.first.address, "--cluster-use-empty-masters", "--cluster-threshold", 1,
                 "--cluster-pipeline", 100)
        self.cluster.wait_agreed()
        self.assertAlmostEqual(4096, len(slots_of(added)), delta=41)
        refused = run_redis_cli("--cluster", "del-node", self.first.address, own_id(added), password=PASSWORD)
        self.assertIn("is not empty! Reshard data away and try again.", refused.stdout)
        self.nothing_is_lost()
        # A replica for it, one for whom redis-cli chooses, and away with all three.
        name = own_id(added)
        replicas = []
        for options in (("--cluster-slave", "--cluster-master-id", name), ("--cluster-slave",)):
            replica = self.cluster.launch(self.binaries[0])
            replica.wait_ready()
            self.cli("add-node", replica.address, self.first.address, *options)
            replicas.append(replica)
            self.cluster.wait_agreed()
        self.assertEqual(name, nodes(self.first)[own_id(replicas[0])]["master"])
        self.cli("reshard", self.first.address, "--cluster-from", name, "--cluster-to", own_id(self.first),
                 "--cluster-slots", len(slots_of(added)), "--cluster-yes", "--cluster-pipeline", 100)
        for leaving in (*replicas, added):
            self.cluster.wait_agreed()
            self.cli("del-node", self.first.address, own_id(leaving))
            wait_until(lambda leaving=leaving: len(nodes(leaving)) == 1, 10, "the node to be alone")
            leaving.stop()
            self.cluster.servers.remove(leaving)
        self.nothing_is_lost()

    def test_5_fix_closes_what_is_open(self):
        a, b, c = (own_id(server) for server in (self.first, self.second, self.third))
        mine = sorted({slot_of(name) for name in self.values} & slots_of(self.first))

        def setslot(server, slot, *words):
            server.ask("CLUSTER", "SETSLOT", slot, *words)

        def key_in(slot):
            return next(name for name in self.values if slot_of(name) == slot)

        # Migrating at one end alone, importing at one end alone, and both: before the first key, and after some.
        setslot(self.first, mine[0], "MIGRATING", b)
        setslot(self.second, mine[1], "IMPORTING", a)
        for slot in mine[2:4]:
            setslot(self.third, slot, "IMPORTING", a)
            setslot(self.first, slot, "MIGRATING", c)
        self.first.ask("MIGRATE", self.third.host, self.third.port, key_in(mine[3]), 0, 1000, "AUTH", PASSWORD)
        # All keys are there, and the owner has not been named.
        setslot(self.second, mine[4], "IMPORTING", a)
        setslot(self.first, mine[4], "MIGRATING", b)
        names = [name for name in self.values if slot_of(name) == mine[4]]
        self.first.ask("MIGRATE", self.second.host, self.second.port, "", 0, 1000, "AUTH", PASSWORD, "KEYS", *names)
        checked = run_redis_cli("--cluster", "check", self.first.address, password=PASSWORD)
        self.assertIn("in migrating state", checked.stdout)
        self.cluster.cli("--cluster", "fix", self.first.address, "--cluster-yes")
        self.cluster.wait_agreed()
        self.cli("check", self.first.address)
        self.nothing_is_lost()

    def test_6_fix_finds_owners(self):
        taken = sorted({slot_of(name) for name in self.values} & slots_of(self.second))
        empty = sorted(slots_of(self.second) - {slot_of(name) for name in self.values})[:2]
        # Without keys, with keys where they were, and with keys on one of the others.
        elsewhere = taken[1]
        self.third.ask("CLUSTER", "SETSLOT", elsewhere, "IMPORTING", own_id(self.second))
        self.second.ask("CLUSTER", "SETSLOT", elsewhere, "MIGRATING", own_id(self.third))
        names = [name for name in self.values if slot_of(name) == elsewhere]
        self.second.ask("MIGRATE", self.third.host, self.third.port, "", 0, 1000, "AUTH", PASSWORD, "KEYS", *names)
        for server in (self.second, self.third):
            server.ask("CLUSTER", "SETSLOT", elsewhere, "STABLE")
        for server in self.masters():
            for slot in (*empty, taken[0], elsewhere):
                with server.connect() as client:
                    client.request("CLUSTER", "DELSLOTS", slot)  # some do not know it any more
        wait_until(lambda: info(self.first)["cluster_slots_assigned"] == str(16384 - 4), 10, "four slots without owner")
        fixed = typed(["--cluster", "fix", self.first.address, "-a", PASSWORD], [("(type 'yes' to accept): ", "yes")] * 2)
        for words in ("have no keys across the cluster", "have keys in just one node"):
            self.assertIn(words, fixed)
        self.cluster.wait_agreed()
        self.cli("check", self.first.address)
        self.assertIn(elsewhere, slots_of(self.third))
        self.nothing_is_lost()

    def test_7_import(self):
        for binary in {SKEIN, REDIS}:
            with Server(binary) as alone:
                for number in range(200):
                    alone.ask("SET", f"key:{COUNT + number}", f"value {COUNT + number}")
                    if (COUNT + number) % 7 == 0:
                        alone.ask("EXPIRE", f"key:{COUNT + number}", 1000)
                self.values |= {f"key:{COUNT + number}": f"value {COUNT + number}" for number in range(200)}
                self.cluster.cli("--cluster", "import", self.first.address, "--cluster-from", alone.address,
                                 "--cluster-copy", "--cluster-replace")
                self.assertEqual(200, alone.ask("DBSIZE"))
                self.nothing_is_lost()
                # What is there already stays, and is said.
                refused = run_redis_cli("--cluster", "import", self.first.address, "--cluster-from", alone.address,
                                        password=PASSWORD)
                self.assertIn("BUSYKEY", refused.stdout)
                self.assertEqual(200, alone.ask("DBSIZE"))
                self.cluster.cli("--cluster", "import", self.first.address, "--cluster-from", alone.address,
                                 "--cluster-replace")
                self.assertEqual(0, alone.ask("DBSIZE"))
                self.nothing_is_lost()

    def test_8_what_else_there_is(self):
        self.assertIn("[OK] ", self.cli("info", self.first.address))
        # These servers have no file to rewrite, which the tool is told.
        output = self.cluster.cli("--cluster", "set-timeout", self.first.address, 2500)
        self.assertIn("New node timeout set.", output)
        output = self.cli("call", self.first.address, "CONFIG", "GET", "cluster-node-timeout")
        self.assertEqual(len(self.cluster.alive()), output.count("2500"), output)
        output = self.cli("backup", self.first.address, self.first.folder)
        self.assertIn("[OK] ", output)
        self.assertTrue((self.first.folder / "nodes.json").exists())

    def test_9_as_redis_trib_sends_it(self):
        """Version 3.2: no pipeline but 10, keys named one by one where the server knows no KEYS."""
        source, target = self.first, self.third
        slot = sorted({slot_of(name) for name in self.values} & slots_of(source))[0]
        for server in self.cluster.alive():
            self.assertEqual(b"PONG", server.ask("PING"))
            self.assertIn("cluster_enabled", server.info("cluster"))
            self.assertIn("cluster_known_nodes", info(server))
        target.ask("CLUSTER", "SETSLOT", slot, "importing", own_id(source))
        source.ask("CLUSTER", "SETSLOT", slot, "migrating", own_id(target))
        moved = 0
        while keys := [name for _, name in source.ask("CLUSTER", "GETKEYSINSLOT", slot, 1)]:
            source.ask("MIGRATE", target.host, target.port, "", 0, 60000, "AUTH", PASSWORD, "KEYS", *keys)
            moved += len(keys)
        self.assertGreater(moved, 0)
        self.assertEqual([0, moved], [server.ask("CLUSTER", "COUNTKEYSINSLOT", slot) for server in (source, target)])
        for server in self.masters():
            server.ask("CLUSTER", "SETSLOT", slot, "node", own_id(target))
        self.nothing_is_lost()


class AmongSkeinNodes(Moves, unittest.TestCase):
    binaries = [SKEIN] * 3


class AmongBothKinds(Moves, unittest.TestCase):
    """From Skein to redis, from redis to Skein, and Skein to Skein, each with a replica of the other kind."""

    binaries = [SKEIN, REDIS, SKEIN, REDIS, SKEIN, REDIS]
    replicas = 1


def setslot_in_all_forms(cluster):
    """What a cluster of three answers, and how its nodes see it, with names instead of ids and addresses."""
    a, b, c = cluster.servers
    ids = {own_id(server): name for server, name in ((a, "A"), (b, "B"), (c, "C"))}
    id_of = {name: key for key, name in ids.items()}
    lines = []

    def plain(reply):
        text = reply.decode()
        for key, name in ids.items():
            text = text.replace(key, name)
        for server, name in ((a, "a"), (b, "b"), (c, "c")):
            text = text.replace(server.address, name)
        return text

    def ask(server, line, before=()):
        words = [id_of.get(word, word) for word in line.split()]
        with server.connect() as client:
            for each in before:
                client.request(*[id_of.get(word, word) for word in each.split()])
            lines.append((line, plain(client.request(*words))))

    def note_views():
        for server in (a, b, c):
            rows = sorted((ids[key], row["epoch"], plain(str(row["slots"]).encode())) for key, row in nodes(server).items())
            facts = info(server)
            lines.append((rows, facts["cluster_current_epoch"], facts["cluster_my_epoch"], facts["cluster_slots_assigned"]))

    def setslot(server, *forms):
        for form in forms:
            ask(server, f"CLUSTER SETSLOT {form}")

    one, two, three, four = ("{%s}%d" % (tag_of_slot(5), number) for number in range(4))
    unknown = "f" * 40
    setslot(a, "5 IMPORTING B", "5 MIGRATING A", "5 MIGRATING x", f"5 MIGRATING {unknown}", f"5 NODE {unknown}", "5 SOON",
            "5 STABLE x", "5 NODE", "99999 STABLE", "-1 STABLE", "x STABLE", "5 STABLE", "5 MIGRATING C", "5 migrating B")
    setslot(b, "5 MIGRATING A", "5 IMPORTING B", "9000 IMPORTING A", "5 IMPORTING A")
    note_views()
    # Several keys, of which some have gone: at the source, and at the target by way of ASKING.
    setslot(a, "5 STABLE")
    ask(a, f"MSET {one} 1 {two} 2")
    setslot(a, "5 MIGRATING B")
    for line in (f"MGET {one} {two}", f"MGET {one} {three}", f"MGET {three} {three}", f"MGET {three} {four}",
                 f"DEL {one} {three}", f"EXISTS {three}", f"SET {three} 3", f"MGET {one} other"):
        ask(a, line)
    for line in (f"GET {one}", f"MGET {one} {two}", f"MGET {one} {one}", f"MSET {one} 1 {two} 2", f"SET {four} 4"):
        ask(b, line)
        ask(b, line, before=["ASKING"])
    ask(b, "EXEC", before=["ASKING", "MULTI", f"SET {three} 3", f"GET {three}"])
    ask(b, "EXEC", before=["MULTI", "ASKING", f"SET {three} 3"])
    ask(a, "EXEC", before=["MULTI", f"GET {one}", f"GET {three}"])
    ask(a, "EXEC", before=["MULTI", f"GET {three}"])
    for line in ("CLUSTER SETSLOT 5 NODE B", "CLUSTER COUNTKEYSINSLOT 5", "CLUSTER COUNTKEYSINSLOT 16384",
                 "CLUSTER COUNTKEYSINSLOT x", "CLUSTER GETKEYSINSLOT 5 0", "CLUSTER GETKEYSINSLOT 5 -1",
                 "CLUSTER GETKEYSINSLOT 16384 1", "CLUSTER GETKEYSINSLOT 5 x"):
        ask(a, line)
    with a.connect() as client:
        for words in ((one, two, three), (one, "other")):
            lines.append(client.request("MIGRATE", b.host, b.port, "", 0, 1000, "KEYS", *words))
        lines.append(client.request("MIGRATE", b.host, b.port, one, 1, 1000))
    setslot(b, "5 NODE B")
    setslot(a, "5 NODE B")
    cluster.wait_agreed()
    note_views()
    # The greatest epoch is not raised again; the one who gets it back needs a new one.
    for slot in (6, 7):
        setslot(b, f"{slot} IMPORTING A")
        setslot(a, f"{slot} MIGRATING B")
        setslot(b, f"{slot} NODE B")
        setslot(a, f"{slot} NODE B")
    setslot(a, "6 IMPORTING B")
    setslot(b, "6 MIGRATING A")
    setslot(a, "6 NODE A")
    setslot(b, "6 NODE A")
    cluster.wait_agreed()
    note_views()
    # As redis-cli --cluster fix sends it.
    ask(a, "EXEC", before=["MULTI", "CLUSTER DELSLOTS 100", "CLUSTER ADDSLOTS 100", "CLUSTER SETSLOT 100 STABLE",
                           "CLUSTER BUMPEPOCH"])
    ask(a, "EXEC", before=["MULTI", "CLUSTER DELSLOTS 101", "CLUSTER DELSLOTS 101", "CLUSTER ADDSLOTS 101",
                           "CLUSTER ADDSLOTS 101", "CLUSTER SETSLOT 101 SOON"])
    cluster.wait_agreed()
    note_views()
    for line in ("CLUSTER DELSLOTS 200", "CLUSTER SETSLOT 200 MIGRATING B", "CLUSTER SETSLOT 200 IMPORTING B",
                 "CLUSTER ADDSLOTS 200", "CLUSTER BUMPEPOCH", "CLUSTER BUMPEPOCH"):
        ask(a, line)
    note_views()
    return lines


class SetslotAsInRedis(unittest.TestCase):
    def test_in_all_forms(self):
        seen = []
        for binary in (SKEIN, REDIS):
            with Cluster([binary] * 3) as cluster:
                cluster.create(replicas=0)
                seen.append(setslot_in_all_forms(cluster))
        for ours, redis in zip(*seen):
            self.assertEqual(redis, ours)


if __name__ == "__main__":
    unittest.main(verbosity=2)
