#!/usr/bin/python3
"""A primary acknowledges no write that a replica may have taken its place without.

One that was stopped, or busy with a slow command, or cut off, while its replica took over: whatever
waited there is not acknowledged. When nobody could take over, what waited is executed, in order.
"""

import ctypes
import os
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import (Cluster, Connection, Server, beyond_redis, reference_binary, request_bytes,  # noqa: E402
                     server_binary, wait_until)
from testbed.clusters import info, nodes, own_id  # noqa: E402
from testbed.namespaces import Namespaces  # noqa: E402
from testbed.replication import wait_caught_up  # noqa: E402
from testbed.resp import Closed  # noqa: E402

NODE_TIMEOUT = 1000
CLIENTS = 30
WAITING = 3  # writes of each client
CLONE_NEWNET = 0x40000000


def replies_of(client, count):
    """As many replies as come, up to `count`, and whether the connection was closed instead of the rest."""
    replies = []
    try:
        while len(replies) < count:
            replies.append(client.read_reply())
    except Closed:
        return replies, True
    return replies, False


def key_of(server, name):
    """A key of that name with a tag that puts it into one of the server's slots."""
    slots = nodes(server)[own_id(server)]["slots"]
    ranges = [tuple(int(end) for end in (each.split("-") * 2)[:2]) for each in slots]
    with server.connect() as client:
        for number in range(10000):
            key = f"{name}{{{number}}}"
            slot = client.ask("CLUSTER", "KEYSLOT", key)
            if any(first <= slot <= last for first, last in ranges):
                return key
    raise AssertionError(f"{server.address} has no slots")


class ThreeShards(unittest.TestCase):
    """Three primaries; the first has a replica of its own, if any have."""

    replicas = 1
    others = server_binary()

    def setUp(self):
        binaries = [server_binary()] + [self.others] * (3 * (1 + self.replicas) - 1)
        self.cluster = Cluster(binaries, **{"cluster-node-timeout": NODE_TIMEOUT,
                                                                "enable-debug-command": "yes",
                                                                "repl-diskless-sync-delay": 0}).start()
        self.addCleanup(self.cluster.stop)
        self.cluster.create(replicas=self.replicas)
        self.first, self.second = self.cluster.servers[:2]
        self.id = own_id(self.first)
        self.key = key_of(self.first, "k")
        following = [server for server in self.cluster.servers if nodes(self.second)[own_id(server)]["master"] == self.id]
        self.replica = following[0] if following else None
        if self.replica:
            wait_caught_up(self.first, self.replica)
        # Neither while the nodes met nor while replicas joined.
        self.assertNotIn("Writes wait: ", self.first.log())

    def tearDown(self):
        outcome = getattr(self, "_outcome", None)
        if outcome and any(error for _, error in getattr(outcome, "errors", [])):
            for server in self.cluster.servers:
                print(server.address, server.log()[-2500:], file=sys.stderr)

    def clients(self, count=CLIENTS):
        made = [self.first.connect() for _ in range(count)]
        for client in made:
            self.addCleanup(client.close)
            client.ask("PING")
        return made

    def wait_taken_over(self):
        new = own_id(self.replica)
        wait_until(lambda: nodes(self.second)[new]["slots"], 30, "the replica to take over")

    def wait_called_failed(self):
        wait_until(lambda: "fail" in nodes(self.second)[self.id]["flags"], 30, "the primary to be called failed")

    def stopped_until(self, fact, send):
        """Stops the first primary, sends what waits there, and lets it go on after the fact."""
        self.first.signal(signal.SIGSTOP)
        try:
            send()
            fact()
        finally:
            self.first.signal(signal.SIGCONT)


