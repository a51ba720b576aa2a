#!/usr/bin/python3
"""Failover end to end: primaries killed, paused, stopped, restarted empty, and replaced on request.

Among Skeins, and mixed with redis-server in both directions. Whatever happens, the cluster is
whole again, replicas hold what their primaries hold, and what a live node was answered OK is there.
"""

import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Cluster, reference_binary, server_binary, wait_until  # noqa: E402
from testbed.clusters import nodes, own_id, unless_loading  # noqa: E402
from testbed.replication import digest, offset, replica_offset, syncs, wait_link_up  # noqa: E402
from testbed.writers import ClusterWriter  # noqa: E402

SKEIN, REDIS = server_binary(), reference_binary()
OPTIONS = {"enable-debug-command": "yes", "repl-diskless-sync-delay": 0}
KEYS = 300


class Failovers:
    """A cluster of three shards with one replica each, made once; every test leaves it whole."""

    PRIMARIES = [SKEIN] * 3
    REPLICAS = [SKEIN] * 3

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster([*cls.PRIMARIES, *cls.REPLICAS], **OPTIONS).start()
        try:
            cls.cluster.create(replicas=1)
            cls.ids = {own_id(server): server for server in cls.cluster.servers}
            cls.pair_up()
            lines = "".join(f"set key:{number} {number}\n" for number in range(KEYS))
            written = cls.cluster.cli("-c", "-p", cls.cluster.servers[0].port, given=lines).splitlines().count("OK")
            assert written == KEYS, written
        except BaseException:
            for server in cls.cluster.servers:
                print(server.address, server.binary, server.log()[-1500:], file=sys.stderr)
            cls.cluster.stop()
            raise

    @classmethod
    def pair_up(cls):
        """The n-th replica follows the n-th primary."""
        primaries, replicas = cls.cluster.servers[:3], cls.cluster.servers[3:]
        for primary, replica in zip(primaries, replicas):
            if nodes(replica)[own_id(replica)]["master"] != own_id(primary):
                replica.ask("CLUSTER", "REPLICATE", own_id(primary))
        cls.cluster.wait_agreed()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def setUp(self):
        self.whole()

    def run(self, result=None):
        failures = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > failures:
            for server in self.cluster.servers:
                print(f"--- {self.id()}: {server.address} {own_id_of(self, server)}\n{server.log()[-2500:]}", file=sys.stderr)

    def whole(self):
        """All run and agree; every replica is where its primary is."""
        self.cluster.wait_agreed(self.cluster.servers, timeout=40)
        for replica, primary in self.pairs():
            wait_link_up(replica, 30)
            wait_until(lambda: replica_offset(replica) == offset(primary) and digest(primary) == digest(replica), 30,
                       f"{replica.address} to hold what {primary.address} holds")

    def pairs(self):
        """Replicas with their primaries, as the first that runs tells."""
        rows = nodes(self.cluster.alive()[0])
        return [(self.ids[node], self.ids[row["master"]]) for node, row in rows.items() if row["master"] in self.ids]

    def pair(self, primary_kind=None, replica_kind=None):
        """A primary with its one replica, of these kinds."""
        for replica, primary in self.pairs():
            if primary.binary == (primary_kind or primary.binary) and replica.binary == (replica_kind or replica.binary):
                return primary, replica
        raise AssertionError(f"no {primary_kind} with a {replica_kind} replica: {self.pairs()}")

    def a_key_of(self, primary):
        return next(name.decode() for _, name in primary.ask("KEYS", "key:*"))

    def takes_writes(self, server, key, timeout=20):
        wait_until(lambda: self.request(server, "SET", key, "after") == b"+OK\r\n", timeout, f"{server.address} to take writes")

    @staticmethod
    def request(server, *words):
        try:
            with server.connect(5) as client:
                return client.request(*words)
        except OSError:
            return None

    def writing(self):
        return ClusterWriter(self.cluster.servers, f"w{time.monotonic_ns()}")

    def nothing_lost(self, writer):
        """Every write that was answered OK is there."""
        held = set()
        for _, primary in self.pairs():
            held.update(name for _, name in primary.ask("KEYS", "w*"))
        missing = [key for _, key in writer.acknowledged if key not in held]
        self.assertEqual([], missing[:10], f"{len(missing)} of {len(writer.acknowledged)} lost")
        self.assertGreater(len(writer.acknowledged), 100)

    def longest_gap(self, writer):
        moments = [moment for moment, _ in writer.acknowledged]
        return max(later - earlier for earlier, later in zip(moments, moments[1:]))

    def is_slave_of(self, server, primary):
        node, its = (next(each for each, who in self.ids.items() if who is one) for one in (server, primary))
        # It may be taking its primary's data, or its own from the disk.
        rows = unless_loading(lambda: nodes(server))
        if rows is None:
            return False
        row = rows[node]
        return row["flags"] == ["slave"] and row["master"] == its

    def killed(self, primary, replica):
        """kill -9, the replica takes over, the old one returns as its replica."""
        key = self.a_key_of(primary)
        primary.kill()
        self.takes_writes(replica, key)
        primary.start()
        wait_until(lambda: self.is_slave_of(primary, replica), 20, "the old primary to be a replica")
        self.whole()

    def asked(self, primary, replica, *words):
        """CLUSTER FAILOVER under a writing client: nothing lost, no full sync."""
        full, _ = syncs(replica)
        writer = self.writing().start()
        wait_until(lambda: len(writer.acknowledged) > 100, 20, "writes")
        self.assertEqual(b"OK", replica.ask("CLUSTER", "FAILOVER", *words))
        wait_until(lambda: self.is_slave_of(primary, replica), 20, "the roles to change")
        more = len(writer.acknowledged) + 100
        wait_until(lambda: len(writer.acknowledged) > more, 20, "writes to go on")
        writer.stop()
        self.whole()
        if not words:
            self.nothing_lost(writer)
            self.assertEqual(full, syncs(replica)[0], "a full sync where a partial one would do")
            self.assertGreater(syncs(replica)[1], 0)
            print(f"{type(self).__name__}: CLUSTER FAILOVER: {self.longest_gap(writer) * 1000:.0f} ms without a write")

    def stopped(self, primary, replica, stop):
        """`stop` ends the primary: its replica owns the slots before it has gone."""
        epoch = nodes(primary)[own_id(primary)]["epoch"]
        node = own_id(primary)
        writer = self.writing().start()
        wait_until(lambda: len(writer.acknowledged) > 100, 20, "writes")
        stop()
        self.assertEqual(0, primary.wait(10))
        more = len(writer.acknowledged) + 100
        wait_until(lambda: len(writer.acknowledged) > more, 20, "writes to go on")
        writer.stop()
        gap = self.longest_gap(writer)
        print(f"{type(self).__name__}: {self._testMethodName}: {gap * 1000:.0f} ms without a write")
        self.assertIn("master", replica.info("replication")["role"])
        # The others remember a primary that has gone.
        for server in self.cluster.alive():
            wait_until(lambda: nodes(server)[node]["flags"] == ["master", "fail"], 20, f"{server.address} to see it fail")
            row = nodes(server)[node]
            self.assertEqual(([], epoch), (row["slots"], row["epoch"]))
            self.assertGreater(nodes(server)[own_id(replica)]["epoch"], epoch)
        primary.start()
        wait_until(lambda: self.is_slave_of(primary, replica), 20, "the old primary to be a replica")
        self.whole()
        self.nothing_lost(writer)
        return gap


