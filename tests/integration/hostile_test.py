#!/usr/bin/python3
"""Hostile requests and bus packets by the thousand; meanwhile another client is served in time.

The seeds are the fuzz corpora and what the differential test makes up; each is changed at
random before it is sent. SKEIN_HOSTILE_REQUESTS and SKEIN_HOSTILE_PACKETS say how many,
SKEIN_HOSTILE_SEED repeats a run.
"""

import multiprocessing
import os
import pathlib
import random
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from diffing.commands import KEYS_GROUP, SERVER, STRINGS, TRANSACTIONS, random_command  # noqa: E402
from diffing.malformed import malformed  # noqa: E402
from testbed import Server, request_bytes, wait_until  # noqa: E402
from testbed.clusters import nodes, own_id  # noqa: E402
from testbed.ports import BUS_OFFSET  # noqa: E402
from testbed.resp import Closed, Connection  # noqa: E402

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "fuzz" / "corpus"
REQUESTS = int(os.environ.get("SKEIN_HOSTILE_REQUESTS", "30000"))
PACKETS = int(os.environ.get("SKEIN_HOSTILE_PACKETS", "4000"))
SEED = int(os.environ.get("SKEIN_HOSTILE_SEED", "0")) or int.from_bytes(os.urandom(3), "big")
# The longest that a well-behaved client may wait for an answer.
PATIENCE = 1.0

EDGES = [b"0", b"-1", b"1", b"2147483647", b"2147483648", b"4294967295", b"4294967296", b"9223372036854775807",
         b"9223372036854775808", b"-9223372036854775808", b"18446744073709551615", b"1e308", b"nan", b""]
# Numbers at the edge of their type in the places where a server counts with them.
EDGE_REQUESTS = [
    lambda n: request_bytes("COMMAND", "GETKEYS", "EVAL", "x", n),
    lambda n: request_bytes("COMMAND", "GETKEYSANDFLAGS", "EVAL", "x", n, "k"),
    lambda n: request_bytes("COMMAND", "GETKEYS", "ZUNIONSTORE", "k", n, "k"),
    lambda n: request_bytes("COMMAND", "GETKEYS", "LMPOP", n, "k", "LEFT"),
    lambda n: request_bytes("EVAL", "x", n, "k"),
    lambda n: request_bytes("SETRANGE", "k", n, "x"),
    lambda n: request_bytes("GETRANGE", "k", n, n),
    lambda n: request_bytes("SCAN", n, "COUNT", n),
    lambda n: request_bytes("EXPIRE", "k", n),
    lambda n: request_bytes("SET", "k", "v", "PX", n),
    lambda n: request_bytes("CLUSTER", "GETKEYSINSLOT", n, n),
    lambda n: request_bytes("CLUSTER", "SETSLOT", n, "STABLE"),
    lambda n: request_bytes("CLIENT", "LIST", "ID", n),
]


def corpus(target):
    return [path.read_bytes() for path in sorted((CORPUS / target).glob("*"))]


