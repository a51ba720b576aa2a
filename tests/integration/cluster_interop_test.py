#!/usr/bin/python3
"""Skein and redis-server 7.0 in one cluster, as masters and as replicas of each other's.

The cluster is made with redis-cli in the mixed order of its nodes; then nodes join through
either kind, fail and come back, and every node has to tell the same story.
"""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Cluster, Server, reference_binary, server_binary, wait_until  # noqa: E402
from testbed.clusters import info, nodes, own_id  # noqa: E402

SKEIN, REDIS = server_binary(), reference_binary()


def flags_of(server, node):
    return nodes(server).get(node, {"flags": []})["flags"]


class MixedCluster(unittest.TestCase):
    """Masters Skein, redis, Skein; the replicas come from redis, Skein, redis."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster([SKEIN, REDIS, SKEIN, REDIS, SKEIN, REDIS]).start()
        try:
            cls.cluster.create(replicas=1)
        except BaseException:
            for server in cls.cluster.servers:
                print(server.address, server.log()[-2000:], file=sys.stderr)
            cls.cluster.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def setUp(self):
        self.cluster.wait_agreed()

    def test_all_agree(self):
        for server in self.cluster.servers:
            facts = info(server)
            self.assertEqual("6", facts["cluster_known_nodes"])
            self.assertEqual("3", facts["cluster_size"])
            self.assertEqual("16384", facts["cluster_slots_ok"])

        def no_link_is_down():
            return all(row["link"] == "connected" for server in self.cluster.servers
                       for row in nodes(server).values())

        wait_until(no_link_is_down, 15, "all links to be up")

    def test_the_slot_maps_are_the_same(self):
        def ranges(server):
            with server.connect() as client:
                # First, last, and the master's id; which replicas are listed depends on their data.
                return sorted((entry[1][0][1], entry[1][1][1], entry[1][2][1][2][1])
                              for entry in client.ask("CLUSTER", "SLOTS"))

        expected = ranges(self.cluster.servers[1])
        self.assertEqual(3, len(expected))
        for server in self.cluster.servers:
            self.assertEqual(expected, ranges(server))

    def test_redis_cli_is_served_by_masters_of_both_kinds(self):
        for entry in self.cluster.servers:
            lines = "".join(f"set interop:{i} {i}\nget interop:{i}\n" for i in range(60))
            output = [line for line in self.cluster.cli("-c", "-p", entry.port, given=lines).splitlines()
                      if not line.startswith("->")]
            self.assertEqual([word for i in range(60) for word in ("OK", str(i))], output)
        for server in self.cluster.servers[:3]:
            self.assertGreater(server.ask("DBSIZE"), 0)

    def test_check_is_clean(self):
        output = self.cluster.cli("--cluster", "check", self.cluster.servers[1].address)
        self.assertIn("[OK] All nodes agree about slots configuration.", output)
        self.assertIn("[OK] All 16384 slots covered.", output)

    def test_a_node_joins_through_the_other_kind(self):
        for binary, entry in ((SKEIN, self.cluster.servers[1]), (REDIS, self.cluster.servers[0])):
            newcomer = self.cluster.launch(binary).wait_ready()
            try:
                host, port = entry.address.split(":")
                newcomer.ask("CLUSTER", "MEET", host, port)
                self.cluster.wait_agreed()
                self.assertEqual(7, len(nodes(newcomer)))
            finally:
                node = own_id(newcomer)
                newcomer.stop()
                self.cluster.servers.remove(newcomer)
                # Within the ban on the id all have to forget it, or gossip brings it back.
                for server in self.cluster.servers:
                    server.ask("CLUSTER", "FORGET", node)
                self.cluster.wait_agreed()

    def test_a_host_name_is_spread(self):
        with_name = {self.cluster.servers[0]: "skein.example", self.cluster.servers[1]: "redis.example"}
        for server, name in with_name.items():
            server.ask("CONFIG", "SET", "cluster-announce-hostname", name)
        try:
            missing = []

            def all_know():
                missing[:] = [(server.binary, server.address, other.address) for server in self.cluster.servers
                              for other, name in with_name.items()
                              if f"{other.address}@{other.port + 10000},{name} " not in server.ask_text("CLUSTER", "NODES")]
                return not missing

            try:
                wait_until(all_know, 20, "host names on every node")
            except AssertionError as vain:
                raise AssertionError(f"{vain}: who does not know whose name: {missing}") from None
        finally:
            for server in with_name:
                server.ask("CONFIG", "SET", "cluster-announce-hostname", "")


class Failure(unittest.TestCase):
    """Masters without replicas, so that who fails stays failed until it returns."""

    def setUp(self):
        self.cluster = Cluster([SKEIN, REDIS, SKEIN, REDIS, SKEIN]).start()
        self.addCleanup(self.cluster.stop)
        self.cluster.create(replicas=0)

    def watchers_see(self, victim, flag):
        return all((flag in flags_of(server, victim)) for server in self.cluster.alive())

    def fails_and_returns(self, index):
        server = self.cluster.servers[index]
        victim = own_id(server)
        server.kill()
        wait_until(lambda: self.watchers_see(victim, "fail"), 30, f"all to mark {victim} as failed")
        for other in self.cluster.alive():
            wait_until(lambda other=other: info(other)["cluster_state"] == "fail", 10, "slots without an owner")

        server.start()
        self.assertEqual(victim, own_id(server))
        self.cluster.wait_agreed(timeout=40)
        self.assertFalse(self.watchers_see(victim, "fail"))

    def test_a_skein_node_fails_and_returns(self):
        self.fails_and_returns(0)

    def test_a_redis_node_fails_and_returns(self):
        self.fails_and_returns(1)

    def test_a_node_that_stands_still_is_only_gone_for_a_while(self):
        server = self.cluster.servers[2]
        victim = own_id(server)
        server.signal(signal.SIGSTOP)
        others = [each for each in self.cluster.servers if each is not server]
        wait_until(lambda: all("fail" in flags_of(each, victim) for each in others), 30, "FAIL everywhere")
        server.signal(signal.SIGCONT)
        self.cluster.wait_agreed(timeout=40)

    def test_restarted_with_another_port_a_node_is_found_again(self):
        """Its address is learnt from its own packets, by both kinds."""
        for index in (0, 1):
            server = self.cluster.servers[index]
            node = own_id(server)
            server.terminate()
            moved = Server(server.binary, port=None, host=server.host, folder=server.folder, **self.cluster.options)
            self.cluster.servers[index] = moved.start()
            self.addCleanup(server.stop)
            self.assertEqual(node, own_id(moved))
            wait_until(lambda: all(nodes(each)[node]["address"] == moved.address for each in self.cluster.servers),
                       30, "the new address on every node")
            self.cluster.wait_agreed(timeout=40)


if __name__ == "__main__":
    unittest.main()
