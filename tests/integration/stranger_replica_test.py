#!/usr/bin/python3
"""What a client that calls itself a replica can make a primary hold, fork, log or believe."""

import os
import pathlib
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Connection, request_bytes, wait_until  # noqa: E402
from testbed.clusters import nodes, own_id  # noqa: E402
from testbed.psync import BareReplica  # noqa: E402
from testbed.replication import follow, server_of, wait_link_up, wait_same_data  # noqa: E402

MB = 1024 * 1024
# As SnapshotPace has it.
BURST = 16


def resident(server):
    return int(pathlib.Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def forks(server):
    return int(server.info("stats")["total_forks"])


class Strangers(unittest.TestCase):
    def test_who_asks_for_full_syncs_and_leaves_forks_once_a_second(self):
        with server_of("skein") as primary, server_of("skein") as replica:
            for number in range(1000):
                primary.ask("SET", f"key:{number}", "v")
            start, before, asked = time.monotonic(), forks(primary), 0
            while time.monotonic() - start < 3:
                # Two more than the one that waits for its answer.
                with Connection(primary.port) as first, Connection(primary.port) as second, Connection(primary.port) as third:
                    for stranger, question in ((second, b"SYNC\r\n"), (third, b"PSYNC ? -1\r\n"), (first, b"SYNC\r\n")):
                        stranger.send(question)
                        asked += 1
                    first._receive()
            made = forks(primary) - before
            self.assertLessEqual(made, BURST + (time.monotonic() - start) + 1)
            self.assertGreater(asked, made, "more was asked for than was made")
            # A true one has its turn all the same.
            replica.ask("REPLICAOF", primary.host, primary.port)
            wait_link_up(replica, timeout=10)
            wait_same_data(primary, replica)

    def test_many_who_wait_share_one_snapshot(self):
        with server_of("skein", repl_diskless_sync_delay=1) as primary:
            strangers = [Connection(primary.port) for _ in range(100)]
            try:
                for each in strangers:
                    each.ask("REPLCONF", "capa", "eof")
                    each.send(request_bytes("PSYNC", "?", "-1"))
                wait_until(lambda: primary.info("replication")["connected_slaves"] == "100", 10, "all to be replicas")
                for each in strangers:
                    while b"REDIS0" not in each.data:
                        each._receive()
                self.assertLessEqual(forks(primary), 2)
            finally:
                for each in strangers:
                    each.close()

    def test_who_never_reads_is_cut_and_costs_no_memory(self):
        with server_of("skein", client_output_buffer_limit=("replica 4mb 0 0"), repl_backlog_size="1mb") as primary:
            readers = [BareReplica(primary) for _ in range(5)]
            wait_until(lambda: primary.info("replication")["connected_slaves"] == "5", 5, "the replicas")
            before = resident(primary)
            value = "x" * 100_000
            with primary.connect() as client:
                client.ask("SET", "key", value)
                for _ in range(30):
                    client.send(request_bytes("SET", "key", value) * 20)
                    for _ in range(20):
                        self.assertEqual(client.read_reply(), b"+OK\r\n")
            # What the system holds of a connection comes before the limit.
            wait_until(lambda: primary.info("replication")["connected_slaves"] == "0", 10, "them to be cut")
            if not primary.is_sanitized():
                self.assertLess(resident(primary) - before, 24 * MB)
            for each in readers:
                each.close()

    def test_what_was_never_written_is_not_acknowledged(self):
        with server_of("skein") as primary, BareReplica(primary) as stranger:
            primary.ask("SET", "key", "v")
            stranger.read_command()
            for offset in ("9223372036854775807", "18446744073709551616", "-1", "-9223372036854775808", "1e3", ""):
                stranger.link.send(request_bytes("REPLCONF", "ACK", offset))
            with primary.connect() as client:
                client.ask("SET", "key", "w")
                self.assertEqual(client.ask("WAIT", 1, 200), 0)
                self.assertIn(",offset=0,", primary.info("replication")["slave0"])
                stranger.read_until([b"REPLCONF", b"GETACK", b"*"])
                stranger.acknowledge()
                self.assertEqual(client.ask("WAIT", 1, 5000), 1)

    def test_a_wish_of_a_hundred_megabytes_takes_no_more_than_its_bytes(self):
        with server_of("skein") as primary, Connection(primary.port) as stranger:
            words = b"functions " * (3 * MB)
            stranger.send(request_bytes("REPLCONF", "rdb-filter-only", words))
            self.assertTrue(stranger.read_reply().startswith(b"-ERR Unsupported rdb-filter-only option: functions"))
            peak = next(line for line in pathlib.Path(f"/proc/{primary.pid}/status").read_text().splitlines() if "VmHWM" in line)
            self.assertLess(int(peak.split()[1]) * 1024, 200 * MB)

    def test_nobody_makes_a_replica_of_a_cluster_leave_its_primary(self):
        options = {"cluster_enabled": "yes", "cluster_node_timeout": 5000}
        with server_of("skein", **options) as primary, server_of("skein", **options) as replica:
            primary.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            replica.ask("CLUSTER", "MEET", primary.host, primary.port)
            wait_until(lambda: len(nodes(replica)) == 2 and "handshake" not in str(nodes(replica)), 20, "the meeting")
            replica.ask("CLUSTER", "REPLICATE", own_id(primary))
            wait_link_up(replica)
            facts = replica.info("replication")
            with replica.connect() as stranger:
                reply = stranger.request("PSYNC", facts["master_replid"], int(facts["slave_repl_offset"]) + 1, "FAILOVER")
                self.assertEqual(reply, b"-ERR PSYNC FAILOVER not allowed in cluster mode.\r\n")
            self.assertEqual(replica.info("replication")["role"], "slave")
            self.assertEqual(replica.info("replication")["master_link_status"], "up")


class Renamed(unittest.TestCase):
    def test_a_primary_that_comes_back_with_other_names(self):
        """Its stream is understood before and after; what lies between is a partial resync or a full one, and no loop."""
        with server_of("skein") as primary, server_of("skein") as replica:
            follow(replica, primary)
            primary.ask("SET", "key", "v")
            wait_same_data(primary, replica)
            names = primary.folder / "names.conf"
            names.write_text('rename-command DEL ""\nrename-command SELECT ""\nrename-command MULTI ""\n')
            primary.kill()
            primary.arguments = [str(names)]
            primary.start()
            primary.ask("SET", "short", "v", "PX", 1)
            primary.ask("GETDEL", "key")
            wait_link_up(replica)
            wait_until(lambda: primary.ask("DBSIZE") == replica.ask("DBSIZE") == 0, 10, "both to be empty")
            self.assertEqual(int(primary.info("stats")["sync_full"]), 1)


if __name__ == "__main__":
    unittest.main()
