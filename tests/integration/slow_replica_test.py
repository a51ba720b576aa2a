#!/usr/bin/python3
"""Replicas that read slowly, not at all, or say what they should not: what the primary keeps for them, and for how long."""

import os
import random
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Connection, Server, request_bytes, wait_until  # noqa: E402
from testbed.replication import server_of, wait_same_data  # noqa: E402
from testbed.tamper import HoldPayload, Proxy  # noqa: E402

MIB = 1024 * 1024


class LazyReplica:
    """A replica that reads only when it is told to."""

    def __init__(self, server, *options, psync=("PSYNC", "?", "-1"), receive_buffer=64 * 1024):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((server.host, server.port))
        self.socket.settimeout(30)
        self.file = self.socket.makefile("rb", 65536)
        if options:
            self.send("REPLCONF", *options)
            assert self.line() == b"+OK\r\n"
        self.send(*psync)

    def send(self, *words):
        self.socket.sendall(request_bytes(*words))

    def line(self):
        """The next line that is no keep-alive."""
        while True:
            line = self.file.readline()
            if line != b"\n":
                return line

    def full_sync_begins(self):
        """The offset of +FULLRESYNC."""
        word, self.replid, offset = self.line().split()
        assert word == b"+FULLRESYNC", word
        self.offset = int(offset)
        return self.offset

    def read_snapshot(self):
        """Its length. A streamed one is acknowledged, so that the stream begins."""
        head = self.line()
        assert head.startswith(b"$"), head
        if not head.startswith(b"$EOF:"):
            return self.read(int(head[1:]))
        mark, size, tail = head[5:45], 0, b""
        while tail != mark:
            piece = self.file.read1(65536)
            assert piece, "the link was cut inside the snapshot"
            size += len(piece)
            tail = (tail + piece)[-40:]
        self.send("REPLCONF", "ACK", self.offset)
        return size - 40

    def read(self, size):
        left = size
        while left:
            piece = self.file.read1(min(left, 65536))
            assert piece, f"the link was cut {left} bytes early"
            left -= len(piece)
        return size

    def is_cut(self):
        try:
            while self.file.read1(65536):
                pass
            return True
        except ConnectionError:
            return True

    def close(self):
        self.file.close()
        self.socket.close()


