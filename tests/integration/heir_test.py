#!/usr/bin/python3
"""Whom a replica follows changes: what it may still do, and what becomes of calls that wait.

A primary dies, and its heir before the other replica has reached it: that one has all keys and takes
over. A primary becomes a replica: calls that wait for something only a primary can give end with an
error, those that were not executed yet are judged anew.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Cluster, request_bytes, server_binary, wait_until  # noqa: E402
from testbed.clusters import nodes, own_id  # noqa: E402
from testbed.replication import wait_caught_up, wait_link_up  # noqa: E402

UNBLOCKED = b"-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n"


def has_slots(server):
    return bool(nodes(server)[own_id(server)]["slots"])


def read(server, key):
    with server.connect() as client:
        return client.request("GET", key)


def healths(server):
    """The word for each node that CLUSTER SHARDS shows."""
    found = []
    for _, shard in server.ask("CLUSTER", "SHARDS"):
        for _, node in shard[3][1]:
            words = [word for _, word in node]
            found.append(words[words.index(b"health") + 1].decode())
    return found


class Heirs(unittest.TestCase):
    def make(self, shards, replicas, timeout=1000):
        cluster = Cluster([server_binary()] * (shards * (1 + replicas)), **{"cluster-node-timeout": timeout,
                                                                          "repl-diskless-sync-delay": 0}).start()
        self.addCleanup(cluster.stop)
        cluster.create(replicas=replicas)
        rows = nodes(cluster.servers[0])
        first = cluster.servers[0]
        mine = [server for server in cluster.servers if rows[own_id(server)]["master"] == own_id(first)]
        for server in mine:
            wait_link_up(server)
        return cluster, first, mine

    def key_of(self, server):
        first = int(nodes(server)[own_id(server)]["slots"][0].split("-")[0])
        last = int(nodes(server)[own_id(server)]["slots"][0].split("-")[-1])
        for number in range(10000):
            if first <= server.ask("CLUSTER", "KEYSLOT", f"k{number}") <= last:
                return f"k{number}"
        raise AssertionError("no key")

    def test_an_heir_dies_before_it_was_reached(self):
        cluster, first, (heir, other) = self.make(3, 2)
        key = self.key_of(first)
        first.ask("SET", key, "kept")
        for replica in (heir, other):
            wait_caught_up(first, replica)
        other.ask("CONFIG", "SET", "cluster-replica-no-failover", "yes")
        # What `other` has no password for.
        heir.ask("CONFIG", "SET", "requirepass", "secret")
        first.kill()
        wait_until(lambda: any(row["slots"] and heir.address == row["address"] for row in nodes(other).values()), 20,
                   "the heir to take over")
        other.ask("CONFIG", "SET", "cluster-replica-no-failover", "no")
        wait_until(lambda: "NOAUTH" in other.log() or "Unable to AUTH" in other.log(), 20, "the heir to refuse it")
        # The word that client libraries look for.
        wait_until(lambda: "fail" in healths(other) and "failed" not in healths(other))
        heir.kill()
        wait_until(lambda: has_slots(other), 20, "the other to take over")
        wait_until(lambda: read(other, key) == b"$4\r\nkept\r\n", 10, "it to serve what it has")

    def test_calls_that_wait_when_their_primary_is_demoted(self):
        cluster, first, (replica,) = self.make(3, 1)
        key = self.key_of(first)
        with first.connect() as writer, first.connect() as waiter, first.connect() as paused:
            writer.ask("SET", key, "1")
            writer.send(request_bytes("WAIT", 2, 0) + request_bytes("GET", key))
            waiter.send(request_bytes("WAIT", 5, 60000))
            wait_until(lambda: first.info("clients")["blocked_clients"] == "2")
            first.ask("CLIENT", "PAUSE", 100000, "WRITE")
            paused.send(request_bytes("SET", key, "2") + request_bytes("PING"))
            wait_until(lambda: first.info("clients")["blocked_clients"] == "3")
            replica.ask("CLUSTER", "FAILOVER")
            wait_until(lambda: has_slots(replica), 20, "the replica to take over")
            for client in (writer, waiter):
                self.assertEqual(UNBLOCKED, client.read_until_closed())
            first.ask("CLIENT", "UNPAUSE")
            self.assertTrue(paused.read_reply().startswith(b"-MOVED "))
            self.assertEqual(b"+PONG\r\n", paused.read_reply())
        wait_link_up(first)
        self.assertEqual(b"$1\r\n1\r\n", read(replica, key))


if __name__ == "__main__":
    unittest.main()
