#!/usr/bin/python3
"""SHUTDOWN and TERM of a primary whose replicas lack something: shutdown-timeout, ABORT, NOW, a save that fails."""

import os
import signal
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Server, beyond_redis, reference_binary, server_binary, wait_until  # noqa: E402
from testbed.replication import follow, wait_caught_up  # noqa: E402
from testbed.resp import Closed  # noqa: E402

OPTIONS = {"repl-diskless-sync-delay": 0, "shutdown-timeout": 60}
CALLED_OFF = b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"


class Waiting:
    """A client that sends a command and waits for its answer in a thread of its own."""

    def __init__(self, server, *words):
        self.client = server.connect(60)
        self.answer = None
        self.thread = threading.Thread(target=self._ask, args=words, daemon=True)
        self.thread.start()

    def _ask(self, *words):
        try:
            self.answer = self.client.request(*words)
        except Closed:
            self.answer = b"closed"

    def ended(self):
        self.thread.join(15)
        self.client.close()
        return self.answer


def blocked(server):
    return int(server.info("clients")["blocked_clients"])


class WithAReplicaBehind:
    """The replica stands still and lacks the last write."""

    REPLICA = ""
    OPTIONS = {}

    def setUp(self):
        self.primary = Server(server_binary(), **(OPTIONS | self.OPTIONS)).start()
        self.addCleanup(self.primary.stop)
        self.replica = Server(self.REPLICA, **OPTIONS).start()
        self.addCleanup(self.replica.stop)
        follow(self.replica, self.primary)
        self.primary.ask("SET", "before", "1")
        wait_caught_up(self.primary, self.replica)
        self.replica.signal(signal.SIGSTOP)
        self.addCleanup(self.replica.signal, signal.SIGCONT)
        self.primary.ask("SET", "last", "1")

    def shut_down(self, *words):
        waiting = Waiting(self.primary, "SHUTDOWN", *words)
        wait_until(lambda: "shutdown_in_milliseconds" in self.primary.info("server"), 10, "the shutdown to be under way")
        return waiting

    def says_at_its_end(self, *lines):
        self.assertEqual(0, self.primary.wait())
        log = self.primary.log()
        for line in lines:
            self.assertIn(line, log)


