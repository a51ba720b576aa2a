#!/usr/bin/python3
"""Client libraries that write through failovers and reshards: python3-redis and ioredis.

Once with Skein alone, once with Skein and redis-server in turn, each kind replaced by the other. Each writes unique keys and goes on whatever happens. They have to find the new primaries by
themselves. What was acknowledged must be there after CLUSTER FAILOVER, a graceful stop and a
reshard; after a kill -9 what is missing is counted and reported.
"""

import json
import logging
import os
import pathlib
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import redis  # noqa: E402
from redis.cluster import ClusterNode, RedisCluster  # noqa: E402

from testbed import Cluster, beyond_redis, reference_binary, request_bytes, server_binary, wait_until  # noqa: E402
from testbed.clusters import nodes, own_id  # noqa: E402
from testbed.replication import link_is_up  # noqa: E402
from testbed.servers import REPOSITORY  # noqa: E402
from testbed.writers import slot_of  # noqa: E402

SKEIN, REDIS = server_binary(), reference_binary()
IOREDIS = REPOSITORY / "build" / "node"
# It writes every MOVED it follows to the log as if it were an error.
logging.disable(logging.CRITICAL)
# And it copies nodes half, whose __del__ then complains.
sys.unraisablehook = lambda _: None


class PythonWriter:
    """python3-redis in a thread of its own."""

    name = "python3-redis"

    def __init__(self, server, prefix):
        self.prefix = prefix
        self.numbers = []  # acknowledged
        self.errors = {}
        self._stop = threading.Event()
        self._client = RedisCluster(startup_nodes=[ClusterNode(server.host, server.port)], socket_timeout=2)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        number = 0
        while not self._stop.is_set():
            try:
                self._client.set(self.key(number), number)
                self.numbers.append(number)
            except (redis.exceptions.RedisError, redis.exceptions.RedisClusterException, OSError) as error:
                kind = type(error).__name__
                self.errors[kind] = self.errors.get(kind, 0) + 1
            number += 1

    def key(self, number):
        return f"py:{self.prefix}:{number}"

    def acknowledged(self):
        return len(self.numbers)

    def stop(self):
        self._stop.set()
        self._thread.join()
        self._client.close()


class NodeWriter:
    """ioredis in a process of its own."""

    name = "ioredis"

    def __init__(self, server, prefix):
        if not (IOREDIS / "node_modules" / "ioredis").is_dir():
            IOREDIS.mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "install", "--prefix", str(IOREDIS), "--silent", "--no-audit", "--no-fund",
                            "--no-save", "ioredis@5"], check=True, timeout=120)
        self.prefix = prefix
        self.numbers = []
        self.errors = {}
        self._count = 0
        self._last = ""
        script = pathlib.Path(__file__).resolve().parent / "ioredis_writer.js"
        self._process = subprocess.Popen(["node", str(script), server.address, prefix], text=True, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE,
                                         env=os.environ | {"NODE_PATH": str(IOREDIS / "node_modules")})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._last = line
            if line.strip().isdigit():
                self._count = int(line)

    def key(self, number):
        return f"io:{self.prefix}:{number}"

    def acknowledged(self):
        return self._count

    def stop(self):
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        found = json.loads(self._last)
        failed = set(found["failed"])
        self.numbers = [number for number in range(found["written"]) if number not in failed]
        self.errors = found["errors"]


