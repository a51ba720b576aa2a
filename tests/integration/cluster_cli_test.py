#!/usr/bin/python3
"""The tutorials' cluster with stock redis-cli: three hosts with two nodes each.

The hosts are loopback addresses. Everything is done twice, without and with a password.
"""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Cluster, run_redis_cli, wait_until  # noqa: E402
from testbed.clusters import info, nodes, own_id  # noqa: E402

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


class ClusterCli:
    password = None

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(count=6, hosts=HOSTS, password=cls.password).start()
        cls.first = cls.cluster.servers[0]
        try:
            cls.created = cls.cluster.create(replicas=1)
        except BaseException:
            cls.cluster.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def cli(self, *words, **options):
        return self.cluster.cli(*words, **options)

    def check(self):
        """redis-cli --cluster check, until the newest change has reached every node."""
        def clean():
            output = self.cli("--cluster", "check", self.first.address)
            return "[OK] All nodes agree about slots configuration." in output and output

        return wait_until(clean, 20, "a clean check")

    def test_create_says_what_it_did(self):
        for line in (">>> Performing hash slots allocation on 6 nodes...", "Master[0] -> Slots 0 - 5460",
                     "Master[1] -> Slots 5461 - 10922", "Master[2] -> Slots 10923 - 16383",
                     ">>> Assign a different config epoch to each node", ">>> Sending CLUSTER MEET messages to join the cluster",
                     "[OK] All nodes agree about slots configuration.", "[OK] All 16384 slots covered."):
            self.assertIn(line, self.created)

    def test_replicas_stand_on_other_hosts(self):
        rows = nodes(self.first)
        replicas = [row for row in rows.values() if "slave" in row["flags"]]
        self.assertEqual(3, len(replicas))
        for row in replicas:
            self.assertNotEqual(row["address"].split(":")[0], rows[row["master"]]["address"].split(":")[0])

    def test_cluster_info_of_the_whole_cluster(self):
        facts = info(self.first)
        self.assertEqual(("ok", "16384", "16384", "0", "0", "6", "3"), tuple(facts[f"cluster_{name}"] for name in (
            "state", "slots_assigned", "slots_ok", "slots_pfail", "slots_fail", "known_nodes", "size")))
        self.assertGreaterEqual(int(facts["cluster_stats_messages_ping_sent"]), 1)
        self.assertGreaterEqual(int(facts["cluster_stats_messages_pong_received"]), 1)

    def test_check(self):
        output = self.check()
        self.assertEqual(3, len(re.findall(r"\S+ \([0-9a-f]{8}\.\.\.\) -> \d+ keys \| 546[12] slots \| 1 slaves\.", output)))
        self.assertIn("[OK] All 16384 slots covered.", output)
        self.assertEqual(3, output.count("   1 additional replica(s)"))
        self.assertEqual(3, output.count("   slots: (0 slots) slave"))

    def test_info(self):
        output = self.cli("--cluster", "info", self.first.address)
        self.assertIn("keys in 3 masters.", output)
        self.assertIn("keys per slot on average.", output)

    def test_call_reaches_every_node(self):
        output = self.cli("--cluster", "call", self.first.address, "PING")
        for server in self.cluster.servers[:6]:
            self.assertIn(f"{server.address}: PONG", output)

    def test_a_session_follows_redirects(self):
        output = self.cli("-c", "-h", self.first.host, "-p", self.first.port,
                          given="set k1 v1\nset k2 v2\nset k3 v3\nget k1\nget key1\nset {k1}.a 1\nget {k1}.a\n")
        first, second, third = (server.address for server in self.cluster.servers[:3])
        self.assertEqual([f"-> Redirected to slot [12706] located at {third}", "OK",
                          f"-> Redirected to slot [449] located at {first}", "OK", "OK",
                          f"-> Redirected to slot [12706] located at {third}", "v1",
                          f"-> Redirected to slot [9189] located at {second}", "",
                          f"-> Redirected to slot [12706] located at {third}", "OK", "1"], output.split("\n")[:-1])

    def test_redirects_name_slot_and_address(self):
        """As typed at a terminal: SEEDS' keys and their slots."""
        replica = self.cluster.servers[5]
        owners = {12706: self.cluster.servers[2], 449: self.cluster.servers[0], 4576: self.cluster.servers[0],
                  9189: self.cluster.servers[1]}
        with replica.connect() as client:
            for key, slot in (("k1", 12706), ("k2", 449), ("k3", 4576), ("key1", 9189)):
                expected = f"-MOVED {slot} {owners[slot].address}\r\n".encode()
                self.assertEqual(expected, client.request("GET", key))
                self.assertEqual(expected, client.request("SET", key, "x"))
        with self.first.connect() as client:
            self.assertEqual(f"-MOVED 12706 {owners[12706].address}\r\n".encode(), client.request("SET", "k1", "x"))
            self.assertEqual(b"-CROSSSLOT Keys in request don't hash to the same slot\r\n",
                             client.request("MGET", "k1", "k2"))

    def test_keys_are_listed_per_node(self):
        for key in ("k1", "k2"):
            self.cli("-c", "-h", self.first.host, "-p", self.first.port, "SET", key, "x")
        with self.first.connect() as client:
            listed = [name for _, name in client.ask("KEYS", "k*")]
        self.assertIn(b"k2", listed)
        self.assertNotIn(b"k1", listed)

    def test_one_shot_arguments_through_a_pipe(self):
        output = self.cli("-h", self.first.host, "-p", self.first.port, "cluster", "nodes")
        self.assertEqual(len(nodes(self.first)), len(output.strip().splitlines()))
        output = self.cli("-h", self.first.host, "-p", self.first.port, "cluster", "nodes;")
        self.assertIn("unknown subcommand 'nodes;'", output)

    def test_add_and_remove_nodes(self):
        new_master = self.cluster.launch(host=HOSTS[0]).wait_ready()
        new_replica = self.cluster.launch(host=HOSTS[1]).wait_ready()
        try:
            output = self.cli("--cluster", "add-node", new_master.address, self.first.address)
            self.assertIn("[OK] New node added correctly.", output)
            self.cluster.wait_agreed(self.cluster.servers[:7])
            self.assertIn("   slots: (0 slots) master", self.check())

            output = self.cli("--cluster", "add-node", new_replica.address, self.first.address, "--cluster-slave")
            self.assertIn(f"Automatically selected master {new_master.address}", output)
            self.assertIn("[OK] New node added correctly.", output)
            self.cluster.wait_agreed()
            self.assertEqual(own_id(new_master), nodes(self.first)[own_id(new_replica)]["master"])

            refused = run_redis_cli("--cluster", "del-node", self.first.address, own_id(self.first),
                                    password=self.password)
            self.assertIn("is not empty! Reshard data away and try again.", refused.stdout)

            for leaving in (new_replica, new_master):
                output = self.cli("--cluster", "del-node", self.first.address, own_id(leaving))
                self.assertIn(">>> Sending CLUSTER FORGET messages to the cluster...", output)
                self.assertIn(">>> Sending CLUSTER RESET SOFT to the deleted node.", output)
            self.cluster.wait_agreed(self.cluster.servers[:6])
            self.assertEqual(6, len(nodes(self.first)))
            self.assertEqual(1, len(nodes(new_master)))
        finally:
            for server in (new_master, new_replica):
                server.stop()
                self.cluster.servers.remove(server)

    def test_add_a_replica_of_a_named_master(self):
        replica = self.cluster.launch(host=HOSTS[2]).wait_ready()
        try:
            self.cli("--cluster", "add-node", replica.address, self.first.address, "--cluster-slave",
                     "--cluster-master-id", own_id(self.cluster.servers[1]))
            self.cluster.wait_agreed()
            self.assertEqual(own_id(self.cluster.servers[1]), nodes(self.first)[own_id(replica)]["master"])
            self.cli("--cluster", "del-node", self.first.address, own_id(replica))
            self.cluster.wait_agreed(self.cluster.servers[:6])
        finally:
            replica.stop()
            self.cluster.servers.remove(replica)

    def test_a_node_that_knows_others_is_not_added_again(self):
        refused = run_redis_cli("--cluster", "add-node", self.cluster.servers[1].address, self.first.address,
                                password=self.password)
        self.assertIn("is not empty. Either the node already knows other nodes", refused.stdout)


class WithoutPassword(ClusterCli, unittest.TestCase):
    pass


class WithPassword(ClusterCli, unittest.TestCase):
    password = "123123"

    def test_without_the_password_nothing_is_told(self):
        done = run_redis_cli("-h", self.first.host, "-p", self.first.port, "GET", "k2")
        self.assertIn("NOAUTH Authentication required.", done.stdout)


if __name__ == "__main__":
    unittest.main()
