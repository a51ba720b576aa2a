#!/usr/bin/python3
"""A primary that is killed and comes back with the data of its last snapshot.

Its replica has seen more than was saved. Should the primary then write as many bytes as were
lost, offsets are equal and data are not: only a full sync is right.
"""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Server, server_binary, wait_until  # noqa: E402
from testbed.clusters import info, own_id  # noqa: E402
from testbed.replication import digest, follow, wait_caught_up, wait_link_up  # noqa: E402

OPTIONS = {"enable-debug-command": "yes", "repl-diskless-sync-delay": 0}


def write(server, name, value, count=50):
    with server.connect() as client:
        for number in range(count):
            client.ask("SET", f"{name}:{number:03}", value)


def takes_writes(server):
    with server.connect() as client:
        return client.request("SET", "after:000", "new") == b"+OK\r\n"


class KilledPrimary(unittest.TestCase):
    def kill_and_restart(self, primary, replica):
        write(primary, "saved", "1")
        wait_caught_up(primary, replica)
        primary.ask("SAVE")
        write(primary, "after", "old")
        wait_caught_up(primary, replica)
        # It must not ask before the primary has written as much again.
        replica.signal(signal.SIGSTOP)
        primary.signal(signal.SIGKILL)
        primary.process.wait(10)
        primary.start()

    def check_equal(self, primary, replica):
        wait_until(lambda: takes_writes(primary), 20, "the primary to take writes")
        write(primary, "after", "new")
        replica.signal(signal.SIGCONT)
        wait_link_up(replica)
        wait_caught_up(primary, replica)
        wait_until(lambda: digest(primary) == digest(replica), 5, "the same data on both")
        self.assertEqual(b"new", replica_value(replica))
        self.assertEqual(("1", "0"), (primary.info("stats")["sync_full"], primary.info("stats")["sync_partial_ok"]))

    def test_outside_the_cluster(self):
        with Server(server_binary(), **OPTIONS) as primary, Server(server_binary(), **OPTIONS) as replica:
            follow(replica, primary)
            self.kill_and_restart(primary, replica)
            self.check_equal(primary, replica)

    def test_in_the_cluster(self):
        options = OPTIONS | {"cluster-enabled": "yes", "cluster-node-timeout": 60000}
        with Server(server_binary(), **options) as primary, Server(server_binary(), **options) as replica:
            primary.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            replica.ask("CLUSTER", "MEET", primary.host, primary.port)
            wait_until(lambda: info(replica)["cluster_known_nodes"] == "2" and info(replica)["cluster_state"] == "ok",
                       20, "the nodes to know each other")
            wait_until(lambda: own_id(primary) in replica.ask_text("CLUSTER", "NODES"), 10, "the primary's name")
            replica.ask("CLUSTER", "REPLICATE", own_id(primary))
            wait_link_up(replica)
            self.kill_and_restart(primary, replica)
            self.check_equal(primary, replica)

    def test_one_that_has_saved_all_goes_on(self):
        with Server(server_binary(), **OPTIONS) as primary, Server(server_binary(), **OPTIONS) as replica:
            follow(replica, primary)
            write(primary, "saved", "1")
            wait_caught_up(primary, replica)
            primary.ask("SAVE")
            primary.signal(signal.SIGKILL)
            primary.process.wait(10)
            primary.start()
            wait_link_up(replica)
            write(primary, "after", "new")
            wait_caught_up(primary, replica)
            self.assertEqual(digest(primary), digest(replica))
            self.assertEqual(("0", "1"), (primary.info("stats")["sync_full"], primary.info("stats")["sync_partial_ok"]))


def replica_value(replica):
    with replica.connect() as client:
        client.request("READONLY")
        return client.ask("GET", "after:007")


if __name__ == "__main__":
    unittest.main()
