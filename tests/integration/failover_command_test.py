#!/usr/bin/python3
"""FAILOVER when the replica does not keep up: TIMEOUT, FORCE, ABORT, and the writers that wait."""

import os
import signal
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Server, server_binary, wait_until  # noqa: E402
from testbed.replication import digest, follow, wait_caught_up, wait_link_up  # noqa: E402

OPTIONS = {"enable-debug-command": "yes", "repl-diskless-sync-delay": 0}


def role(server):
    facts = server.info("replication")
    return facts["role"], facts["master_failover_state"]


class ReplicaBehind(unittest.TestCase):
    """Its replica stands still and lacks the last write."""

    def setUp(self):
        self.primary = Server(server_binary(), **OPTIONS).start()
        self.addCleanup(self.primary.stop)
        self.replica = Server(server_binary(), **OPTIONS).start()
        self.addCleanup(self.replica.stop)
        follow(self.replica, self.primary)
        self.primary.ask("SET", "before", "1")
        wait_caught_up(self.primary, self.replica)
        self.replica.signal(signal.SIGSTOP)
        self.primary.ask("SET", "last", "1")

    def failover(self, *words):
        return self.primary.ask("FAILOVER", "TO", self.replica.host, self.replica.port, *words)

    def ends_equal(self, primary, replica):
        wait_link_up(replica)
        wait_caught_up(primary, replica)
        self.assertEqual(digest(primary), digest(replica))
        self.assertEqual(("master", "no-failover"), role(primary))
        self.assertEqual(("slave", "no-failover"), role(replica))

    def test_writers_wait_until_it_is_aborted(self):
        self.failover("TIMEOUT", "60000")
        self.assertEqual(("master", "waiting-for-sync"), role(self.primary))
        replies = []
        with self.primary.connect() as writer, self.primary.connect() as other:
            waiting = threading.Thread(target=lambda: replies.append(writer.request("SET", "waited", "1")))
            waiting.start()
            wait_until(lambda: self.primary.info("clients")["blocked_clients"] == "1", 10, "the writer to wait")
            self.assertEqual(b"$1\r\n1\r\n", other.request("GET", "last"))
            self.assertEqual(b"-ERR FAILOVER already in progress.\r\n", other.request("FAILOVER"))
            self.assertEqual([], replies)
            self.assertEqual(b"+OK\r\n", other.request("FAILOVER", "ABORT"))
            waiting.join(10)
        self.assertEqual([b"+OK\r\n"], replies)
        self.replica.signal(signal.SIGCONT)
        self.ends_equal(self.primary, self.replica)

    def test_it_ends_with_its_time(self):
        self.failover("TIMEOUT", "300")
        wait_until(lambda: role(self.primary) == ("master", "no-failover"), 10, "its end")
        self.primary.ask("SET", "after", "1")
        self.replica.signal(signal.SIGCONT)
        self.ends_equal(self.primary, self.replica)

    def test_forced_it_goes_on_without_what_is_missing(self):
        self.failover("FORCE", "TIMEOUT", "300")
        wait_until(lambda: role(self.primary) == ("slave", "failover-in-progress"), 10, "the primary to follow")
        self.replica.signal(signal.SIGCONT)
        wait_until(lambda: role(self.replica)[0] == "master", 15, "the replica to take over")
        wait_until(lambda: role(self.primary) == ("slave", "no-failover"), 15, "the end")
        self.ends_equal(self.replica, self.primary)

    def test_aborted_on_the_way_the_primary_is_one_again(self):
        self.failover("FORCE", "TIMEOUT", "300")
        wait_until(lambda: role(self.primary)[1] == "failover-in-progress", 10, "the primary to follow")
        self.primary.ask("FAILOVER", "ABORT")
        self.assertEqual(("master", "no-failover"), role(self.primary))
        self.primary.ask("SET", "after", "1")
        self.replica.signal(signal.SIGCONT)
        wait_until(lambda: role(self.replica)[0] == "slave", 15, "the replica to stay one")
        self.ends_equal(self.primary, self.replica)


if __name__ == "__main__":
    unittest.main()