class ThroughFailovers:
    BINARIES = []

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(cls.BINARIES, repl_diskless_sync_delay=0).start()
        try:
            cls.cluster.create(replicas=1)
        except BaseException:
            cls.cluster.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def setUp(self):
        self.cluster.wait_agreed(timeout=60)
        for server in self.cluster.servers:
            if self.row(server)["master"] != "-":
                wait_until(lambda server=server: link_is_up(server), 30, f"the link of {server.address}")

    def row(self, server):
        return nodes(server)[own_id(server)]

    def primaries(self):
        return [server for server in self.cluster.servers if self.row(server)["slots"]]

    def one_of_each_kind(self):
        """A primary for each binary there is one of."""
        return list({server.binary: server for server in self.primaries()}.values())

    def replica_of(self, primary):
        return next(server for server in self.cluster.servers if self.row(server)["master"] == own_id(primary))

    def through(self, fault, may_lose=False):
        """Both write while `fault` happens, and write on by themselves afterwards."""
        prefix = f"{type(self).__name__}.{self._testMethodName}"
        writers = []
        try:
            for kind in (PythonWriter, NodeWriter):
                writers.append(kind(self.cluster.servers[0], prefix))
            wait_until(lambda: all(writer.acknowledged() > 300 for writer in writers), 30, "the clients to write")
            fault()
            goals = [(writer, writer.acknowledged() + 500) for writer in writers]
            wait_until(lambda: all(writer.acknowledged() > goal for writer, goal in goals), 60,
                       f"the clients to write again: {[(writer.name, writer.acknowledged(), writer.errors) for writer in writers]}")
        finally:
            for writer in writers:
                writer.stop()
        self.cluster.wait_agreed(timeout=60)
        for writer in writers:
            lost = self.missing([writer.key(number) for number in writer.numbers])
            print(f"{prefix}: {writer.name}: acknowledged {len(writer.numbers)}, lost {len(lost)}, errors {writer.errors}",
                  file=sys.stderr)
            if not may_lose:
                self.assertEqual([], lost)

    def missing(self, keys):
        lost = []
        for server in self.cluster.servers:
            ranges = [each.partition("-") for each in self.row(server)["slots"]]
            owned = {slot for first, _, last in ranges for slot in range(int(first), int(last or first) + 1)}
            mine = [key for key in keys if slot_of(key.encode()) in owned]
            with server.connect(timeout=60) as client:
                for start in range(0, len(mine), 500):
                    part = mine[start:start + 500]
                    client.send(b"".join(request_bytes("EXISTS", key) for key in part))
                    lost += [key for key in part if client.read_reply() != b":1\r\n"]
        return lost

    def test_cluster_failover(self):
        def fault():
            for primary in self.primaries():
                replica = self.replica_of(primary)
                replica.ask("CLUSTER", "FAILOVER")
                wait_until(lambda primary=primary, replica=replica: self.row(replica)["slots"] and not self.row(primary)["slots"],
                           20, "the change of places")
                wait_until(lambda primary=primary: link_is_up(primary), 20, "the link")

        self.through(fault)

    def test_kill(self):
        def fault():
            for victim in self.one_of_each_kind():
                replica = self.replica_of(victim)
                victim.kill()
                wait_until(lambda replica=replica: self.row(replica)["slots"], 30, "the failover")
                victim.start()
                self.cluster.wait_agreed(timeout=60)

        self.through(fault, may_lose=True)

    @beyond_redis
    def test_stopped_gracefully(self):
        """It hands over before it ends; redis-server leaves its slots down and what was on its way behind."""
        def fault():
            victim = next(server for server in self.primaries() if server.binary == SKEIN)
            replica = self.replica_of(victim)
            victim.terminate()
            self.assertTrue(self.row(replica)["slots"])
            victim.start()

        self.through(fault)

    def test_reshard(self):
        """There and back, between the kinds where there are two."""
        def fault():
            kinds = self.one_of_each_kind()
            pair = kinds if len(kinds) == 2 else self.primaries()[:2]
            for source, target in (pair, reversed(pair)):
                words = ["--cluster", "reshard", source.address, "--cluster-from", own_id(source), "--cluster-to",
                         own_id(target), "--cluster-slots", "800", "--cluster-yes"]
                self.assertIn("Moving slot ", self.cluster.cli(*words, timeout=120))
                self.cluster.wait_agreed()

        self.through(fault)


class SkeinAlone(ThroughFailovers, unittest.TestCase):
    BINARIES = [SKEIN] * 6


class Mixed(ThroughFailovers, unittest.TestCase):
    """The replica of each primary is of the other kind."""

    BINARIES = [SKEIN, REDIS, SKEIN, REDIS, SKEIN, REDIS]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Whom redis-cli has given whom depends on addresses.
        servers = cls.cluster.servers
        for primary, replica in ((servers[0], servers[3]), (servers[1], servers[4]), (servers[2], servers[5])):
            replica.ask("CLUSTER", "REPLICATE", own_id(primary))
        cls.cluster.wait_agreed()


if __name__ == "__main__":
    unittest.main()
