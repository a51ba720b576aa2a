#!/usr/bin/python3
"""Client libraries that know clusters, against six nodes of Skein: python3-redis and ioredis."""

import logging
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import redis  # noqa: E402
from redis.cluster import ClusterNode, RedisCluster  # noqa: E402

from testbed import Cluster  # noqa: E402
from testbed.servers import REPOSITORY  # noqa: E402

IOREDIS = REPOSITORY / "build" / "node"
# It writes every MOVED it follows to the log as if it were an error.
logging.disable(logging.CRITICAL)


class ClientLibraries:
    password = None

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(count=6, password=cls.password).start()
        try:
            cls.cluster.create(replicas=1)
        except BaseException:
            cls.cluster.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def client(self, **options):
        nodes = [ClusterNode(server.host, server.port) for server in self.cluster.servers[:2]]
        client = RedisCluster(startup_nodes=nodes, password=self.password, **options)
        self.addCleanup(client.close)
        return client

    def test_redis_py_reads_and_writes(self):
        client = self.client(decode_responses=True)
        for number in range(500):
            self.assertTrue(client.set(f"py:{number}", number))
        self.assertEqual([str(number) for number in range(500)], [client.get(f"py:{number}") for number in range(500)])
        self.assertEqual(3, len(client.get_primaries()))
        self.assertEqual(501, client.incr("py:500", 501))
        self.assertEqual(1, client.delete("py:0"))

    def test_redis_py_several_keys(self):
        client = self.client(decode_responses=True)
        client.mset_nonatomic({f"many:{number}": number for number in range(50)})
        self.assertEqual(["3", "4", None], client.mget_nonatomic("many:3", "many:4", "many:none"))
        client.mset({"{same}a": 1, "{same}b": 2})
        self.assertEqual(["1", "2"], client.mget("{same}a", "{same}b"))
        with self.assertRaises(redis.exceptions.RedisClusterException):
            client.rename("many:1", "many:2")

    def test_redis_py_pipeline(self):
        with self.client(decode_responses=True).pipeline() as pipeline:
            for number in range(40):
                pipeline.set(f"pipe:{number}", number).get(f"pipe:{number}")
            answers = pipeline.execute()
        self.assertEqual([answer for number in range(40) for answer in (True, str(number))], answers)

    def test_redis_py_follows_a_redirect(self):
        """With a map that is wrong everywhere: every answer but one in three is MOVED."""
        client = self.client()
        manager = client.nodes_manager
        for slot in list(manager.slots_cache):
            manager.slots_cache[slot] = manager.slots_cache[(slot + 5461) % 16384]
        for number in range(30):
            self.assertTrue(client.set(f"moved:{number}", number))

    def test_redis_py_looks_at_the_cluster(self):
        client = self.client(decode_responses=True)
        facts = client.cluster_info(target_nodes=client.get_random_node())
        self.assertEqual("ok", facts["cluster_state"])
        self.assertEqual(6, len(client.cluster_nodes()))
        slots = client.cluster_slots(target_nodes=client.get_random_node())
        self.assertEqual(3, len(slots))
        self.assertEqual(12706, client.cluster_keyslot("k1"))

    def test_redis_py_scans_the_whole_cluster(self):
        client = self.client(decode_responses=True)
        wanted = {f"scan:{number}" for number in range(300)}
        for name in wanted:
            client.set(name, 1)
        self.assertEqual(wanted, set(client.scan_iter(match="scan:*", count=50)))

    def test_ioredis(self):
        if not (IOREDIS / "node_modules" / "ioredis").is_dir():
            IOREDIS.mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "install", "--prefix", str(IOREDIS), "--silent", "--no-audit", "--no-fund",
                            "--no-save", "ioredis@5"], check=True, timeout=120)
        script = pathlib.Path(__file__).resolve().parent / "ioredis_session.js"
        done = subprocess.run(["node", str(script), self.cluster.servers[4].address, *filter(None, [self.password])],
                              env=os.environ | {"NODE_PATH": str(IOREDIS / "node_modules")}, text=True,
                              capture_output=True, timeout=90, check=False)
        self.assertEqual("ok\n", done.stdout, done.stderr)


class WithoutPassword(ClientLibraries, unittest.TestCase):
    pass


class WithPassword(ClientLibraries, unittest.TestCase):
    password = "123123"


if __name__ == "__main__":
    unittest.main()
