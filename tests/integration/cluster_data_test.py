#!/usr/bin/python3
"""The data of a cluster is on its replicas: of Skein alone, and mixed with redis-server.

Made by redis-cli --cluster create with one replica each; replicas of either kind hold their
primary's data, follow another when told to, and show offsets that make sense.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Cluster, reference_binary, server_binary, wait_until  # noqa: E402
from testbed.clusters import nodes, own_id  # noqa: E402
from testbed.replication import digest, offset, primary_in_cluster, replica_offset, wait_link_up  # noqa: E402
from testbed.resp import parse_reply  # noqa: E402

SKEIN, REDIS = server_binary(), reference_binary()
KEYS = 600
OPTIONS = {"enable-debug-command": "yes", "repl-diskless-sync-delay": 0}


def by_id(servers):
    return {own_id(server): server for server in servers}


def primary_of(cluster, replica):
    return by_id(cluster.servers)[primary_in_cluster(replica)]


def replicas(cluster):
    return [server for server in cluster.servers if primary_in_cluster(server) != "-"]


def write_keys(cluster, first, count, prefix="data", *more):
    """Through the first node, as redis-cli -c goes round."""
    lines = "".join(f"set {prefix}:{number} {number} {' '.join(more)}\n" for number in range(first, first + count))
    output = cluster.cli("-c", "-p", cluster.servers[0].port, given=lines)
    written = output.splitlines().count("OK")
    if written != count:
        raise AssertionError(f"{written} of {count} written: {output[-500:]}")


def wait_data_follows(cluster, primary, replica, timeout=30):
    wait_link_up(replica, timeout)
    wait_until(lambda: replica_offset(replica) == offset(primary), timeout, f"{replica.address} to be where its primary is")
    wait_until(lambda: digest(primary) == digest(replica), 5, f"{replica.binary} to have the data of {primary.binary}")


class ClusterData:
    BINARIES = []

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(cls.BINARIES, **OPTIONS).start()
        try:
            cls.cluster.create(replicas=1)
            write_keys(cls.cluster, 0, KEYS)
        except BaseException:
            for server in cls.cluster.servers:
                print(server.address, server.binary, server.log()[-1500:], file=sys.stderr)
            cls.cluster.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def setUp(self):
        self.cluster.wait_agreed()

    def all_follow(self):
        for replica in replicas(self.cluster):
            wait_data_follows(self.cluster, primary_of(self.cluster, replica), replica)

    def test_every_replica_has_its_primarys_data(self):
        self.all_follow()
        found = replicas(self.cluster)
        self.assertEqual(3, len(found))
        whole = 0
        for replica in found:
            primary = primary_of(self.cluster, replica)
            self.assertEqual(primary.ask("DBSIZE"), replica.ask("DBSIZE"))
            self.assertGreater(replica.ask("DBSIZE"), 50)
            whole += replica.ask("DBSIZE")
        self.assertGreaterEqual(whole, KEYS)

    def test_reads_with_and_without_readonly(self):
        self.all_follow()
        for replica in replicas(self.cluster):
            primary = primary_of(self.cluster, replica)
            key = next(name for _, name in primary.ask("KEYS", "data:*"))
            with replica.connect() as client:
                self.assertTrue(client.request("GET", key).startswith(b"-MOVED "))
                client.ask("READONLY")
                self.assertEqual(key.split(b":")[1], client.ask("GET", key))
                self.assertTrue(client.request("SET", key, "x").startswith(b"-MOVED "))
                client.ask("MULTI")
                client.ask("GET", key)
                self.assertEqual([("$", key.split(b":")[1])], client.ask("EXEC"))
                slot = client.ask("CLUSTER", "KEYSLOT", key)
                self.assertEqual(primary.ask("CLUSTER", "COUNTKEYSINSLOT", slot), client.ask("CLUSTER", "COUNTKEYSINSLOT", slot))
                client.ask("READWRITE")
                self.assertTrue(client.request("GET", key).startswith(b"-MOVED "))

    def test_writes_and_expiry_go_on(self):
        write_keys(self.cluster, 0, 60, "short", "px", "50")
        write_keys(self.cluster, KEYS, 60)
        self.all_follow()
        for replica in replicas(self.cluster):
            wait_until(lambda replica=replica: replica.ask("KEYS", "short:*") == [], 10, "what is over to be gone")
        self.all_follow()

    def test_figures(self):
        self.all_follow()
        for replica in replicas(self.cluster):
            primary = primary_of(self.cluster, replica)
            mine, its = replica.info("replication"), primary.info("replication")
            self.assertEqual(("slave", "up", primary.host, str(primary.port)),
                             (mine["role"], mine["master_link_status"], mine["master_host"], mine["master_port"]))
            self.assertEqual(("master", "1"), (its["role"], its["connected_slaves"]))
            self.assertIn(f"port={replica.port},state=online", its["slave0"])
            self.assertEqual(its["master_replid"], mine["master_replid"])
            self.assertEqual([b"slave", primary.host.encode(), primary.port, b"connected"],
                             [item[1] for item in replica.ask("ROLE")[:4]])

    def shard_nodes(self, server):
        """CLUSTER SHARDS: by id the role, offset and health that `server` tells."""
        with server.connect() as client:
            shards = parse_reply(client.request("CLUSTER", "SHARDS"))[1]
        found = {}
        for _, shard in shards:
            fields = {shard[i][1]: shard[i + 1][1] for i in range(0, len(shard), 2)}
            for _, node in fields[b"nodes"]:
                row = {node[i][1].decode(): node[i + 1][1] for i in range(0, len(node), 2)}
                found[row["id"].decode()] = row
        return found

    def test_offsets_in_shards(self):
        self.all_follow()
        servers = by_id(self.cluster.servers)

        def told_by(server):
            return all(row["health"] == b"online"
                       and abs(row["replication-offset"] - offset(servers[node])) < 200 and row["replication-offset"] > 0
                       for node, row in self.shard_nodes(server).items())

        # Of others a node knows what their last packet said.
        for server in self.cluster.servers:
            wait_until(lambda server=server: told_by(server), 15, f"sane offsets in CLUSTER SHARDS of {server.binary}: "
                       f"{[(row['role'], row['replication-offset'], row['health']) for row in self.shard_nodes(server).values()]}")
        for server in self.cluster.servers:
            for replica in replicas(self.cluster):
                row = nodes(server)[own_id(replica)]
                self.assertEqual((["slave"], primary_in_cluster(replica)), (row["flags"], row["master"]))

    def test_moved_to_another_primary(self):
        """CLUSTER REPLICATE brings the other's data; then back."""
        self.all_follow()
        replica = replicas(self.cluster)[0]
        old = primary_of(self.cluster, replica)
        for target in [server for server in self.cluster.servers if primary_in_cluster(server) == "-" and server is not old] + [old]:
            replica.ask("CLUSTER", "REPLICATE", own_id(target))
            self.cluster.wait_agreed()
            wait_until(lambda target=target: replica.info("replication")["master_port"] == str(target.port), 10, "its new primary")
            wait_data_follows(self.cluster, target, replica)
            self.assertEqual(target.ask("DBSIZE"), replica.ask("DBSIZE"))

    def test_a_restarted_replica_has_the_data_again(self):
        replica = replicas(self.cluster)[0]
        primary = primary_of(self.cluster, replica)
        replica.kill()
        write_keys(self.cluster, KEYS + 100, 60)
        replica.start()
        self.cluster.wait_agreed(timeout=40)
        self.assertIs(primary, primary_of(self.cluster, replica))
        wait_data_follows(self.cluster, primary, replica)


class SkeinAlone(ClusterData, unittest.TestCase):
    BINARIES = [SKEIN] * 6


class Mixed(ClusterData, unittest.TestCase):
    """Primaries Skein, redis, Skein; each kind has a replica of the other kind."""

    BINARIES = [SKEIN, REDIS, SKEIN, REDIS, SKEIN, REDIS]

    def test_kinds_are_crossed(self):
        pairs = {(primary_of(self.cluster, replica).binary, replica.binary) for replica in replicas(self.cluster)}
        if SKEIN != REDIS:
            self.assertTrue({(SKEIN, REDIS), (REDIS, SKEIN)} <= pairs or len(pairs) > 1, pairs)


if __name__ == "__main__":
    unittest.main()