class Replaced(ThreeShards):
    def assert_refused(self, replies, closed, count):
        for reply in replies:
            self.assertTrue(reply.startswith((b"-MOVED ", b"-CLUSTERDOWN ", b"-EXECABORT")), replies)
        self.assertTrue(closed or len(replies) == count)

    @beyond_redis
    def test_no_write_that_waited_is_acknowledged(self):
        clients = self.clients()

        def send():
            for number, client in enumerate(clients):
                client.send(b"".join(request_bytes("SET", self.key, f"{number}.{turn}") for turn in range(WAITING)))

        self.stopped_until(self.wait_taken_over, send)
        for client in clients:
            replies, closed = replies_of(client, WAITING)
            self.assert_refused(replies, closed, WAITING)
        self.cluster.wait_agreed()
        self.assertIsNone(self.replica.ask("GET", self.key))
        self.assertIn("Writes wait: ", self.first.log())

    @beyond_redis
    def test_no_transaction_that_waited_is_executed(self):
        clients = self.clients(5)
        words = [["MULTI"], ["SET", self.key, "1"], ["INCR", self.key], ["EXEC"]]

        def send():
            for client in clients:
                client.send(b"".join(request_bytes(*each) for each in words))

        self.stopped_until(self.wait_taken_over, send)
        for client in clients:
            replies, closed = replies_of(client, len(words))
            self.assertTrue(closed or len(replies) == len(words))
            self.assertFalse(any(reply.startswith(b"*") for reply in replies), replies)
        self.cluster.wait_agreed()
        self.assertIsNone(self.replica.ask("GET", self.key))

    @beyond_redis
    def test_a_turn_that_wrote_and_took_too_long_is_not_acknowledged(self):
        writer, reader = self.clients(2)
        # Executed under a good lease; the turn ends only after the replica has taken over.
        writer.send(request_bytes("SET", self.key, "lost?") + request_bytes("DEBUG", "SLEEP", "6"))
        reader.send(request_bytes("PING"))
        replies, closed = replies_of(writer, 2)
        self.assertEqual([], replies)
        self.assertTrue(closed)
        self.assertEqual(b"+PONG\r\n", reader.read_reply())
        self.wait_taken_over()
        self.cluster.wait_agreed()

    @beyond_redis
    def test_nor_when_a_later_call_of_that_turn_notices_it(self):
        writer, = self.clients(1)
        slot = nodes(self.first)[self.id]["slots"][0].split("-")[0]
        # SETSLOT has the lease judged in the middle of what is executed together.
        writer.send(request_bytes("SET", self.key, "lost?") + request_bytes("DEBUG", "SLEEP", "6") +
                    request_bytes("CLUSTER", "SETSLOT", slot, "STABLE"))
        replies, closed = replies_of(writer, 3)
        self.assertEqual([], replies)
        self.assertTrue(closed)
        self.wait_taken_over()
        self.cluster.wait_agreed()


class ReplacedAmongRedis(Replaced):
    """The others are redis: they vote for its replica although they hear it again."""

    others = reference_binary()

    @beyond_redis
    def test_awake_before_the_election_it_acknowledges_nothing_that_is_lost(self):
        clients = self.clients()
        keys = [f"{self.key}:{number}" for number in range(CLIENTS)]

        def send():
            for key, client in zip(keys, clients):
                client.send(request_bytes("SET", key, key))

        self.stopped_until(self.wait_called_failed, send)
        acknowledged = []
        for key, client in zip(keys, clients):
            replies, closed = replies_of(client, 1)
            self.assertTrue(closed or replies)
            if replies == [b"+OK\r\n"]:
                acknowledged.append(key)
        self.cluster.wait_agreed(timeout=60)
        # One of the two has the slots now, with all that was acknowledged.
        owner = self.replica if nodes(self.second)[own_id(self.replica)]["slots"] else self.first
        for key in acknowledged:
            self.assertEqual(key.encode(), owner.ask("GET", key))


