#!/usr/bin/python3
"""A machine without memory: what is too large is refused, and where nothing helps the process ends in order."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Connection, Server, wait_until  # noqa: E402
from testbed.resp import Closed  # noqa: E402

MIB = 1024 * 1024
OOM = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"


class OutOfMemory(unittest.TestCase):
    def setUp(self):
        with Server() as server:
            if server.is_sanitized():
                self.skipTest("address space cannot be limited")

    def start(self, megabytes=700):
        confined = ["sh", "-c", f"ulimit -v {megabytes * 1024}; exec \"$0\" \"$@\""]
        server = Server(prefix=confined)
        self.addCleanup(server.stop)
        return server.start()

    def test_what_is_too_large_is_refused(self):
        server = self.start()
        with server.connect() as client:
            self.assertEqual(b":400000001\r\n", client.request("SETRANGE", "zeros", 400_000_000, "x"))
            self.assertEqual(OOM, client.request("SETRANGE", "more", 400_000_000, "x"))
            self.assertEqual(OOM, client.request("COPY", "zeros", "copy"))
            self.assertEqual(1, client.ask("DEL", "zeros"))
            client.ask("SET", "k", "x" * (100 * MIB))
            copies = [client.request("COPY", "k", f"k:{number}") for number in range(8)]
            self.assertEqual({b":1\r\n", OOM}, set(copies))
            self.assertEqual(1 + copies.count(b":1\r\n"), client.ask("DBSIZE"))
            self.assertEqual(b"PONG", client.ask("PING"))
        self.assertTrue(server.running())

    def test_what_clients_send_costs_them_alone(self):
        """A transaction, or requests sent by halves: refused, or cut while they are received."""
        server = self.start()
        with server.connect() as client:
            client.ask("MULTI")
            replies = []
            try:
                for number in range(12):
                    replies.append(client.request("SET", f"k:{number}", "x" * (60 * MIB)))
                self.assertEqual({b"+QUEUED\r\n", OOM}, set(replies))
                self.assertIn(b"EXECABORT", client.request("EXEC"))
            except (Closed, OSError):
                self.assertEqual({b"+QUEUED\r\n"}, set(replies))
        halves = [Connection(server.port, server.host) for _ in range(6)]
        for half in halves:
            self.addCleanup(half.close)
            try:
                half.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000000\r\n" + b"x" * 150_000_000)
            except (Closed, OSError):
                pass
        self.assertEqual(0, server.ask("DBSIZE"))
        self.assertTrue(server.running())

    def test_half_sent_requests_of_many_arguments_cost_them_alone(self):
        server = self.start(500)
        halves = [Connection(server.port, server.host) for _ in range(8)]
        for half in halves:
            self.addCleanup(half.close)
            try:
                half.send(b"*6000000\r\n$4\r\nMSET\r\n" + b"$1\r\nx\r\n" * 5_000_000)
            except (Closed, OSError):
                pass
        wait_until(lambda: "No memory for what a client sends, closing it: " in server.log(), 10, "the line")
        self.assertEqual(0, server.ask("DBSIZE"))
        self.assertTrue(server.running())

    def test_a_reply_that_there_is_no_memory_for_costs_who_asked(self):
        server = self.start()
        with server.connect() as client:
            client.ask("SET", "k", "x" * (50 * MIB))
            client.ask("SET", "small", "x" * 10_000)
            with self.assertRaises((Closed, OSError)):
                client.request("MGET", *["k"] * 30)
        with server.connect() as client:
            with self.assertRaises((Closed, OSError)):
                client.request("MGET", *["small"] * 100_000)
            self.assertEqual(2, server.ask("DBSIZE"))
        self.assertIn("No memory for the replies to a client, closing it: ", server.log())
        self.assertTrue(server.running())

    def test_the_end_is_in_order(self):
        server = self.start()
        with server.connect() as client:
            with self.assertRaises((Closed, OSError)):
                for number in range(2000):
                    client.request("SET", f"k:{number}", "x" * (MIB // 2))
        wait_until(lambda: not server.running(), 10, "the server to end")
        self.assertEqual(1, server.process.returncode)
        self.assertRegex(server.log(), r"\d+:M # Out of memory: an allocation of \d+ bytes failed\. Exiting\.\n")
        self.assertNotIn("BUG REPORT", server.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
