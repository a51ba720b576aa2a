#!/usr/bin/python3
"""Clients that are hard to serve: pipelines that change themselves, full read buffers, no reading.

Where redis-server's answer is the measure, both are asked and the bytes compared.
"""

import os
import random
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Server, beyond_redis, reference_binary, request_bytes, wait_until  # noqa: E402
from testbed.resp import Closed, Connection  # noqa: E402

MEBIBYTE = 1 << 20
# What one read of a connection takes at most.
CHUNK = 16 * 1024


class Pipelines(unittest.TestCase):
    """The same pipeline to both, with something in its middle that changes the connection."""

    @classmethod
    def setUpClass(cls):
        cls.servers = [Server(binary, enable_debug_command="yes").start() for binary in (None, reference_binary())]
        cls.locked = [Server(binary, requirepass="sesame").start() for binary in (None, reference_binary())]

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers + cls.locked:
            server.stop()

    def replies(self, server, requests):
        """All replies to the pipeline, the connection's id left out."""
        with Connection(server.port) as client:
            own = b":%d\r\n" % client.ask("CLIENT", "ID") if server in self.servers else None
            sender = threading.Thread(target=client.send, args=(b"".join(requests),))
            sender.start()
            replies = []
            try:
                while len(replies) < len(requests):
                    replies.append(client.read_reply())
            except Closed as closed:
                replies.append(b"<closed>" + closed.rest)
            sender.join()
            return [reply.replace(b"id\r\n" + own, b"id\r\n") if own else reply for reply in replies]

    def same(self, servers, requests):
        ours, theirs = (self.replies(server, requests) for server in servers)
        for number, (one, other) in enumerate(zip(ours, theirs)):
            self.assertEqual(other, one, f"reply {number} to {requests[number]!r}")
        self.assertEqual(len(theirs), len(ours))

    def around(self, *middle, before=400, after=400):
        """SETs and GETs, the middle, and more of them."""
        def some(count):
            for number in range(count):
                yield request_bytes("SET", f"pipeline:{number % 7}", "v" * (number % 50))
                yield request_bytes("GET", f"pipeline:{(number * 3) % 7}")

        return [*some(before), *(request_bytes(*words) for words in middle), *some(after)]

    def test_select(self):
        self.same(self.servers, self.around(["SELECT", "5"], ["DBSIZE"], ["SELECT", "99"], ["SELECT", "0"], ["DBSIZE"]))

    def test_hello(self):
        self.same(self.servers, self.around(["HELLO", "3"], ["GET", "nosuch"], ["MGET", "nosuch", "pipeline:1"],
                                            ["HELLO", "2"], ["GET", "nosuch"], ["HELLO", "9"]))

    def test_multi(self):
        self.same(self.servers, self.around(["MULTI"], ["SET", "a", "1"], ["INCR", "a"], ["EXEC"], ["WATCH", "a"],
                                            ["SET", "a", "x"], ["MULTI"], ["INCR", "a"], ["EXEC"], ["MULTI"], ["NOSUCH"],
                                            ["EXEC"], ["DISCARD"]))

    def test_a_long_transaction(self):
        commands = [["INCRBY", "sum", str(number)] for number in range(3000)]
        self.same(self.servers, self.around(["DEL", "sum"], ["MULTI"], *commands, ["GET", "sum"], ["EXEC"]))

    def test_reset(self):
        self.same(self.servers, self.around(["SELECT", "3"], ["HELLO", "3"], ["CLIENT", "SETNAME", "joe"], ["MULTI"],
                                            ["GET", "a"], ["RESET"], ["CLIENT", "GETNAME"], ["GET", "nosuch"]))

    def test_auth(self):
        self.same(self.locked, self.around(["AUTH", "wrong"], ["GET", "a"], ["AUTH", "sesame"], before=2))
        self.same(self.locked, self.around(["AUTH", "default", "sesame"], ["HELLO", "3", "AUTH", "default", "wrong"],
                                           ["RESET"], before=0, after=1))

    def test_quit_leaves_the_rest_undone(self):
        self.same(self.servers, self.around(["DEL", "left"], ["QUIT"], ["SET", "left", "1"], before=20, after=20))
        for server in self.servers:
            self.assertEqual(0, server.ask("EXISTS", "left"))

    def test_a_pause(self):
        """Writes behind it wait, in order; nothing overtakes them."""
        self.same(self.servers, self.around(["CLIENT", "PAUSE", "300", "WRITE"], ["GET", "pipeline:1"]))
        self.same(self.servers, self.around(["CLIENT", "PAUSE", "300", "ALL"], ["GET", "pipeline:1"]))
        self.same(self.servers, self.around(["MULTI"], ["CLIENT", "PAUSE", "200"], ["SET", "a", "1"], ["EXEC"], ["GET", "a"]))

    def test_a_sleep(self):
        self.same(self.servers, self.around(["DEBUG", "SLEEP", "0.05"], ["PING"]))

    def test_a_protocol_error(self):
        requests = self.around(["PING"], after=0) + [b"*1\r\n+PING\r\n"] + [request_bytes("SET", "late", "1")]
        ours, theirs = (self.replies(server, requests) for server in self.servers)
        # The reset that follows may swallow the last reply; what comes has to be the same.
        self.assertEqual(theirs[:801], ours[:801])
        for server in self.servers:
            self.assertEqual(0, server.ask("EXISTS", "late"))
        # Redis leaves this connection open, and reads no more of it.
        for mode in ("SKIP", "OFF"):
            with self.servers[0].connect() as client:
                client.send(request_bytes("CLIENT", "REPLY", mode) + b"*x\r\n")
                self.assertEqual(b"", client.read_until_closed(), mode)

    def test_large_and_small_values_in_turn(self):
        sizes = [1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 3, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 5, MEBIBYTE, 7, 0, 20_000]
        requests = []
        for number, size in enumerate(sizes * 3):
            requests += [request_bytes("SET", f"size:{number}", bytes([97 + number % 26]) * size),
                         request_bytes("STRLEN", f"size:{number}"), request_bytes("GETRANGE", f"size:{number}", -5, -1)]
        self.same(self.servers, requests)

    def test_inline_and_arrays_mixed(self):
        requests = [b"SET inline 1\r\n", request_bytes("INCR", "inline"), b"INCR inline\n", b"GET   inline\r\n",
                    b'SET quoted "a b\\x41"\r\n', request_bytes("GET", "quoted")] * 200
        self.same(self.servers, requests)


