#!/usr/bin/python3
"""A slot is half moved when one of its ends is killed: clients still find every key, and fix ends the move.

By hand, as an operator who moves a slot step by step: what redis-cli does in a moment stands still here.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Cluster, request_bytes, run_redis_cli, wait_until  # noqa: E402
from testbed.clusters import nodes, own_id, unless_loading  # noqa: E402
from testbed.replication import primary_in_cluster, wait_link_up  # noqa: E402
from testbed.slots import tag_of_slot  # noqa: E402

NODE_TIMEOUT = 1000


class HalfMoved(unittest.TestCase):
    """Three shards; of ten keys in a slot of the first one, five have moved. Nothing is on a disk but nodes.conf."""

    def setUp(self):
        self.cluster = Cluster(count=6, **{"cluster-node-timeout": NODE_TIMEOUT, "repl-diskless-sync-delay": 0,
                                           "enable-debug-command": "local"}).start()
        self.addCleanup(self.cluster.stop)
        self.cluster.create(replicas=1)
        self.source, self.target, _ = self.cluster.servers[:3]

    def replica_of(self, primary):
        return next(server for server in self.cluster.alive() if primary_in_cluster(server) == own_id(primary))

    def halve(self):
        first = nodes(self.source)[own_id(self.source)]["slots"][0].split("-")[0]
        self.slot = int(first) + 7
        self.names = [f"{{{tag_of_slot(self.slot)}}}:{number}" for number in range(10)]
        for number, name in enumerate(self.names):
            self.source.ask("SET", name, number)
        self.target.ask("CLUSTER", "SETSLOT", self.slot, "IMPORTING", own_id(self.source))
        self.source.ask("CLUSTER", "SETSLOT", self.slot, "MIGRATING", own_id(self.target))
        self.source.ask("MIGRATE", self.target.host, self.target.port, "", 0, 5000, "KEYS", *self.names[:5])
        self.source.ask("WAIT", 1, 5000)
        self.target.ask("WAIT", 1, 5000)

    def replaced(self, victim):
        """kill -9, and who has taken its place."""
        heir = self.replica_of(victim)
        wait_link_up(heir, 20)
        victim.kill()
        wait_until(lambda: primary_in_cluster(heir) == "-", 20, "the replica to take over")
        return heir

    def every_key_is_found(self, server):
        """As a client finds it that follows MOVED and ASK."""
        def read():
            answers = run_redis_cli("-c", "-p", server.port, given="".join(f"get {name}\n" for name in self.names)).stdout
            self.answers = [line for line in answers.splitlines() if not line.startswith("-> Redirected")]
            return self.answers == [str(number) for number in range(10)]
        try:
            wait_until(read, 10, "all keys to be found")
        except AssertionError as never:
            raise AssertionError(f"{never}: {self.answers}") from None

    def all_are_seen(self):
        views = [unless_loading(lambda server=server: nodes(server)) for server in self.cluster.servers]
        return all(rows and not any("fail" in flag for row in rows.values() for flag in row["flags"]) for rows in views)

    def fixed(self, server):
        wait_until(self.all_are_seen, 30, "all to be there again")
        done = run_redis_cli("--cluster", "fix", server.address, "--cluster-yes", given="yes\n" * 4, timeout=60)
        self.assertEqual(0, done.returncode, done.stdout)
        self.cluster.wait_agreed()
        self.every_key_is_found(server)
        checked = run_redis_cli("--cluster", "check", server.address)
        self.assertNotIn("[ERR]", checked.stdout)
        self.assertNotIn("[WARNING]", checked.stdout)

    def test_the_source_is_killed(self):
        self.halve()
        target = own_id(self.target)
        heir = self.replaced(self.source)
        self.assertIn(f"[{self.slot}->-{target}]", nodes(heir)[own_id(heir)]["slots"])
        wait_until(lambda: f"[{self.slot}-<-{own_id(heir)}]" in nodes(self.target)[target]["slots"], 10,
                   "the target to import from the heir")
        self.every_key_is_found(heir)
        with heir.connect() as client:
            self.assertEqual(f"-ASK {self.slot} {self.target.address}\r\n".encode(), client.request("INCR", self.names[0]))
        self.source.start()
        self.fixed(heir)

    def test_the_target_is_killed(self):
        self.halve()
        heir = self.replaced(self.target)
        wait_until(lambda: f"[{self.slot}->-{own_id(heir)}]" in nodes(self.source)[own_id(self.source)]["slots"], 10,
                   "the source to send to the heir")
        self.every_key_is_found(self.source)
        self.target.start()
        self.fixed(self.source)

    def test_both_are_asked_to_hand_over(self):
        self.halve()
        heirs = [self.replica_of(end) for end in (self.source, self.target)]
        for heir in heirs:
            wait_link_up(heir, 20)
            heir.ask("CLUSTER", "FAILOVER")
            wait_until(lambda heir=heir: primary_in_cluster(heir) == "-", 20, "the replica to take over")
        first, second = heirs
        wait_until(lambda: f"[{self.slot}->-{own_id(second)}]" in nodes(first)[own_id(first)]["slots"], 10,
                   "the new source to know the new target")
        self.every_key_is_found(first)
        self.fixed(first)

    def test_what_is_assigned_while_a_replica_takes_over_waits_for_it(self):
        """The new epoch of SETSLOT would win over that of the election, and undo it."""
        self.halve()
        self.source.ask("MIGRATE", self.target.host, self.target.port, "", 0, 5000, "KEYS", *self.names[5:])
        heir = self.replica_of(self.target)
        wait_link_up(heir, 20)
        target = own_id(self.target)
        bystanders = [server for server in self.cluster.servers
                      if server not in (self.source, self.target) and primary_in_cluster(server) == "-"]
        with self.target.connect() as client:
            # Without them there is no majority, and the election lasts.
            halted = [self.source, *bystanders]
            for server in halted:
                server.signal(19)  # SIGSTOP
            try:
                heir.ask("CLUSTER", "FAILOVER")
                wait_until(lambda: "Manual failover requested by replica" in self.target.log(), 5, "the target to yield")
                client.send(request_bytes("CLUSTER", "SETSLOT", self.slot, "NODE", target))
                wait_until(lambda: "Starting a failover election" in heir.log(), 5, "the election")
            finally:
                for server in halted:
                    server.signal(18)  # SIGCONT
            self.assertEqual(b"-ERR Please use SETSLOT only with masters.\r\n", client.read_reply())
        wait_until(lambda: primary_in_cluster(heir) == "-", 5, "the replica to take over")
        self.fixed(heir)

    def test_a_target_without_slots_is_killed_and_comes_back_empty(self):
        self.target = self.cluster.launch().wait_ready()
        entry = self.source.address
        self.cluster.cli("--cluster", "add-node", self.target.address, entry)
        self.cluster.wait_agreed()
        spare = self.cluster.launch().wait_ready()
        self.cluster.cli("--cluster", "add-node", spare.address, entry, "--cluster-slave", "--cluster-master-id",
                         own_id(self.target))
        self.cluster.wait_agreed()
        wait_link_up(spare, 20)
        self.halve()
        self.target.kill()
        self.target.start()
        wait_until(lambda: primary_in_cluster(spare) == "-", 20, "the replica with the data to take over")
        wait_until(lambda: unless_loading(lambda: primary_in_cluster(self.target)) == own_id(spare), 20,
                   "the empty one to follow it")
        self.every_key_is_found(self.source)
        self.fixed(self.source)


if __name__ == "__main__":
    unittest.main(verbosity=2)