class NotReplaced(ThreeShards):
    replicas = 0

    def counted(self, clients):
        def send():
            for client in clients:
                client.send(request_bytes("INCR", self.key) * WAITING)
        return send

    def test_a_stop_shorter_than_the_node_timeout_refuses_nothing(self):
        clients = self.clients()

        def is_asked():
            # Somebody's ping has come and waits for its answer; from then on it is a node timeout.
            wait_until(lambda: any(self.is_pinged(server) for server in self.cluster.servers[1:]), 30, "a ping")

        self.stopped_until(is_asked, self.counted(clients))
        seen = []
        for client in clients:
            replies, closed = replies_of(client, WAITING)
            self.assertFalse(closed)
            numbers = [int(reply[1:]) for reply in replies]
            self.assertEqual(sorted(numbers), numbers)
            seen += numbers
        self.assertEqual(list(range(1, CLIENTS * WAITING + 1)), sorted(seen))

    def is_pinged(self, server):
        for line in server.ask_text("CLUSTER", "NODES").splitlines():
            words = line.split()
            if words[0] == self.id:
                return words[4] != "0"
        return False

    @beyond_redis
    def test_what_waited_is_executed_once_nobody_can_have_taken_over(self):
        clients = self.clients()
        self.stopped_until(self.wait_called_failed, self.counted(clients))
        executed = []
        for client in clients:
            replies, closed = replies_of(client, WAITING)
            self.assertFalse(closed)
            # For a moment it may think that it is the others who are gone.
            executed += [int(reply[1:]) for reply in replies if not reply.startswith(b"-CLUSTERDOWN")]
        self.cluster.wait_agreed()
        self.assertEqual(list(range(1, len(executed) + 1)), sorted(executed))
        self.assertEqual(str(len(executed)).encode(), self.first.ask("GET", self.key) or b"0")

    @beyond_redis
    def test_replies_of_a_long_turn_leave_once_the_lease_is_renewed(self):
        writer, = self.clients(1)
        writer.send(request_bytes("INCR", self.key) + request_bytes("DEBUG", "SLEEP", "3") + request_bytes("INCR", self.key))
        self.assertEqual([b":1\r\n", b"+OK\r\n", b":2\r\n"], replies_of(writer, 3)[0])
        self.assertIn("Writes go on: ", self.first.log())

    @beyond_redis
    def test_without_a_majority_reads_are_answered_and_writes_wait(self):
        self.first.ask("CONFIG", "SET", "cluster-allow-reads-when-down", "yes")
        self.first.ask("SET", self.key, "before")
        writer, reader = self.clients(2)
        others = self.cluster.servers[1:]
        for server in others:
            server.signal(signal.SIGSTOP)
        self.addCleanup(lambda: [server.signal(signal.SIGCONT) for server in others])

        def refused():
            # Until the lease has lapsed it is acknowledged; then it waits; then the cluster is down.
            return writer.request("SET", self.key, "after").startswith(b"-CLUSTERDOWN")

        wait_until(refused, 30, "the cluster to be down")
        self.assertIn("Writes wait: ", self.first.log())
        facts = self.first.info("cluster")
        self.assertEqual(("too-few-answers", "0"), (facts["cluster_write_lease"], facts["cluster_write_lease_held"]))
        self.assertEqual(b"after", reader.ask("GET", self.key))
        for server in others:
            server.signal(signal.SIGCONT)
        self.cluster.wait_agreed()
        self.assertEqual(b"+OK\r\n", writer.request("SET", self.key, "again"))
        facts = self.first.info("cluster")
        self.assertEqual(("held", "1", "1"), (facts["cluster_write_lease"], facts["cluster_write_lease_held"],
                                              facts["cluster_write_lease_lapses"]))
        self.assertLessEqual(int(facts["cluster_write_lease_left_ms"]), NODE_TIMEOUT)


def connect_inside(namespace, port, host, timeout=20.0):
    """A client that stands in the namespace."""
    made = []

    def connect():
        # Of this thread alone.
        with open(f"/var/run/netns/{namespace}", "rb") as place:
            if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), CLONE_NEWNET) != 0:
                made.append(OSError(ctypes.get_errno(), "setns"))
                return
        try:
            made.append(Connection(port, host, timeout=timeout))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


class HostedServer(Server):
    """On a host of its own; who talks to it stands there, too."""

    def __init__(self, namespaces, number, **options):
        super().__init__(server_binary(), port=7000 + number, host=namespaces.address(number),
                         prefix=namespaces.inside(namespaces.host(number)), **options)
        self.namespace = namespaces.host(number)

    def connect(self, timeout=20.0):
        return connect_inside(self.namespace, self.port, self.host, timeout)

    def _answers(self):
        with self.connect(2) as connection:
            return connection.request("PING")