def random_text(size):
    return random.randbytes(size // 2).hex()


def write(server, mebibytes, keys=100, size=10_000):
    """So much into the stream, over a few keys."""
    with server.connect() as connection:
        count = MIB // size
        for first in range(0, mebibytes * count, count):
            numbers = range(first, first + count)
            connection.send(b"".join(request_bytes("SET", f"w{i % keys}", random_text(size)) for i in numbers))
            for _ in numbers:
                assert connection.read_reply() == b"+OK\r\n"


class SlowReplicas(unittest.TestCase):
    def primary(self, **options):
        server = Server(**({"repl-diskless-sync-delay": 0, "repl-ping-replica-period": 3600} | options)).start()
        self.addCleanup(server.stop)
        return server

    def used_memory(self, server):
        return int(server.info("memory")["used_memory"])

    def attach(self, server, *options, **how):
        replica = LazyReplica(server, "listening-port", "1", *options, **how)
        self.addCleanup(replica.close)
        return replica

    def state(self, server):
        return server.info("replication").get("slave0", "")

    def test_a_full_sync_ends_however_much_is_written_meanwhile(self):
        limit = 8 * MIB
        for diskless in ("no", "yes"):
            with self.subTest(diskless=diskless):
                server = self.primary(repl_diskless_sync=diskless, repl_backlog_size=MIB,
                                      client_output_buffer_limit=f"replica {limit} {limit // 2} 1")
                write(server, 20, keys=2000)
                replica = self.attach(server, "capa", "eof")
                offset = replica.full_sync_begins()
                before = self.used_memory(server)
                write(server, 64)
                # Three times its hard limit would be far beyond; what the sockets hold is the system's.
                self.assertLess(self.used_memory(server) - before, limit + 8 * MIB)
                self.assertIn("what is to follow it waits in a file", server.log())
                self.assertEqual(server.info("replication")["connected_slaves"], "1")
                replica.read_snapshot()
                end = int(server.info("replication")["master_repl_offset"])
                replica.read(end - offset)
                replica.send("REPLCONF", "ACK", end)
                wait_until(lambda: f"state=online,offset={end}" in self.state(server))
                # All of it is on the one way: nothing was left over, nothing sent twice.
                self.assertEqual(server.ask("SET", "last", "word"), b"OK")
                self.assertIn(b"last", replica.file.read(int(server.info("replication")["master_repl_offset"]) - end))
                self.assertEqual(server.info("stats")["sync_full"], "1")
                # Nobody finds the file: it has no name.
                self.assertEqual([name for name in os.listdir(server.folder) if "spill" in name], [])

    def test_one_that_is_online_and_stuck_is_cut(self):
        limit = 4 * MIB
        server = self.primary(repl_backlog_size=MIB, client_output_buffer_limit=f"replica {limit} 0 0")
        replica = self.attach(server, "capa", "eof")
        replica.full_sync_begins()
        replica.read_snapshot()
        wait_until(lambda: "state=online" in self.state(server))
        write(server, 24)
        wait_until(lambda: server.info("replication")["connected_slaves"] == "0")
        self.assertIn("overcoming of output buffer limits", server.log())
        self.assertTrue(replica.is_cut())

    def test_one_that_is_too_slow_for_good_is_not_sent_round_in_circles(self):
        server = self.primary(repl_backlog_size=64 * 1024, client_output_buffer_limit="replica 256kb 0 0", rdbcompression="no")
        write(server, 4, keys=400)
        slow = self.attach(server, "capa", "eof")
        slow.full_sync_begins()
        write(server, 12)  # far more than sixteen times what it may be behind
        wait_until(lambda: server.info("replication")["connected_slaves"] == "0")
        self.assertIn("overcoming of output buffer limits", server.log())
        self.assertTrue(slow.is_cut())
        # It comes back, and waits; another one need not.
        again = self.attach(server, "capa", "eof")
        wait_until(lambda: "state=wait_bgsave" in self.state(server))
        self.assertIn("127.0.0.1:1 waits 5 seconds for its full sync", server.log())
        self.assertIn("larger client-output-buffer-limit for replicas (now 262144 0 0)", server.log())
        other = LazyReplica(server, "listening-port", "2", "capa", "eof")
        self.addCleanup(other.close)
        other.full_sync_begins()
        other.read_snapshot()
        wait_until(lambda: "state=online" in server.info("replication")["slave1"])
        self.assertIn("state=wait_bgsave", self.state(server))
        self.assertEqual(again.file.readline(), b"\n")  # so that it goes on waiting
        again.full_sync_begins()
        again.read_snapshot()
        wait_until(lambda: "state=online" in self.state(server))
        # Once it has caught up all is as it was.
        wait_until(lambda: server.log().count("Synchronization with replica 127.0.0.1:1 succeeded") == 1)
        again.close()
        wait_until(lambda: server.info("replication")["connected_slaves"] == "1")
        last = self.attach(server, "capa", "eof")
        last.full_sync_begins()
        self.assertEqual(server.log().count("for its full sync: it took"), 1)

    def test_all_files_together_are_bounded_as_one_is(self):
        server = self.primary(repl_diskless_sync_delay=1, repl_backlog_size=64 * 1024, rdbcompression="no",
                              client_output_buffer_limit="replica 1mb 0 0")
        write(server, 8, keys=800)
        both = {port: LazyReplica(server, "listening-port", port, "capa", "eof") for port in ("1", "2")}
        for replica in both.values():
            self.addCleanup(replica.close)
            replica.full_sync_begins()
        offset = both["1"].offset
        write(server, 12)  # less than sixteen times what one may be behind, and more for two
        wait_until(lambda: server.info("replication")["connected_slaves"] == "1")
        left = both.pop("1" if ",port=1," in self.state(server) else "2")
        self.assertTrue(both.popitem()[1].is_cut())
        left.read_snapshot()
        left.read(int(server.info("replication")["master_repl_offset"]) - offset)

    def test_a_replica_of_redis_waits_too(self):
        server = self.primary(repl_backlog_size=64 * 1024, client_output_buffer_limit="replica 256kb 0 0", rdbcompression="no",
                              enable_debug_command="yes")
        write(server, 4, keys=400)
        replica = server_of("redis").start()
        self.addCleanup(replica.stop)
        hold = HoldPayload(MIB)
        plans = [hold]
        with Proxy(server) as proxy:
            proxy.plan = lambda: plans.pop() if plans else None
            replica.ask("REPLICAOF", proxy.host, proxy.port)
            wait_until(hold.reached.is_set)
            write(server, 12)
            wait_until(lambda: server.info("replication")["connected_slaves"] == "0")
            hold.go_on.set()
            wait_until(lambda: f"127.0.0.1:{replica.port} waits 5 seconds for its full sync" in server.log(), 20)
            wait_same_data(server, replica, timeout=30)
        self.assertEqual(server.info("stats")["sync_full"], "2")

    def test_the_backlog_is_allowed_to_everybody(self):
        server = self.primary(repl_backlog_size=32 * MIB, client_output_buffer_limit="replica 1mb 0 0")
        replica = self.attach(server, "capa", "eof")
        offset = replica.full_sync_begins()
        replica.read_snapshot()
        wait_until(lambda: "state=online" in self.state(server))
        write(server, 16)
        end = int(server.info("replication")["master_repl_offset"])
        self.assertGreater(int(server.ask_text("CLIENT", "LIST", "TYPE", "replica").split(" omem=")[1].split()[0]), MIB)
        replica.read(end - offset)

    def test_three_replicas_cost_one_copy_of_the_stream(self):
        server = self.primary(repl_backlog_size=64 * 1024)
        replicas = [self.attach(server, "capa", "eof") for _ in range(3)]
        for replica in replicas:
            offset = replica.full_sync_begins()
            replica.read_snapshot()
        wait_until(lambda: server.info("replication").get("slave2", "").count("state=online"))
        write(server, 1)
        before = self.used_memory(server)
        write(server, 32)
        self.assertLess(self.used_memory(server) - before, 40 * MIB)
        end = int(server.info("replication")["master_repl_offset"])
        for replica in replicas:
            replica.read(end - offset)

    def test_one_that_stalls_in_a_stream_does_not_keep_the_others(self):
        server = self.primary(repl_diskless_sync="yes", repl_diskless_sync_delay=3600, repl_diskless_sync_max_replicas=2,
                              repl_timeout=2, rdbcompression="no")
        write(server, 40, keys=10000)
        stuck = self.attach(server, "capa", "eof")
        reading = self.attach(server, "capa", "eof")
        self.assertEqual(stuck.full_sync_begins(), reading.full_sync_begins())
        self.assertGreater(reading.read_snapshot(), 39 * MIB)
        wait_until(lambda: server.info("replication")["connected_slaves"] == "1")
        self.assertIn("Disconnecting timedout replica (full sync)", server.log())
        self.assertEqual(server.info("stats")["sync_full"], "2")

    def test_the_child_ends_with_its_last_replica(self):
        server = self.primary(rdbcompression="no")
        write(server, 40, keys=10000)
        replica = self.attach(server, "capa", "eof")
        replica.full_sync_begins()
        replica.close()
        wait_until(lambda: server.info("persistence")["rdb_bgsave_in_progress"] == "0")
        self.assertIn("last replica dropped, killing fork child", server.log())
        # And the next one is served.
        other = self.attach(server, "capa", "eof")
        other.full_sync_begins()
        self.assertGreater(other.read_snapshot(), 39 * MIB)

    def test_who_comes_later_shares_the_file(self):
        server = self.primary(repl_diskless_sync="no", rdb_key_save_delay=200, repl_backlog_size=MIB)
        write(server, 2, keys=2000, size=1000)
        first = self.attach(server)
        offset = first.full_sync_begins()
        self.assertEqual(server.ask("SET", "between", "them"), b"OK")
        second = self.attach(server)
        self.assertEqual(second.full_sync_begins(), offset)
        size = first.read_snapshot()
        self.assertEqual(second.read_snapshot(), size)
        end = int(server.info("replication")["master_repl_offset"])
        for replica in (first, second):
            self.assertIn(b"between", replica.file.read(end - offset))
        self.assertEqual(server.log().count("Starting BGSAVE for SYNC"), 1)

    def test_a_reply_to_a_replica_would_break_its_stream(self):
        server = self.primary()
        replica = self.attach(server, "capa", "eof")
        replica.full_sync_begins()
        replica.read_snapshot()
        wait_until(lambda: "state=online" in self.state(server))
        replica.send("PING")
        self.assertTrue(replica.is_cut())
        self.assertIn("Replica generated a reply to command 'ping'", server.log())

    def test_silence_is_cut(self):
        server = self.primary(repl_timeout=1)
        replica = self.attach(server, "capa", "eof")
        replica.full_sync_begins()
        replica.read_snapshot()
        self.assertTrue(replica.is_cut())
        self.assertIn("Disconnecting timedout replica (streaming sync)", server.log())

    def test_our_own_standstill_is_nobodys_silence(self):
        server = self.primary(repl_timeout=1, enable_debug_command="yes")
        replica = self.attach(server, "capa", "eof")
        replica.full_sync_begins()
        replica.read_snapshot()
        wait_until(lambda: "state=online" in self.state(server))
        with server.connect() as client:
            client.send(request_bytes("DEBUG", "SLEEP", 3))
            replica.send("REPLCONF", "ACK", replica.offset)
            self.assertEqual(client.read_reply(), b"+OK\r\n")
        # Until silence is judged again, and longer.
        end = int(server.info("server")["uptime_in_seconds"]) + 4

        def stays_up_to_the_end():
            replica.send("REPLCONF", "ACK", replica.offset)
            self.assertEqual(server.info("replication")["connected_slaves"], "1", server.log()[-1500:])
            return int(server.info("server")["uptime_in_seconds"]) >= end

        wait_until(stays_up_to_the_end)

    def test_the_backlog_goes_and_with_it_the_history(self):
        server = self.primary(repl_backlog_ttl=1)
        replica = self.attach(server, "capa", "eof")
        replica.full_sync_begins()
        replica.read_snapshot()
        replica.close()
        wait_until(lambda: server.info("replication")["repl_backlog_active"] == "0")
        self.assertNotEqual(server.info("replication")["master_replid"].encode(), replica.replid)
        again = self.attach(server, "capa", "eof", psync=("PSYNC", replica.replid, str(replica.offset + 1)))
        again.full_sync_begins()


class Waiting(unittest.TestCase):
    def setUp(self):
        self.server = Server(**{"repl-diskless-sync-delay": 0, "repl-ping-replica-period": 3600}).start()
        self.addCleanup(self.server.stop)

    def attach(self):
        replica = LazyReplica(self.server, "capa", "eof")
        self.addCleanup(replica.close)
        replica.full_sync_begins()
        replica.read_snapshot()
        return replica

    def test_wait_ends_with_the_acknowledgement_of_what_was_written(self):
        replica = self.attach()
        wait_until(lambda: "state=online" in self.server.info("replication")["slave0"])
        with self.server.connect() as writer:
            self.assertEqual(writer.ask("SET", "a", "1"), b"OK")
            written = int(self.server.info("replication")["master_repl_offset"])
            writer.send(request_bytes("WAIT", 1, 0) + request_bytes("PING"))
            stream = b""
            while not stream.endswith(b"GETACK\r\n$1\r\n*\r\n"):
                stream += replica.file.read1(65536)
            replica.send("REPLCONF", "ACK", written - 1)
            replica.send("REPLCONF", "ACK", written)
            self.assertEqual(writer.read_reply(), b":1\r\n")
            self.assertEqual(writer.read_reply(), b"+PONG\r\n")

    def test_wait_gives_up(self):
        self.attach()
        with self.server.connect() as writer:
            self.assertEqual(writer.ask("SET", "a", "1"), b"OK")
            self.assertEqual(writer.request("WAIT", 1, 50), b":0\r\n")

    def test_wait_is_ended_from_outside(self):
        with self.server.connect() as waiting:
            number = waiting.ask("CLIENT", "ID")
            for how, reply in ((("TIMEOUT",), b":0\r\n"), (("ERROR",), b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")):
                waiting.send(request_bytes("WAIT", 1, 0))
                wait_until(lambda how=how: self.server.ask("CLIENT", "UNBLOCK", number, *how) == 1)
                self.assertEqual(waiting.read_reply(), reply)

    def calls(self, command):
        return self.server.info("commandstats").get(f"cmdstat_{command}", "calls=0,").split("calls=")[1].split(",")[0]

    def test_who_waited_is_counted_once(self):
        with self.server.connect() as client:
            client.ask("CONFIG", "RESETSTAT")
            self.assertEqual(client.request("WAIT", 1, 20), b":0\r\n")
            self.assertEqual(self.calls("wait"), "1")
            self.server.ask("CLIENT", "PAUSE", 100_000, "WRITE")
            client.send(request_bytes("SET", "k", "v"))
            wait_until(lambda: self.server.info("clients")["blocked_clients"] == "1")
            self.assertEqual(self.calls("set"), "0")
            self.server.ask("CLIENT", "UNPAUSE")
            self.assertEqual(client.read_reply(), b"+OK\r\n")
            self.assertEqual(self.calls("set"), "1")

    def test_who_waits_may_leave(self):
        for _ in range(20):
            with self.server.connect() as waiting:
                waiting.send(request_bytes("WAIT", 1, 100))
        replica = self.attach()
        threads = [threading.Thread(target=lambda: self.server.ask("WAIT", 2, 150)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertIsNotNone(replica)
        self.assertTrue(self.server.running())


if __name__ == "__main__":
    unittest.main(verbosity=2)