def own_id_of(test, server):
    return next((node for node, each in test.ids.items() if each is server), "")


class AmongSkeins(Failovers, unittest.TestCase):
    def test_killed(self):
        self.killed(*self.pair())

    def test_paused(self):
        primary, replica = self.pair()
        key = self.a_key_of(primary)
        with primary.connect() as client:
            primary.signal(signal.SIGSTOP)
            self.takes_writes(replica, key)
            client.send(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$4\r\nlost\r\n" % (len(key), key.encode()))
            primary.signal(signal.SIGCONT)
            # It has been replaced: what waited at it is not acknowledged.
            self.assertNotEqual(b"+OK\r\n", client.read_reply())
        wait_until(lambda: self.is_slave_of(primary, replica), 20, "the old primary to be a replica")
        self.assertEqual(b"after", replica.ask("GET", key))

    def test_asked(self):
        self.asked(*self.pair())

    def test_forced(self):
        self.asked(*self.pair(), "FORCE")

    def test_taken_over(self):
        self.asked(*self.pair(), "TAKEOVER")

    def test_term(self):
        """As systemd stops a service: its ExecStop sends QUIT, and TERM comes right behind it."""
        primary, replica = self.pair()
        handovers = primary.log().count("A replica owns the slots of this node now.")
        self.stopped(primary, replica, lambda: [primary.signal(signal.SIGQUIT), primary.signal(signal.SIGTERM)])
        self.assertEqual(handovers + 1, primary.log().count("A replica owns the slots of this node now."))

    def test_term_with_a_snapshot(self):
        """What it saved at its end goes on from where the new primary took over."""
        primary, replica = self.pair()
        primary.ask("CONFIG", "SET", "save", "3600 1")
        full, partial = syncs(replica)
        self.stopped(primary, replica, lambda: primary.signal(signal.SIGTERM))
        self.assertIn("DB saved on disk", primary.log())
        self.assertEqual((full, partial + 1), syncs(replica))

    def test_shutdown(self):
        primary, replica = self.pair()

        def shut_down():
            with primary.connect() as client:
                client.send(b"SHUTDOWN\r\n")
                self.assertEqual(b"", client.read_until_closed())

        self.stopped(primary, replica, shut_down)

    def test_a_save_that_fails_after_the_handover_calls_the_end_off(self):
        primary, replica = self.pair()
        primary.ask("CONFIG", "SET", "save", "3600 1")
        dump = primary.folder / "dump.rdb"
        dump.unlink(missing_ok=True)
        dump.mkdir()
        with primary.connect() as client:
            self.assertEqual(b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n", client.request("SHUTDOWN"))
        dump.rmdir()
        primary.ask("CONFIG", "SET", "save", "")
        wait_until(lambda: self.is_slave_of(primary, replica), 20, "the primary to follow the one it handed over to")

    def test_shutdown_without_a_handover(self):
        primary, replica = self.pair()
        primary.ask("CONFIG", "SET", "cluster-handover-on-shutdown", "no")
        primary.terminate()
        self.assertEqual("slave", replica.info("replication")["role"])
        self.assertNotIn("is to take over before this node ends", primary.log()[-2000:])
        primary.start()
        self.whole()

    def test_started_empty(self):
        primary, replica = self.pair()
        key = self.a_key_of(primary)
        keys = primary.ask("DBSIZE")
        primary.kill()
        (primary.folder / "dump.rdb").unlink(missing_ok=True)
        primary.start()
        self.assertIn(b"CLUSTERDOWN", self.request(primary, "GET", key))
        self.takes_writes(replica, key)
        self.assertEqual(keys, replica.ask("DBSIZE"))
        wait_until(lambda: self.is_slave_of(primary, replica), 20, "the old primary to be a replica")
        self.assertIn("starts without data", primary.log())
        self.whole()
        self.assertEqual(keys, primary.ask("DBSIZE"))


class AllStartEmpty(unittest.TestCase):
    def test_it_serves(self):
        with Cluster([SKEIN] * 6, **OPTIONS) as cluster:
            cluster.create(replicas=1)
            for number in range(50):
                cluster.cli("-c", "-p", cluster.servers[0].port, "SET", f"key:{number}", "1")
            for server in cluster.servers:
                server.kill()
            begun = time.monotonic()
            for server in cluster.servers:
                server.launch()
            for server in cluster.servers:
                server.wait_ready()
            cluster.wait_agreed(timeout=20)
            print(f"{type(self).__name__}: serves after {time.monotonic() - begun:.1f} s")
            self.assertEqual("OK", cluster.cli("-c", "-p", cluster.servers[0].port, "SET", "key:1", "2").strip())


class Migration(unittest.TestCase):
    def test_a_replica_moves_to_the_primary_that_has_none(self):
        with Cluster([SKEIN] * 6, **OPTIONS) as cluster:
            cluster.create(replicas=1)
            rows = nodes(cluster.servers[0])
            ids = {own_id(server): server for server in cluster.servers}
            lonely, rich = [node for node, row in rows.items() if row["slots"]][:2]
            spare = cluster.launch(SKEIN).wait_ready()
            spare.ask("CLUSTER", "MEET", cluster.servers[0].host, cluster.servers[0].port)
            wait_until(lambda: rich in nodes(spare) and nodes(spare)[rich]["slots"], 20, "the newcomer to know all")
            spare.ask("CLUSTER", "REPLICATE", rich)
            cluster.wait_agreed()
            wait_link_up(spare)
            # The first loses its only replica: one of the second's two comes.
            gone = next(ids[node] for node, row in rows.items() if row["master"] == lonely)
            gone.kill()

            def newcomers():
                return [server for server in cluster.alive() if nodes(server)[own_id(server)]["master"] == lonely]

            wait_until(newcomers, 40, "a replica to come")
            newcomer = newcomers()[0]
            wait_link_up(newcomer)
            wait_until(lambda: digest(ids[lonely]) == digest(newcomer), 10, "it to have the data")


class Mixed(Failovers, unittest.TestCase):
    """Skein primaries with redis replicas, and the other way round."""

    PRIMARIES = [SKEIN, REDIS, SKEIN]
    REPLICAS = [REDIS, SKEIN, REDIS]

    def test_killed_skein_with_a_replica_of_redis(self):
        self.killed(*self.pair(SKEIN, REDIS))

    def test_killed_redis_with_a_replica_of_skein(self):
        self.killed(*self.pair(REDIS, SKEIN))

    def test_redis_takes_over_from_skein_when_asked(self):
        self.asked(*self.pair(SKEIN, REDIS))

    def test_skein_takes_over_from_redis_when_asked(self):
        self.asked(*self.pair(REDIS, SKEIN))

    def test_skein_takes_over_from_redis_by_force(self):
        self.asked(*self.pair(REDIS, SKEIN), "FORCE")

    def test_term_of_skein_with_a_replica_of_redis(self):
        primary, replica = self.pair(SKEIN, REDIS)
        self.stopped(primary, replica, lambda: primary.signal(signal.SIGTERM))

    def test_skein_started_empty_with_a_replica_of_redis(self):
        primary, replica = self.pair(SKEIN, REDIS)
        key = self.a_key_of(primary)
        keys = primary.ask("DBSIZE")
        primary.kill()
        (primary.folder / "dump.rdb").unlink(missing_ok=True)
        primary.start()
        self.takes_writes(replica, key)
        self.assertEqual(keys, replica.ask("DBSIZE"))
        wait_until(lambda: self.is_slave_of(primary, replica), 20, "the old primary to be a replica")
        self.whole()


if __name__ == "__main__":
    unittest.main()