class CutOff(unittest.TestCase):
    """Four hosts: three primaries, and on the fourth the first one's replica."""

    def setUp(self):
        try:
            self.namespaces = Namespaces(4, f"skl{os.getpid()}").make()
        except OSError as why:
            self.skipTest(f"no network namespaces: {why}")
        self.addCleanup(self.namespaces.remove)
        self.servers = []
        for number in range(1, 5):
            server = HostedServer(self.namespaces, number, **{"cluster-enabled": "yes", "protected-mode": "no",
                                                             "cluster-node-timeout": NODE_TIMEOUT,
                                                             "repl-diskless-sync-delay": 0})
            self.servers.append(server.launch())
            self.addCleanup(server.stop)
        for server in self.servers:
            server.wait_ready()
        for number, server in enumerate(self.servers[:3]):
            server.ask("CLUSTER", "ADDSLOTSRANGE", number * 5461, 16383 if number == 2 else number * 5461 + 5460)
        for number, server in enumerate(self.servers, 1):
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", number)
            self.servers[0].ask("CLUSTER", "MEET", server.host, server.port)
        self.first, self.second, _, self.replica = self.servers
        self.id = own_id(self.first)
        wait_until(lambda: self.id in nodes(self.replica), 30, "the nodes to know each other")
        wait_until(self.replicate, 30, "the replica to follow")
        wait_until(self.is_whole, 60, "the cluster to be whole")
        self.key = key_of(self.first, "k")

    def replicate(self):
        with self.replica.connect() as client:
            return client.request("CLUSTER", "REPLICATE", self.id) == b"+OK\r\n"

    def is_whole(self):
        return all(info(server)["cluster_state"] == "ok" and len(nodes(server)) == 4 for server in self.servers) and \
            nodes(self.second)[own_id(self.replica)]["master"] == self.id and \
            self.replica.info("replication")["master_link_status"] == "up"

    @beyond_redis
    def test_nothing_is_acknowledged_once_another_may_have_taken_over(self):
        acknowledged = []
        answers = []

        def write():
            client = self.first.connect(60)
            for number in range(10**9):
                try:
                    answer = client.request("SET", self.key, number)
                except Closed:
                    # Executed, and no longer to be acknowledged.
                    answer = b"closed"
                if answer != b"+OK\r\n":
                    client.close()
                    answers.append(answer)
                    return
                acknowledged.append(time.monotonic())

        writer = threading.Thread(target=write)
        writer.start()
        wait_until(lambda: len(acknowledged) > 100, 30, "writes")
        pulled = time.monotonic()
        self.namespaces.pull(1)
        taken_over = []

        def other_accepts():
            with self.replica.connect() as client:
                if client.request("SET", self.key, "other") != b"+OK\r\n":
                    return False
            taken_over.append(time.monotonic())
            return True

        wait_until(other_accepts, 30, "the replica to take over")
        writer.join(30)
        self.assertFalse(writer.is_alive(), self.first.log()[-3000:])
        self.assertTrue(answers[0].startswith((b"-CLUSTERDOWN", b"-MOVED", b"closed")), answers)
        # It wrote on while it was cut off, and stopped before anybody else began.
        self.assertGreater(acknowledged[-1], pulled)
        self.assertLess(acknowledged[-1], taken_over[0])
        print(f"acknowledged for {acknowledged[-1] - pulled:.3f} s, the other accepted after {taken_over[0] - pulled:.3f} s")

        self.namespaces.plug(1)
        wait_until(lambda: nodes(self.first)[self.id]["master"] == own_id(self.replica), 60, "the first to follow the other")

        def has_the_others():
            with self.first.connect() as client:
                client.ask("READONLY")
                return client.request("GET", self.key) == b"$5\r\nother\r\n"

        wait_until(has_the_others, 60, "what the other acknowledged")


if __name__ == "__main__":
    unittest.main()
