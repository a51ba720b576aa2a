#!/usr/bin/python3
"""rename-command and replication: the stream carries this server's names, a replica takes its own and the original ones.

Also what a replica does whose full syncs are in vain for a reason that lies in the data or in the names: it asks ever less
often, and says why.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import wait_until  # noqa: E402
from testbed.clusters import nodes, own_id  # noqa: E402
from testbed.replication import digest, follow, server_of, syncs, wait_caught_up, wait_link_up  # noqa: E402

RENAMED = {"DEL": "ZZDEL", "SELECT": "ZSELECT", "MULTI": "ZMULTI", "EXEC": "ZEXEC", "SET": "ZSET", "PEXPIREAT": "ZEXPIRE"}
# What a replica says to its primary included: of that only the acknowledgements are of a replica.
REMOVED = {"DEL": "", "SELECT": "", "MULTI": "", "PERSIST": "", "REPLCONF": ""}


def named(kind, names, **options):
    """A server whose commands have these names; not started."""
    server = server_of(kind, **options)
    path = server.folder / "names.conf"
    path.write_text("".join(f'rename-command {name} "{to}"\n' for name, to in names.items()))
    server.arguments = [str(path)]
    return server


def write_all_kinds(primary, names, start=0):
    """Effects under every name there is: typed ones, and those the server makes of them or on its own."""
    said = {name: names.get(name) or name for name in (*RENAMED, *REMOVED)}
    with primary.connect() as client:
        if names.get("SELECT", "SELECT"):
            client.ask(said["SELECT"], start + 1)
        for number in range(3):
            client.ask(said["SET"], f"key:{start}:{number}", "v")
        client.ask(said["SET"], "gone", "v", "PX", 1)
        client.ask(said["SET"], "later", "v", "EX", 10000)
        client.ask("SETRANGE", "later", 0, "w")
        client.ask("GETEX", "later", "PERSIST")
        client.ask("EXPIRE", "later", 5000)
        client.ask("INCRBYFLOAT", "number", "1.5")
        client.ask("GETDEL", f"key:{start}:0")
        client.ask("EXPIRE", f"key:{start}:1", -1)
        if names.get("DEL", "DEL"):
            client.ask(said["DEL"].lower(), f"key:{start}:2")
        if names.get("MULTI", "MULTI"):
            client.ask(said["MULTI"])
            client.ask("INCR", "counter")
            client.ask("APPEND", "counter", "7")
            client.ask(said["EXEC"])
        wait_until(lambda: client.ask("EXISTS", "gone") == 0, 5, "the key to expire")


class Renamed(unittest.TestCase):
    def run_pair(self, primary_kind, replica_kind, names, replica_names=None):
        with named(primary_kind, names) as primary, \
                named(replica_kind, names if replica_names is None else replica_names) as replica:
            follow(replica, primary)
            write_all_kinds(primary, names)
            wait_caught_up(primary, replica)
            self.assertEqual(digest(primary), digest(replica))
            self.assertEqual(syncs(primary), (1, 0), replica.log()[-2000:])

    def test_both_sides_have_the_same_names(self):
        self.run_pair("skein", "skein", RENAMED)
        self.run_pair("skein", "skein", REMOVED)

    def test_redis_replicas_know_what_skein_sends_by_their_own_names(self):
        self.run_pair("skein", "redis", RENAMED)

    def test_skein_replicas_know_what_redis_sends_by_either_name(self):
        self.run_pair("redis", "skein", RENAMED)
        self.run_pair("redis", "skein", {name: to for name, to in REMOVED.items() if name != "REPLCONF"})

    def test_a_primary_without_other_names(self):
        for kind in ("skein", "redis"):
            with self.subTest(primary=kind):
                self.run_pair(kind, "skein", {}, RENAMED)
                self.run_pair(kind, "skein", {}, REMOVED)

    def test_chains_and_heirs(self):
        with named("skein", RENAMED) as first, named("skein", RENAMED) as second, named("skein", RENAMED) as third:
            follow(second, first)
            follow(third, second)
            write_all_kinds(first, RENAMED)
            wait_caught_up(first, second, third)
            second.ask("REPLICAOF", "NO", "ONE")
            wait_link_up(third)
            write_all_kinds(second, RENAMED, start=5)
            wait_caught_up(second, third)
            self.assertEqual(digest(second), digest(third))
            self.assertEqual(syncs(second)[0], 1)


class InVain(unittest.TestCase):
    def test_a_stream_nobody_here_understands(self):
        """Each full sync goes well, and the first write behind it is unknown: seconds lie between them, then minutes."""
        with named("skein", RENAMED) as primary, server_of("skein") as replica:
            follow(replica, primary)
            with primary.connect() as client:
                def failures():
                    # Another write for each link that comes up.
                    client.ask("ZSET", "key", "v")
                    return int(replica.info("replication").get("master_sync_failures", 0))

                wait_until(lambda: failures() >= 3, 20, "three full syncs in vain")
            facts = replica.info("replication")
            self.assertIn("unknown command", facts["master_sync_last_failure"])
            self.assertEqual(facts["master_link_status"], "down")
            self.assertGreaterEqual(int(facts["master_sync_retry_in_seconds"]), 2)
            self.assertLessEqual(syncs(primary)[0], 4)

    def test_data_of_types_that_are_not_there(self):
        with server_of("redis") as primary, server_of("skein") as replica:
            primary.ask("SET", "old", "v")
            follow(replica, primary)
            replica.ask("REPLICAOF", "NO", "ONE")
            primary.ask("RPUSH", "a list", "v")
            primary.ask("DEBUG", "CHANGE-REPL-ID")
            replica.ask("REPLICAOF", primary.host, primary.port)
            wait_until(lambda: "master_sync_failures" in replica.info("replication"), 20, "the refusal")
            facts = replica.info("replication")
            self.assertIn('key "a list" is of type', facts["master_sync_last_failure"])
            self.assertIn("cannot be held here", facts["master_sync_last_failure"])
            self.assertNotIn("damaged", facts["master_sync_last_failure"])
            self.assertGreater(int(facts["master_sync_retry_in_seconds"]), 60)
            self.assertEqual(replica.ask("GET", "old"), b"v", "what there was is served on")
            # Once it can be held nobody has to wait for the minutes to pass.
            primary.ask("DEL", "a list")
            replica.ask("REPLICAOF", primary.host, primary.port)
            wait_link_up(replica)
            wait_until(lambda: "master_sync_failures" not in replica.info("replication"), 5, "the failure to be over")
            self.assertEqual(syncs(primary)[0], 3)

    def test_in_a_cluster_the_doctor_tells(self):
        options = {"cluster_enabled": "yes", "cluster_node_timeout": 5000}
        with server_of("redis", **options) as primary, server_of("skein", **options) as replica:
            primary.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            replica.ask("CLUSTER", "MEET", primary.host, primary.port)
            wait_until(lambda: len(nodes(replica)) == 2 and "handshake" not in str(nodes(replica)), 20, "the meeting")
            wait_until(lambda: replica.ask("CLUSTER", "INFO").startswith(b"cluster_state:ok"), 20, "the cluster")
            wait_until(lambda: primary.ask("CLUSTER", "INFO").startswith(b"cluster_state:ok"), 20, "the primary's cluster")
            primary.ask("RPUSH", "a list", "v")
            replica.ask("CLUSTER", "REPLICATE", own_id(primary))
            wait_until(lambda: "a list" in str(replica.ask("CLUSTER", "DOCTOR")), 30, "the doctor's word")
            self.assertGreater(int(replica.info("replication")["master_sync_retry_in_seconds"]), 60)
            self.assertEqual(syncs(primary)[0], 1)


if __name__ == "__main__":
    unittest.main()