def changed(data, source):
    """The data with some bytes turned, lost, doubled, cut, or a number replaced by an edge."""
    data = bytearray(data)
    for _ in range(source.choice([0, 1, 1, 2, 4, 16])):
        if not data:
            break
        place = source.randrange(len(data))
        form = source.randrange(7)
        if form == 0:
            data[place] ^= 1 << source.randrange(8)
        elif form == 1:
            data[place] = source.choice(b"\x00\xff\x7f\x80\r\n*$0919-")
        elif form == 2:
            del data[place:place + source.choice([1, 2, 8, 100])]
        elif form == 3:
            data[place:place] = data[place:place + source.choice([1, 4, 64])]
        elif form == 4:
            data[place:place] = source.choice(EDGES)
        elif form == 5:
            del data[place:]
        else:
            data[place:place + 4] = source.choice([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff"])
    return bytes(data)


def broken_request(seeds, source):
    """After this one the server may have had enough of the connection."""
    return changed(source.choice(seeds), source) if source.random() < 0.75 else malformed(source)


def hostile_request(source):
    """One that is well-formed as far as the protocol goes."""
    if source.random() < 0.25:
        return source.choice(EDGE_REQUESTS)(source.choice(EDGES))
    rows = source.choice([STRINGS, KEYS_GROUP, TRANSACTIONS, [row for row in SERVER if row[1] == "COMMAND"]])
    words = random_command(rows, source)
    if source.random() < 0.3:
        words[source.randrange(len(words))] = source.choice(EDGES)
    return request_bytes(*words)


def hostile_packet(seeds, source, framed):
    data = bytearray(changed(source.choice(seeds), source))
    if len(data) >= 8 and framed:
        # With the right signature and length it is looked at beyond them, and the next one too.
        data[:4] = b"RCmb"
        data[4:8] = struct.pack(">I", len(data))
    return bytes(data)


def watch(host, port, stop, report):
    """A process of its own: asks and asks, and reports its longest wait and what went wrong."""
    longest, asked = 0.0, 0
    try:
        with Connection(port, host, timeout=10 * PATIENCE) as client:
            while not stop.is_set():
                for words, reply in ((("SET", "watched", str(asked)), b"+OK\r\n"), (("PING",), b"+PONG\r\n")):
                    start = time.monotonic()
                    got = client.request(*words)
                    longest = max(longest, time.monotonic() - start)
                    # In a cluster whose map is under attack the key may be said to be elsewhere.
                    if got != reply and not got.startswith((b"-MOVED", b"-CLUSTERDOWN", b"-ASK", b"-READONLY", b"-OOM")):
                        raise AssertionError(f"{words} was answered {got!r}")
                asked += 1
                stop.wait(0.002)
        report.put((longest, asked, None))
    except Exception as problem:  # whatever it is, the test has to hear of it
        report.put((longest, asked, repr(problem)))


class Hostile(unittest.TestCase):
    def setUp(self):
        print(f"seed {SEED}", file=sys.stderr)
        self.source = random.Random(SEED)

    def watched(self, server, attack):
        """Runs the attack while a well-behaved client is served; it must not notice."""
        stop, report = multiprocessing.Event(), multiprocessing.Queue()
        watcher = multiprocessing.Process(target=watch, args=(server.host, server.port, stop, report), daemon=True)
        watcher.start()
        try:
            attack()
        finally:
            stop.set()
            longest, asked, problem = report.get(timeout=30)
            watcher.join(10)
        self.assertTrue(server.running(), server.log()[-4000:])
        self.assertIsNone(problem, f"seed {SEED}: {problem}\n{server.log()[-4000:]}")
        self.assertGreater(asked, 10)
        self.assertLess(longest, PATIENCE, f"seed {SEED}")

    def assert_served(self, host, port, data, what):
        """Everything is sent and the connection comes to its end; not a word is said about the answers."""
        with Connection(port, host, timeout=10) as connection:
            try:
                connection.send(data)
                connection.half_close()
            except OSError:
                return
            try:
                while True:
                    connection.data.clear()
                    connection._receive()
            except Closed:
                pass
            except TimeoutError:
                self.fail(f"seed {SEED}: {what} left the connection hanging: {data[:300]!r}")

    def attack_with_requests(self, server, count):
        seeds = corpus("resp") + [data for data in corpus("keys") if data.startswith(b"*")]
        sent = 0
        while sent < count:
            batch = [hostile_request(self.source) for _ in range(self.source.choice([0, 0, 1, 2, 5]))]
            batch.append(broken_request(seeds, self.source))
            self.assert_served(server.host, server.port, b"".join(batch), "a request")
            sent += len(batch)

    def test_requests(self):
        with Server() as server:
            self.watched(server, lambda: self.attack_with_requests(server, REQUESTS // 2))

    def test_requests_to_a_cluster_node(self):
        with Server(cluster_enabled="yes") as server:
            server.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            wait_until(lambda: "cluster_state:ok" in server.ask_text("CLUSTER", "INFO"), 10, "cluster_state:ok")
            self.watched(server, lambda: self.attack_with_requests(server, REQUESTS - REQUESTS // 2))

    def test_requests_from_clients_that_are_not_let_in(self):
        with Server() as server:
            with server.connect() as client:
                client.ask("CONFIG", "SET", "requirepass", "sesame")
            self.attack_with_requests(server, REQUESTS // 10)
            server.password = "sesame"
            self.assertEqual(b"PONG", server.ask("PING"))

    def start_pair(self):
        pair = [Server(cluster_enabled="yes", cluster_node_timeout=2000) for _ in range(2)]
        for server in pair:
            self.addCleanup(server.stop)
            server.start()
        pair[0].ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        pair[0].ask("CLUSTER", "MEET", pair[1].host, pair[1].port)
        wait_until(lambda: all(own_id(pair[1 - i]) in nodes(pair[i]) for i in (0, 1)), 15, "the two to meet")
        wait_until(lambda: "cluster_state:ok" in pair[0].ask_text("CLUSTER", "INFO"), 15, "cluster_state:ok")
        return pair

    def test_bus_packets(self):
        victim, peer = self.start_pair()
        identity = own_id(victim)
        # The corpus speaks of `a…` as the receiver and `b…` as a node it knows.
        seeds = [data.replace(b"a" * 40, identity.encode()).replace(b"b" * 40, own_id(peer).encode())
                 for data in corpus("bus")]

        def attack():
            sent = 0
            while sent < PACKETS:
                batch = [hostile_packet(seeds, self.source, framed=True)
                         for _ in range(self.source.choice([0, 1, 3, 10]))]
                batch.append(hostile_packet(seeds, self.source, framed=False))
                self.assert_served(victim.host, victim.port + BUS_OFFSET, b"".join(batch), "a packet")
                sent += len(batch)

        self.watched(victim, attack)
        self.assertEqual(identity, own_id(victim))
        # What it has saved is what it can read.
        victim.terminate()
        victim.start()
        self.assertEqual(identity, own_id(victim))


if __name__ == "__main__":
    unittest.main()