class ReadBuffers(unittest.TestCase):
    """Connections that fill their reads exactly, at the same time: nobody sees another's bytes."""

    CLIENTS = 8

    def test_full_chunks_never_mix(self):
        with Server() as server:
            source = random.Random(7)
            clients = [server.connect() for _ in range(self.CLIENTS)]
            for round_number in range(60):
                expected = []
                streams = []
                for index in range(self.CLIENTS):
                    requests, replies = self.filling(source.choice([1, 1, 2, 3]) * CHUNK, index, round_number)
                    streams.append(requests)
                    expected.append(replies)
                # Where one read ends, another client's begins: halves, and all at once.
                cut = source.choice([0, 1, CHUNK // 2, CHUNK - 1, CHUNK])
                for client, stream in zip(clients, streams):
                    client.send(stream[:cut])
                for client, stream in zip(clients, streams):
                    client.send(stream[cut:])
                for index, client in enumerate(clients):
                    self.assertEqual(expected[index], client.read_exactly(len(expected[index])), f"client {index}")
            for client in clients:
                client.close()

    @staticmethod
    def filling(size, index, round_number):
        """ECHO requests of together exactly `size` bytes, and their replies; each text is its client's own."""
        mark = f"{index}-{round_number}-".encode()
        requests, replies = b"", b""
        while len(requests) < size:
            left = size - len(requests)
            for length in range(min(left, 700), len(mark), -1):
                request = request_bytes("ECHO", (mark * length)[:length])
                # What is left over has to be room for one more request, or nothing.
                if left - len(request) == 0 or left - len(request) > 200:
                    break
            requests += request
            replies += b"$%d\r\n%s\r\n" % (length, (mark * length)[:length])
        assert len(requests) == size
        return requests, replies


class Limits(unittest.TestCase):
    def start(self, **options):
        server = Server(**options).start()
        self.addCleanup(server.stop)
        return server

    def test_the_refusal_of_one_client_too_many(self):
        server = self.start(maxclients=5)
        clients = [Connection(server.port) for _ in range(5)]
        for client in clients:
            self.assertEqual(b"+PONG\r\n", client.request("PING"))
        with Connection(server.port) as extra:
            self.assertEqual(b"-ERR max number of clients reached\r\n", extra.read_until_closed())
        clients.pop().close()
        wait_until(lambda: self.can_ping(server), 10, "room for a client")
        for client in clients:
            client.close()

    @staticmethod
    def can_ping(server):
        try:
            with Connection(server.port) as client:
                return client.request("PING") == b"+PONG\r\n"
        except Closed:
            return False

    def test_idle_clients_are_closed(self):
        server = self.start(timeout=1)
        with Connection(server.port) as client:
            client.request("PING")
            self.assertEqual(b"", client.read_until_closed())

    def test_a_request_too_long(self):
        server = self.start(**{"client-query-buffer-limit": "1mb"})
        with Connection(server.port) as client:
            try:
                client.send(b"*2\r\n$4\r\nECHO\r\n$4000000\r\n" + b"x" * 3 * MEBIBYTE)
            except OSError:
                pass
            self.assertEqual(b"", client.read_until_closed())
        self.assertTrue(self.can_ping(server))

    def test_a_bulk_string_too_long(self):
        server = self.start(**{"proto-max-bulk-len": "1mb"})
        with Connection(server.port) as client:
            client.send(b"*2\r\n$4\r\nECHO\r\n$1048577\r\n")
            self.assertEqual(b"-ERR Protocol error: invalid bulk length\r\n", client.read_until_closed())

    def deaf_client(self, server, requests):
        """Asks for a mebibyte again and again and reads nothing."""
        with server.connect() as client:
            client.ask("SET", "large", b"x" * MEBIBYTE)
        deaf = Connection(server.port, timeout=60)
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        deaf.send(request_bytes("GET", "large") * requests)
        return deaf

    def test_a_client_over_its_output_limit_is_cut(self):
        server = self.start(**{"client-output-buffer-limit": "normal 4mb 0 0"})
        with self.deaf_client(server, 100):
            def is_gone():
                return server.ask_text("CLIENT", "LIST").count("\n") <= 2 and b"cmd=get" not in server.ask("CLIENT", "LIST")

            wait_until(is_gone, 15, "the deaf client to be cut")

    def test_a_client_over_its_soft_limit_is_cut_in_time(self):
        server = self.start(**{"client-output-buffer-limit": "normal 0 2mb 1"})
        with self.deaf_client(server, 20):
            wait_until(lambda: b"cmd=get" not in server.ask("CLIENT", "LIST"), 15, "the deaf client to be cut")

    def test_a_client_that_does_not_read_gets_everything_later(self):
        server = self.start()
        requests = 200
        with self.deaf_client(server, requests) as deaf:
            with server.connect() as other:
                for _ in range(200):
                    self.assertEqual(b"+PONG\r\n", other.request("PING"))
            reply = b"$%d\r\n" % MEBIBYTE + b"x" * MEBIBYTE + b"\r\n"
            for number in range(requests):
                self.assertEqual(reply, deaf.read_exactly(len(reply)), f"reply {number}")
            self.assertEqual(b"+PONG\r\n", deaf.request("PING"))

    @beyond_redis
    def test_held_back_the_server_stays_small(self):
        server = self.start()
        before = int(server.info("memory")["used_memory"])
        with self.deaf_client(server, 1000):
            with server.connect() as other:
                for _ in range(500):
                    other.request("PING")
            self.assertLess(int(server.info("memory")["used_memory"]) - before, 64 * MEBIBYTE)


def send_until_it_pushes_back(server, client, request, most):
    """How much of `request`, again and again, the server takes in: its socket is full, and nothing is read any more."""
    client.socket.setblocking(False)
    sent, read = 0, -1
    while sent < most:
        try:
            # Whole requests only, but for the last.
            sent += client.socket.send((request * (65536 // len(request) + 1))[sent % len(request):])
            continue
        except BlockingIOError:
            pass
        now = int(server.info("stats")["total_net_input_bytes"])
        # The two looks themselves are read as well.
        if now - read < 200:
            break
        read = now
    client.socket.setblocking(True)
    client.socket.settimeout(30)
    return sent


@beyond_redis
class NotRead(unittest.TestCase):
    """Nothing is read of whom nothing may be executed."""

    PING = request_bytes("PING")

    def setUp(self):
        self.server = Server().start()
        self.addCleanup(self.server.stop)
        self.before = self.used()

    def used(self):
        return int(self.server.info("memory")["used_memory"])

    def test_who_does_not_read_his_replies(self):
        with Connection(self.server.port) as deaf:
            deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            sent = send_until_it_pushes_back(self.server, deaf, self.PING, 512 * MEBIBYTE)
            self.assertLess(sent, 256 * MEBIBYTE)
            self.assertLess(self.used() - self.before, 48 * MEBIBYTE)
            # The request that was cut goes out whole, and everything is answered.
            rest = self.PING[sent % len(self.PING):] if sent % len(self.PING) else b""
            sender = threading.Thread(target=deaf.send, args=(rest + request_bytes("ECHO", "last"),))
            sender.start()
            pongs = -(-sent // len(self.PING))
            self.assertEqual(b"+PONG\r\n" * pongs, deaf.read_exactly(7 * pongs))
            self.assertEqual(b"$4\r\nlast\r\n", deaf.read_exactly(10))
            sender.join()

    def test_who_is_paused(self):
        request = request_bytes("SET", "paused", "v" * 1000)
        self.server.ask("CLIENT", "PAUSE", "600000", "WRITE")
        with Connection(self.server.port) as writer:
            sent = send_until_it_pushes_back(self.server, writer, request, 64 * MEBIBYTE)
            self.assertLess(sent, 32 * MEBIBYTE)
            self.assertLess(self.used() - self.before, 2 * MEBIBYTE)
            self.server.ask("CLIENT", "UNPAUSE")
            rest = request[sent % len(request):] if sent % len(request) else b""
            writer.send(rest + request_bytes("STRLEN", "paused"))
            replies = b"+OK\r\n" * -(-sent // len(request)) + b":1000\r\n"
            self.assertEqual(replies, writer.read_exactly(len(replies)))

    def test_who_is_paused_and_goes(self):
        self.server.ask("CLIENT", "PAUSE", "600000", "WRITE")
        gone = Connection(self.server.port)
        gone.send(request_bytes("SET", "a", "v" * 1000) * 30)
        wait_until(lambda: b"cmd=set" in self.server.ask("CLIENT", "LIST"), 10, "the pause to hold it")
        gone.close()
        wait_until(lambda: self.server.info("clients")["connected_clients"] == "1", 10, "the paused client to be dropped")
        # One that only ends what it sends, too.
        with Connection(self.server.port) as ends:
            ends.send(request_bytes("SET", "a", "v"))
            ends.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(b"", ends.read_until_closed())

    def test_an_announced_argument(self):
        with Connection(self.server.port) as client:
            client.send(b"*2\r\n$3\r\nGET\r\n$536870912\r\n" + b"x" * 40_000)
            wait_until(lambda: b"qbuf=40" in self.server.ask("CLIENT", "LIST"), 10, "the bytes to be there")
            self.assertLess(self.used() - self.before, MEBIBYTE)

    def test_a_received_value_is_not_there_twice(self):
        self.server.ask("CONFIG", "SET", "save", "")
        with Connection(self.server.port) as client:
            self.assertEqual(b"+OK\r\n", client.request("SET", "large", b"x" * 8 * MEBIBYTE))
            memory = self.server.info("memory")
            self.assertLess(int(memory["used_memory_peak"]) - self.before, 14 * MEBIBYTE)
            self.assertLess(int(memory["used_memory"]) - self.before, 9 * MEBIBYTE)
            self.assertEqual(8 * MEBIBYTE, client.ask("STRLEN", "large"))


@beyond_redis
class LargeArguments(unittest.TestCase):
    """What becomes a value without being copied is also told to replicas and to the slowlog."""

    def test_who_else_gets_them(self):
        with Server(enable_debug_command="yes", repl_diskless_sync_delay=0, slowlog_log_slower_than=0) as server, \
                Server(enable_debug_command="yes", replicaof=["127.0.0.1", server.port]) as replica:
            wait_until(lambda: replica.info("replication")["master_link_status"] == "up", 15, "the replica")
            large, larger = b"v" * 20_000, b"w" * MEBIBYTE
            with server.connect() as client:
                client.send(b"".join(request_bytes(*words) for words in (
                    ("SET", "a", large), ("SET", "a", larger, "GET"), ("SET", "a", large, "EX", "1000"),
                    ("SET", "a", larger, "KEEPTTL", "GET"), ("SETEX", "b", 1000, large), ("PSETEX", "b", 1_000_000, larger),
                    ("SETNX", "c", large), ("SETNX", "c", larger), ("SET", "c", larger, "NX"), ("GETSET", "c", larger),
                    ("MULTI",), ("SET", "d", large), ("SET", "d", larger, "GET"), ("EXEC",),
                    ("MSET", "e", large, "e", larger, "f", large), ("APPEND", "f", larger), ("ECHO", "end"))))
                while client.read_reply() != b"$3\r\nend\r\n":
                    pass
                self.assertGreaterEqual(client.ask("SLOWLOG", "LEN"), 10)
                client.ask("SLOWLOG", "GET", "-1")
                for key, value in (("a", larger), ("b", larger), ("c", larger), ("d", larger), ("e", larger), ("f", large + larger)):
                    self.assertEqual(value, client.ask("GET", key), key)
                self.assertEqual(1, client.ask("WAIT", 1, 10_000))
            self.assertEqual(server.ask("DEBUG", "DIGEST"), replica.ask("DEBUG", "DIGEST"))

    def test_left_for_later(self):
        """Behind a call that waits, large arguments wait with their request and are found again."""
        with Server() as server, Connection(server.port) as client:
            server.ask("CLIENT", "PAUSE", "300", "WRITE")
            values = [bytes([97 + number]) * (16 * 1024 + number * 7000) for number in range(20)]
            requests = b"".join(request_bytes("SET", f"k{number}", value) + request_bytes("GETRANGE", f"k{number}", -3, -1)
                                for number, value in enumerate(values))
            client.send(requests)
            for value in values:
                self.assertEqual(b"+OK\r\n", client.read_reply())
                self.assertEqual(b"$3\r\n" + value[-3:] + b"\r\n", client.read_reply())
            for number, value in enumerate(values):
                self.assertEqual(value, client.ask("GET", f"k{number}"))


class Unauthenticated(unittest.TestCase):
    """Who is not let in may not make the server hold much."""

    def test_limits_of_requests(self):
        with Server(password="sesame") as server:
            for request, reply in ((b"*11\r\n", b"-ERR Protocol error: unauthenticated multibulk length\r\n"),
                                   (b"*1\r\n$16385\r\n", b"-ERR Protocol error: unauthenticated bulk length\r\n")):
                with Connection(server.port) as client:
                    client.send(request)
                    self.assertEqual(reply, client.read_until_closed())

    def test_within_the_limits(self):
        with Server(password="sesame") as server, Connection(server.port) as client:
            words = ["x"] * 10
            self.assertTrue(client.request(*words).startswith(b"-ERR unknown command"))
            self.assertEqual(b"-NOAUTH Authentication required.\r\n", client.request("ECHO", "y" * 16384))
            self.assertEqual(b"+OK\r\n", client.request("AUTH", "sesame"))


if __name__ == "__main__":
    unittest.main()