class Waits(WithAReplicaBehind):
    def test_it_waits_until_the_replica_has_everything(self):
        shutdown = self.shut_down()
        left = int(self.primary.info("server")["shutdown_in_milliseconds"])
        self.assertTrue(0 < left <= 60000, left)
        self.assertIsNone(shutdown.answer)
        self.replica.signal(signal.SIGCONT)
        self.assertEqual(b"closed", shutdown.ended())
        self.says_at_its_end("User requested shutdown...", "Waiting for replicas before shutting down.",
                             "1 of 1 replicas are in sync when shutting down.", "is now ready to exit, bye bye...")
        self.assertEqual(b"1", self.replica.ask("GET", "last"))

    def test_writers_wait_and_readers_do_not(self):
        shutdown = self.shut_down()
        writer = Waiting(self.primary, "SET", "late", "1")
        wait_until(lambda: blocked(self.primary) == 2, 10, "the writer to wait")
        self.assertEqual(b"1", self.primary.ask("GET", "last"))
        self.replica.signal(signal.SIGCONT)
        self.assertEqual(b"closed", shutdown.ended())
        self.assertEqual(b"closed", writer.ended())
        self.assertEqual(0, self.primary.wait())
        self.assertIsNone(self.replica.ask("GET", "late"))

    def test_aborted_everything_goes_on(self):
        shutdown = self.shut_down()
        another = Waiting(self.primary, "SHUTDOWN", "NOSAVE")
        writer = Waiting(self.primary, "SET", "late", "1")
        wait_until(lambda: blocked(self.primary) == 3, 10, "all to wait")
        with self.primary.connect() as client:
            self.assertEqual(b"+OK\r\n", client.request("SHUTDOWN", "ABORT"))
            self.assertEqual(b"-ERR No shutdown in progress.\r\n", client.request("SHUTDOWN", "ABORT"))
        self.assertEqual((CALLED_OFF, CALLED_OFF, b"+OK\r\n"), (shutdown.ended(), another.ended(), writer.ended()))
        self.assertNotIn("shutdown_in_milliseconds", self.primary.info("server"))
        self.assertIn("Shutdown manually aborted.", self.primary.log())
        self.replica.signal(signal.SIGCONT)
        wait_caught_up(self.primary, self.replica)
        self.assertEqual(b"1", self.replica.ask("GET", "late"))
        self.assertEqual(0, self.primary.terminate())

    def test_term_waits_as_well(self):
        self.primary.signal(signal.SIGTERM)
        wait_until(lambda: "Waiting for replicas before shutting down." in self.primary.log(), 10, "it to wait")
        self.replica.signal(signal.SIGCONT)
        self.says_at_its_end("Received SIGTERM scheduling shutdown...", "1 of 1 replicas are in sync when shutting down.")
        self.assertEqual(b"1", self.replica.ask("GET", "last"))

    def test_now_does_not_wait(self):
        self.assertEqual(b"closed", Waiting(self.primary, "SHUTDOWN", "NOW").ended())
        self.says_at_its_end("Lagging replica 127.0.0.1:", "0 of 1 replicas are in sync when shutting down.")
        self.assertNotIn("Waiting for replicas", self.primary.log())

    @beyond_redis
    def test_asked_again_it_waits_no_longer(self):
        shutdown = self.shut_down()
        self.assertEqual(b"closed", Waiting(self.primary, "SHUTDOWN", "NOW").ended())
        self.assertEqual(b"closed", shutdown.ended())
        self.says_at_its_end("0 of 1 replicas are in sync when shutting down.")

    @beyond_redis
    def test_int_ends_the_wait(self):
        self.primary.signal(signal.SIGTERM)
        wait_until(lambda: "Waiting for replicas before shutting down." in self.primary.log(), 10, "it to wait")
        self.primary.signal(signal.SIGINT)
        self.says_at_its_end("0 of 1 replicas are in sync when shutting down.")

    @beyond_redis
    def test_term_quit_and_hup_do_not_end_the_wait(self):
        self.primary.signal(signal.SIGQUIT)
        wait_until(lambda: "Waiting for replicas before shutting down." in self.primary.log(), 10, "it to wait")
        for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
            self.primary.signal(number)
        # Answered after they have been taken.
        self.assertIn("shutdown_in_milliseconds", self.primary.info("server"))
        self.replica.signal(signal.SIGCONT)
        self.says_at_its_end("1 of 1 replicas are in sync when shutting down.")
        self.assertEqual(b"1", self.replica.ask("GET", "last"))


class SkeinReplica(Waits, unittest.TestCase):
    REPLICA = server_binary()


class RedisReplica(Waits, unittest.TestCase):
    REPLICA = reference_binary()


class TimeIsOver(WithAReplicaBehind, unittest.TestCase):
    REPLICA = server_binary()
    OPTIONS = {"shutdown-timeout": 1}

    def test_it_ends_without_the_replica(self):
        self.primary.signal(signal.SIGTERM)
        self.says_at_its_end("Waiting for replicas before shutting down.", "Lagging replica 127.0.0.1:",
                             " behind master, lag=", "0 of 1 replicas are in sync when shutting down.")


class TheSaveFails(WithAReplicaBehind, unittest.TestCase):
    REPLICA = server_binary()
    OPTIONS = {"save": "3600 1"}

    def test_the_end_is_called_off(self):
        # What is in the way cannot be replaced by a file.
        (self.primary.folder / "dump.rdb").unlink(missing_ok=True)
        (self.primary.folder / "dump.rdb").mkdir()
        shutdown = self.shut_down()
        writer = Waiting(self.primary, "SET", "late", "1")
        wait_until(lambda: blocked(self.primary) == 2, 10, "the writer to wait")
        self.replica.signal(signal.SIGCONT)
        self.assertEqual(CALLED_OFF, shutdown.ended())
        self.assertEqual(b"+OK\r\n", writer.ended())
        (self.primary.folder / "dump.rdb").rmdir()
        self.assertEqual(b"OK", self.primary.ask("SAVE"))
        self.assertEqual(0, self.primary.terminate())


class NobodyToWaitFor(unittest.TestCase):
    def test_it_ends_at_once(self):
        with Server(server_binary(), **OPTIONS) as server:
            self.assertEqual(b"closed", Waiting(server, "SHUTDOWN").ended())
            self.assertEqual(0, server.wait())
            self.assertNotIn("Waiting for replicas", server.log())
            self.assertNotIn("in sync when shutting down", server.log())


if __name__ == "__main__":
    unittest.main()
