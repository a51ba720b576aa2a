#!/usr/bin/python3
"""Five tutorials on clusters, walked through from the first start to the last repair with stock redis-cli.

Each is a class whose steps run in order; the first failure skips the rest. Addresses are moved to
loopback: 127.0.0.11, .12 and .13 are the three hosts, 127.0.0.21 is the one host's LAN address.
Ports are free ones. Node timeouts are short where a tutorial does not fix them. With SKEIN_SERVER
set to redis-server the steps prove themselves, as far as redis-server can do them.

  tutorial_test.py ByHand OnOneHost OnThreeHosts ByTheOldTool ByTemplate
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Connection, Server, beyond_redis, free_ports, run_redis_cli, server_binary, wait_until  # noqa: E402
from testbed.clusters import info, nodes, own_id  # noqa: E402
from testbed.daemons import Daemon  # noqa: E402
from testbed.reference import TESTING_REDIS  # noqa: E402
from testbed.stories import CLEAN, Story  # noqa: E402
from testbed.terminal import Terminal, interview  # noqa: E402

HOSTS = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
LAN = "127.0.0.21"


# What the tests' network needs beyond the printed files: redis-server leaves from 127.0.0.1 otherwise,
# as if all hosts were one.
def source_address(host):
    return f"bind-source-addr {host}\n" if TESTING_REDIS else ""


class ByHand(Story):
    """Three hosts with two nodes each, files by hand; grown, cut, balanced, fed from outside."""

    FILE = """bind {host}
protected-mode yes
port {port}
tcp-backlog 511
timeout 0
tcp-keepalive 300
daemonize yes
pidfile "{run}/redis_{port}.pid"
logfile "{run}/redis_{port}.log"
dir "{data}"
cluster-enabled yes{comment1}
cluster-config-file nodes-{port}.conf{comment2}
cluster-node-timeout 15000{comment3}
"""
    COMMENTS = ("", "", "") if TESTING_REDIS else ("\t\t#switches the cluster on", "\t\t#made at the first start",
                                                  "\t\t#15 seconds")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # 6379 and 6380 on every host, 6381 and 6382 on the first.
        cls.ports = free_ports(4, HOSTS)

    def text(self, host, port, data):
        comments = dict(zip(("comment1", "comment2", "comment3"), self.COMMENTS))
        return self.FILE.format(host=host, port=port, run=self.folder / host, data=data, **comments) + source_address(host)

    def daemon(self, host, port, text):
        path = self.folder / host / f"redis_{port}.conf"
        path.parent.mkdir(exist_ok=True)
        return Daemon(path, text, host, port, self.folder / host / f"redis_{port}.pid")

    def node(self, number, host=0):
        """By the last digit of the tutorial's port: node(9, 1) is 192.168.56.12:6379."""
        port = self.ports[{9: 0, 0: 1, 1: 2, 2: 3}[number]]
        return next(server for server in self.servers if (server.host, server.port) == (HOSTS[host], port))

    def test_01_the_folder_has_to_be_there(self):
        data = self.folder / "nowhere"
        daemon = self.daemon(HOSTS[0], self.ports[0], self.text(HOSTS[0], self.ports[0], data))
        with self.assertRaises(AssertionError) as refused:
            daemon.launch()
        self.assertIn("No such file or directory", str(refused.exception) + daemon_log(daemon))

    def test_02_start(self):
        for host in HOSTS:
            for port in self.ports[:2]:
                data = self.folder / host / f"data_{port}"
                data.mkdir(parents=True)
                daemon = self.daemon(host, port, self.text(host, port, data))
                self.servers.append(daemon.launch())
        for server in self.servers:
            server.wait_ready()
            self.assertEqual(f"{server_binary()} {server.address} [cluster]", server.title())
            self.assertTrue((self.folder / server.host / f"data_{server.port}" / f"nodes-{server.port}.conf").exists())
            greppable = [line for line in server.path.read_text().splitlines() if line and "#" not in line]
            self.assertIn(f"port {server.port}", greppable)
        # The client port and the bus, on this address alone.
        for host in HOSTS:
            for port in (self.ports[0], self.ports[0] + 10000):
                Connection(port, host).close()
        for port in (self.ports[0], self.ports[0] + 10000):
            with self.assertRaises(OSError):
                Connection(port, "127.0.0.14")

    def test_03_create(self):
        output = self.create([f"{host}:{port}" for host in HOSTS for port in self.ports[:2]])
        self.assertEqual(3, len(re.findall(r"Adding replica ", output)))
        self.wait_agreed()
        rows = nodes(self.node(9))
        for row in rows.values():
            if "slave" in row["flags"]:
                self.assertNotEqual(row["address"].split(":")[0], rows[row["master"]]["address"].split(":")[0])

    def test_04_use(self):
        first, third = self.node(9).address, self.node(9, 2).address
        entry = self.node(0)
        with Terminal("-c", "-h", entry.host, "-p", entry.port) as terminal:
            self.assertEqual(entry.address, terminal.prompt)
            # Whether k2's node is the one that answers depends on who replicates whom; the keys' slots do not.
            self.assertEqual([f"-> Redirected to slot [12706] located at {third}", "OK"], terminal.type("set k1 123"))
            self.assertEqual(third, terminal.prompt)
            self.assertEqual([f"-> Redirected to slot [449] located at {first}", "OK"], terminal.type("set k2 abc"))
            self.assertEqual(first, terminal.prompt)
            self.assertEqual(["OK"], terminal.type("set k3 efg"))
            self.assertEqual(['"k2"', '"k3"'], sorted(re.sub(r"^\d+\) ", "", line) for line in terminal.type("KEYS *")))
            self.assertEqual([f"-> Redirected to slot [12706] located at {third}", '"123"'], terminal.type("get k1"))
            self.assertEqual([f"-> Redirected to slot [449] located at {first}", '"abc"'], terminal.type("get k2"))
            self.assertEqual(['"efg"'], terminal.type("get k3"))

    def test_05_check(self):
        output = self.check(self.node(9))
        for host, (keys, slots) in enumerate(((2, 5461), (0, 5462), (1, 5461))):
            self.assert_summary(output, self.node(9, host), keys, slots, 1)
        self.assert_lines(output, "[OK] 3 keys in 3 masters.", "0.00 keys per slot on average.")
        self.assert_primary(output, self.node(9), "[0-5460] (5461 slots) master", 1)

    def test_06_two_more_nodes(self):
        """Copies of a file in which only port, pid, log and folder are changed; the nodes file keeps its name."""
        copied = self.node(0).path.read_text()
        for port in self.ports[2:]:
            data = self.folder / HOSTS[0] / f"data_{port}"
            data.mkdir()
            text = copied.replace(f"port {self.ports[1]}", f"Port {port}")
            for name in ("pid", "log"):
                text = text.replace(f"redis_{self.ports[1]}.{name}", f"redis_{port}.{name}")
            text = text.replace(f"data_{self.ports[1]}", f"data_{port}")
            daemon = self.daemon(HOSTS[0], port, text).launch()
            self.servers.append(daemon.wait_ready())
            self.assertEqual(f"{server_binary()} {daemon.address} [cluster]", daemon.title())
            self.assertTrue((data / f"nodes-{self.ports[1]}.conf").exists())

    def test_07_add_a_primary(self):
        new, entry = self.node(1), self.node(9)
        output = self.cli("--cluster", "add-node", new.address, entry.address)
        self.assert_lines(output, f">>> Adding node {new.address} to cluster {entry.address}",
                          f">>> Performing Cluster Check (using node {entry.address})", *CLEAN,
                          f">>> Send CLUSTER MEET to node {new.address} to make it join the cluster.",
                          "[OK] New node added correctly.")
        wait_until(lambda: len(nodes(entry)) == 7, 10, "the new node")
        self.wait_agreed(*(server for server in self.servers if server is not self.node(2)))
        output = self.check(entry)
        self.assert_summary(output, new, 0, 0, 0)
        self.assertIn("[OK] 3 keys in 4 masters.", output)
        self.assert_lines(output, f"M: {own_id(new)} {new.address}", "   slots: (0 slots) master")

    def test_08_add_a_replica(self):
        new, entry = self.node(2), self.node(9)
        output = self.cli("--cluster", "add-node", new.address, entry.address, "--cluster-slave")
        self.assert_lines(output, *CLEAN, f"Automatically selected master {self.node(1).address}",
                          f">>> Send CLUSTER MEET to node {new.address} to make it join the cluster.",
                          "Waiting for the cluster to join", f">>> Configure node as replica of {self.node(1).address}.",
                          "[OK] New node added correctly.")
        self.wait_agreed()
        output = self.check(entry)
        self.assert_summary(output, self.node(1), 0, 0, 1)
        self.assert_lines(output, f"S: {own_id(new)} {new.address}", "   slots: (0 slots) slave",
                          f"   replicates {own_id(self.node(1))}")

    def test_09_reshard(self):
        receiver = self.node(1)
        output = self.reshard(self.node(9), 100, receiver, [self.node(9), self.node(9, 2)])
        self.assert_lines(output, "    Moving slot 0 from " + own_id(self.node(9)), "    Moving slot 1 from " + own_id(self.node(9)))
        self.assert_lines(output, f"Moving slot 0 from {self.node(9).address} to {receiver.address}: ")
        output = self.check(self.node(9))
        self.assert_primary(output, receiver, "[0-49],[10923-10972] (100 slots) master", 1)

    def test_10_remove_the_replica(self):
        leaving, entry = self.node(2), self.node(9)
        output = self.cli("--cluster", "del-node", leaving.address, own_id(leaving))
        self.assert_lines(output, f">>> Removing node {own_id(leaving)} from cluster {leaving.address}",
                          ">>> Sending CLUSTER FORGET messages to the cluster...",
                          ">>> Sending CLUSTER RESET SOFT to the deleted node.")
        leaving.end()
        self.wait_agreed()
        output = self.check(entry)
        for server, slots, replicas in ((self.node(9), 5411, 1), (self.node(9, 1), 5462, 1), (self.node(1), 100, 0),
                                        (self.node(9, 2), 5411, 1)):
            self.assert_summary(output, server, slots=slots, replicas=replicas)
        self.assert_primary(output, self.node(9), "[50-5460] (5411 slots) master", 1)
        self.assert_primary(output, self.node(9, 2), "[10973-16383] (5411 slots) master", 1)

    def test_11_a_node_with_slots_is_not_removed(self):
        leaving = self.node(1)
        done = run_redis_cli("--cluster", "del-node", leaving.address, own_id(leaving))
        self.assertNotEqual(0, done.returncode)
        self.assert_lines(done.stdout, f">>> Removing node {own_id(leaving)} from cluster {leaving.address}",
                          f"[ERR] Node {leaving.address} is not empty! Reshard data away and try again.")

    def test_12_empty_it_and_remove_it(self):
        leaving = self.node(1)
        self.reshard(leaving, 100, self.node(9, 2), [leaving])
        self.wait_agreed()
        output = self.check(self.node(9))
        self.assert_summary(output, self.node(9), 2, 5411, 1)
        self.assert_summary(output, self.node(9, 2), 1, 5511)
        output = self.cli("--cluster", "del-node", leaving.address, own_id(leaving))
        self.assert_lines(output, ">>> Sending CLUSTER FORGET messages to the cluster...")
        leaving.end()
        self.wait_agreed()
        self.assertEqual(6, len(nodes(self.node(9))))

    def test_13_balance(self):
        entry = self.node(9)
        for source, count in ((self.node(9), 995), (self.node(9, 1), 1005)):
            self.reshard(entry, count, self.node(9, 2), [source])
        self.wait_agreed()
        output = self.check(entry)
        for server, slots in ((entry, 4416), (self.node(9, 1), 4457), (self.node(9, 2), 7511)):
            self.assert_summary(output, server, slots=slots, replicas=1)

        output = self.cli("--cluster", "rebalance", "--cluster-threshold", "1", entry.address)
        self.assert_lines(output, *CLEAN, ">>> Rebalancing across 3 nodes. Total weight = 3.00",
                          f"Moving 1046 slots from {self.node(9, 2).address} to {entry.address}", re.compile("#+"),
                          f"Moving 1004 slots from {self.node(9, 2).address} to {self.node(9, 1).address}", re.compile("#+"))
        self.wait_agreed()
        output = self.check(entry)
        for server, slots in ((entry, 5462), (self.node(9, 1), 5461), (self.node(9, 2), 5461)):
            self.assert_summary(output, server, slots=slots, replicas=1)
        output = self.cli("--cluster", "rebalance", "--cluster-threshold", "1", entry.address)
        self.assert_lines(output, "*** No rebalancing needed! All nodes are within the 1.00% threshold.")

    def test_14_import(self):
        """Node 6381 comes back as a plain server with keys of its own."""
        plain, entry = self.node(1), self.node(9)
        plain.path.write_text("".join(line for line in plain.path.read_text().splitlines(True)
                                      if not line.startswith("cluster-")))
        plain.start()
        self.assertEqual(f"{server_binary()} {plain.address}", plain.title())
        with Terminal("-h", plain.host, "-p", plain.port) as terminal:
            self.assertEqual(["(empty array)"], terminal.type("KEYS *"))
            self.assertEqual(["OK"], terminal.type("set k0 aaa"))
            self.assertEqual(["OK"], terminal.type("set k5 bbb"))

        words = ("--cluster", "import", entry.address, "--cluster-from", plain.address, "--cluster-copy")
        output = self.cli(*words)
        self.assert_lines(output, f">>> Importing data from {plain.address} to cluster {entry.address}",
                          f">>> Performing Cluster Check (using node {entry.address})", *CLEAN,
                          "*** Importing 2 keys from DB 0")
        self.assert_lines(output, f"Migrating k5 to {self.node(9, 2).address}: OK")
        self.assert_lines(output, f"Migrating k0 to {self.node(9, 1).address}: OK")
        with Terminal("-c", "-h", entry.host, "-p", entry.port) as terminal:
            self.assertEqual([f"-> Redirected to slot [8579] located at {self.node(9, 1).address}", '"aaa"'],
                             terminal.type("get k0"))
            self.assertEqual([f"-> Redirected to slot [12582] located at {self.node(9, 2).address}", '"bbb"'],
                             terminal.type("get k5"))
        self.assertEqual(b"aaa", plain.ask("GET", "k0"))

        # Copying alone does not overwrite; replacing does.
        plain.ask("SET", "k0", "changed")
        again = run_redis_cli(*words)
        self.assertIn("BUSYKEY", again.stdout)
        self.assertNotIn("changed", self.cli("-c", "-h", entry.host, "-p", entry.port, "get", "k0"))
        output = self.cli(*words, "--cluster-replace")
        self.assert_lines(output, f"Migrating k0 to {self.node(9, 1).address}: OK")
        self.assertIn("changed", self.cli("-c", "-h", entry.host, "-p", entry.port, "get", "k0"))


def daemon_log(daemon):
    logs = [line.split()[1].strip('"') for line in daemon.path.read_text().splitlines() if line.startswith("logfile")]
    return "".join(pathlib.Path(path).read_text() for path in logs if pathlib.Path(path).exists())


class OnOneHost(Story):
    """Six containers on one host's network, options on the command line alone; failover by docker stop."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ports = free_ports(8, ("127.0.0.1", LAN))

    def docker_run(self, number):
        """What the image's entry point makes of it: the folder /data as working folder, protected mode off."""
        folder = self.folder / f"redis-node-{number}"
        folder.mkdir()
        server = Server(port=self.ports[number - 1], host=LAN, folder=folder)
        server.options = {"cluster-enabled": "yes", "appendonly": "yes", "port": server.port}
        # The test's network.
        server.options |= {"bind": ["127.0.0.1", LAN], "bind-source-addr": LAN, "protected-mode": "no",
                           "cluster-node-timeout": 2000}
        self.servers.append(server.launch())
        return server

    def container(self, number):
        return next(server for server in self.servers if server.port == self.ports[number - 1])

    def docker_stop(self, server):
        """TERM, and KILL ten seconds later: it has to end by the first."""
        server.terminate(timeout=10)

    def test_01_start(self):
        for number in range(1, 7):
            self.docker_run(number)
        for server in self.servers:
            server.wait_ready()
            self.assertTrue((server.folder / "nodes.conf").exists())
            self.assertNotEqual("", server.log(), "it stays in the foreground and says what it does")

    def test_02_create(self):
        output = self.create([server.address for server in self.servers])
        self.assertIn("[WARNING] Some slaves are in the same host as their master", output)
        self.wait_agreed()

    def test_03_cluster_info(self):
        def shown():
            with Terminal("-p", self.ports[0]) as terminal:
                return terminal.type("cluster info")

        facts = dict(line.split(":") for line in shown())
        for name, value in (("state", "ok"), ("slots_assigned", "16384"), ("slots_ok", "16384"), ("slots_pfail", "0"),
                            ("slots_fail", "0"), ("known_nodes", "6"), ("size", "3"), ("current_epoch", "6"), ("my_epoch", "1")):
            self.assertEqual(value, facts[f"cluster_{name}"], name)
        for name in ("ping_sent", "pong_sent", "sent", "ping_received", "pong_received", "meet_received", "received"):
            if name != "meet_received" or f"cluster_stats_messages_{name}" in facts:
                self.assertGreater(int(facts[f"cluster_stats_messages_{name}"]), 0, name)

    def test_04_cluster_nodes(self):
        output = self.cli("-p", self.ports[0], "cluster", "nodes").strip().splitlines()
        self.assertEqual(6, len(output))
        line = re.compile(rf"^[0-9a-f]{{40}} {LAN}:(\d+)@1?\d+ (myself,)?(master|slave) (-|[0-9a-f]{{40}}) 0 \d+ \d+ connected"
                          r"( \d+-\d+)?$")
        for each in output:
            self.assertRegex(re.sub(r" [1-9]\d{12} (\d{1,13}) ", r" 0 \1 ", each), line)
        replicas = [each for each in output if " slave " in each]
        for each in replicas:
            primary = next(other for other in output if other.startswith(each.split()[3]))
            self.assertEqual(primary.split()[6], each.split()[6], "a replica shows its primary's epoch")

    def test_05_without_and_with_c(self):
        third = self.container(3).address
        with Terminal("-p", self.ports[0]) as terminal:
            self.assertEqual(["(empty array)"], terminal.type("keys *"))
            self.assertEqual([f"(error) MOVED 12706 {third}"], terminal.type("set k1 v1"))
        with Terminal("-c", "-p", self.ports[0]) as terminal:
            self.assertEqual([f"-> Redirected to slot [12706] located at {third}", "OK"], terminal.type("set k1 v1"))
            self.assertEqual(third, terminal.prompt)
        output = self.check(self.container(1))
        self.assert_summary(output, self.container(3), 1, 5461, 1)
        self.assertIn("[OK] 1 keys in 3 masters.", output)

    def replica_of(self, primary):
        return next(server for server in self.alive() if self.row(server, server)["master"] == own_id(primary))

    def test_06_failover_by_stopping(self):
        first, second = self.container(1), self.container(2)
        type(self).successor = self.replica_of(first)
        wait_until(lambda: self.successor.info("replication")["master_link_status"] == "up", 20, "the link")
        gone = own_id(first)
        self.docker_stop(first)

        def replaced():
            row, new = nodes(second)[gone], self.row(second, self.successor)
            return (row["flags"] == ["master", "fail"] and row["slots"] == [] and row["link"] == "disconnected"
                    and new["flags"] == ["master"] and new["slots"] == ["0-5460"]) and (row, new)

        row, new = wait_until(replaced, 20, f"the failover: {nodes(second)}")
        self.assertEqual(("-", 1), (row["master"], row["epoch"]))
        self.assertEqual(7, new["epoch"])
        self.wait_agreed()

    def test_07_the_old_primary_returns_as_replica(self):
        first = self.container(1)
        first.launch().wait_ready()
        wait_until(lambda: self.row(first, first)["master"] == own_id(self.successor), 20, "its role")
        output = self.cli("-c", "-p", first.port, "cluster", "nodes")
        self.assertRegex(output, rf"(?m)^{own_id(first)} {re.escape(first.address)}@\d+ myself,slave {own_id(self.successor)} "
                         r"0 \d+ 7 connected$")
        with Terminal("-c", "-p", first.port) as terminal:
            self.assertIn("unknown subcommand 'nodes;'", " ".join(terminal.type("cluster nodes;")))
        self.wait_agreed()

    def test_08_and_back(self):
        first = self.container(1)
        wait_until(lambda: first.info("replication")["master_link_status"] == "up", 20, "the link")
        gone = own_id(self.successor)
        self.docker_stop(self.successor)
        wait_until(lambda: "fail" in nodes(first)[gone]["flags"] and self.row(first, first)["slots"] == ["0-5460"], 20,
                   "the failover")
        self.successor.launch().wait_ready()
        wait_until(lambda: nodes(first)[gone]["master"] == own_id(first), 20, "its role")
        self.assertEqual((["master"], 8), (self.row(first, first)["flags"], self.row(first, first)["epoch"]))
        self.wait_agreed()
        self.assertEqual("v1\n", self.cli("-c", "-p", first.port, "get", "k1").split("\n", 0)[-1][-3:])

    def test_09_two_more(self):
        new, entry = self.docker_run(7).wait_ready(), self.container(1)
        self.docker_run(8).wait_ready()
        output = self.cli("--cluster", "add-node", new.address, entry.address)
        self.assert_lines(output, f">>> Adding node {new.address} to cluster {entry.address}", *CLEAN,
                          f">>> Send CLUSTER MEET to node {new.address} to make it join the cluster.",
                          "[OK] New node added correctly.")
        self.wait_agreed(*self.servers[:7])
        output = self.check(entry)
        self.assert_summary(output, new, 0, 0, 0)
        self.assertIn("[OK] 1 keys in 4 masters.", output)

    def test_10_reshard_from_all(self):
        new, entry = self.container(7), self.container(1)
        output = self.reshard(entry, 4096, new, "all")
        self.assertIn(f"    Moving slot 12287 from {own_id(self.container(3))}", output)
        for source, count in ((1, 1365), (2, 1366), (3, 1365)):
            plan = re.findall(rf"    Moving slot \d+ from {own_id(self.container(source))}", output)
            self.assertEqual(count, len(plan), source)
        self.wait_agreed(*self.servers[:7])
        output = self.check(entry)
        self.assert_primary(output, new, "[0-1364],[5461-6826],[10923-12287] (4096 slots) master")
        for number, slots in ((1, "[1365-5460]"), (2, "[6827-10922]"), (3, "[12288-16383]")):
            self.assert_summary(output, self.container(number), slots=4096, replicas=1)
            self.assert_primary(output, self.container(number), f"{slots} (4096 slots) master", 1)

    def test_11_its_replica(self):
        new, entry = self.container(8), self.container(7)
        output = self.cli("--cluster", "add-node", new.address, entry.address, "--cluster-slave", "--cluster-master-id",
                          own_id(entry))
        self.assert_lines(output, f">>> Performing Cluster Check (using node {entry.address})", *CLEAN,
                          f">>> Send CLUSTER MEET to node {new.address} to make it join the cluster.",
                          "Waiting for the cluster to join", f">>> Configure node as replica of {entry.address}.",
                          "[OK] New node added correctly.")
        self.wait_agreed()
        output = self.check(self.container(2))
        for number in (1, 2, 3, 7):
            self.assert_summary(output, self.container(number), slots=4096, replicas=1)

    def test_12_smaller_again(self):
        first, seventh, eighth = self.container(1), self.container(7), self.container(8)
        output = self.cli("--cluster", "del-node", eighth.address, own_id(eighth))
        self.assert_lines(output, ">>> Sending CLUSTER FORGET messages to the cluster...")
        eighth.terminate()
        self.wait_agreed()
        self.reshard(first, 4096, first, [seventh])
        self.wait_agreed()
        output = self.check(first)
        self.assert_summary(output, first, slots=8192)
        self.assert_primary(output, first, "[0-6826],[10923-12287] (8192 slots) master")
        self.cli("--cluster", "del-node", seventh.address, own_id(seventh))
        seventh.terminate()
        self.wait_agreed()
        output = self.check(first)
        self.assertIn("[OK] 1 keys in 3 masters.", output)
        for number, slots in ((1, 8192), (2, 4096), (3, 4096)):
            self.assert_summary(output, self.container(number), slots=slots, replicas=1)


class OnThreeHosts(Story):
    """The long file with passwords, two daemons a host that share a folder, stopped by QUIT; growth by MEET."""

    password = "123123"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ports = free_ports(3, (*HOSTS, "127.0.0.1"))
        for host in HOSTS:
            (cls.folder / host / "log").mkdir(parents=True)
            (cls.folder / host / "data").mkdir()

    def daemon(self, host, port):
        text = LONG_FILE.format(port=port, home=self.folder / host)
        # The test's network: the file itself has no bind.
        addresses = f"{host} 127.0.0.1" if host == HOSTS[0] else host
        text += f"bind {addresses}\nbind-source-addr {host}\ncluster-node-timeout 2000\n"
        path = self.folder / host / f"redis_{port}.conf"
        daemon = Daemon(path, text, host, port, self.folder / host / "log" / f"redis_{port}.pid", password=self.password)
        self.servers.append(daemon)
        return daemon

    def systemctl_stop(self, daemon):
        """ExecStop=/bin/kill -s QUIT; redis-server has no handler for it and would leave its pid file."""
        daemon.end(signal.SIGTERM if TESTING_REDIS else signal.SIGQUIT)
        self.assertFalse(daemon.pid_file.exists())

    def node(self, number, host):
        """node(6379, 1) is the second host's first."""
        port = self.ports[{6379: 0, 6479: 1, 6579: 2}[number]]
        return next(server for server in self.servers if (server.host, server.port) == (HOSTS[host], port))

    def test_01_start(self):
        for host in HOSTS:
            for port in self.ports[:2]:
                daemon = self.daemon(host, port).start()
                title = daemon.title()
                self.assertRegex(title, rf"{re.escape(server_binary())} (\*|{re.escape(host)}):{port} \[cluster\]")
        self.assertEqual(2, len(list((self.folder / HOSTS[0] / "data").glob("nodes-*.conf"))))

    def test_02_a_busy_port_is_told(self):
        busy = self.node(6379, 0)
        done = subprocess.run([server_binary(), str(busy.path), "--daemonize", "no", "--logfile", "", "--cluster-config-file",
                               "other.conf"], capture_output=True, text=True, timeout=20, check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("Address already in use", done.stdout + done.stderr)

    def test_03_wiped_and_started_again(self):
        first = self.node(6379, 0)
        before = own_id(first)
        for host in range(3):
            for port in (6379, 6479):
                self.systemctl_stop(self.node(port, host))
        for host in HOSTS:
            for path in (self.folder / host / "data").iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for server in self.servers:
            server.start()
        self.assertNotEqual(before, own_id(first))

    def test_04_create(self):
        addresses = [f"{host}:{port}" for host in HOSTS for port in self.ports[:2]]
        output = self.create(addresses)
        self.assertEqual(3, output.count("   1 additional replica(s)"))
        warned = run_redis_cli("-a", self.password, "-h", HOSTS[0], "-p", self.ports[0], "ping")
        self.assertIn("Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.",
                      warned.stdout)
        self.wait_agreed()

    def test_05_cluster_nodes(self):
        with Terminal("-h", "127.0.0.1", "-p", self.ports[0], *self.words(), "-c") as terminal:
            lines = terminal.type("cluster nodes")
        self.assertEqual(6, len(lines))
        self.assertEqual(3, sum(" slave " in line for line in lines))
        refused = run_redis_cli("-h", HOSTS[0], "-p", self.ports[0], "cluster", "nodes")
        self.assertIn("NOAUTH", refused.stdout)

    def test_06_stop_a_primary(self):
        watcher, second = self.node(6379, 0), self.node(6379, 1)
        type(self).victim = second
        type(self).successor = next(server for server in self.servers
                                    if self.row(server, server)["master"] == own_id(second))
        wait_until(lambda: self.successor.info("replication")["master_link_status"] == "up", 20, "the link")
        gone = own_id(second)
        self.systemctl_stop(second)
        wait_until(lambda: nodes(watcher)[gone]["link"] == "disconnected", 10, "the link to break")
        wait_until(lambda: nodes(watcher)[gone]["flags"] == ["master", "fail"], 20, "fail")
        wait_until(lambda: self.row(watcher, self.successor)["slots"] == ["5461-10922"], 10, "the successor")
        row = self.row(watcher, self.successor)
        self.assertEqual((["master"], "-", 7), (row["flags"], row["master"], row["epoch"]))
        self.assertEqual([], nodes(watcher)[gone]["slots"])
        self.wait_agreed()

    def test_07_it_returns_as_replica(self):
        self.victim.start()
        watcher = self.node(6379, 0)

        def returned():
            row = self.row(watcher, self.victim)
            return (row["flags"], row["master"], row["epoch"], row["link"]) == (["slave"], own_id(self.successor), 7, "connected")

        wait_until(returned, 20, f"its role: {nodes(watcher)}")
        self.wait_agreed()

    def test_08_and_is_made_primary_by_hand(self):
        wait_until(lambda: self.victim.info("replication")["master_link_status"] == "up", 20, "the link")
        # It has only just come back: redis too refuses while the bus link is not there.
        wait_until(lambda: self.row(self.victim, self.successor)["link"] == "connected", 10, "the bus link")
        with Terminal("-h", self.victim.host, "-p", self.victim.port, *self.words(), "-c") as terminal:
            self.assertEqual(["OK"], terminal.type("cluster failover"))
        wait_until(lambda: self.row(self.victim, self.victim)["slots"] == ["5461-10922"], 15, "the switch")
        self.assertEqual(8, self.row(self.victim, self.victim)["epoch"])
        self.wait_agreed()
        self.assertEqual(own_id(self.victim), self.row(self.victim, self.successor)["master"])

    def test_09_two_more_by_meet(self):
        entry = self.node(6379, 1)
        new = [self.daemon(HOSTS[host], self.ports[2]).start() for host in (0, 1)]
        with Terminal("-h", entry.host, "-p", entry.port, *self.words(), "-c") as terminal:
            for server in new:
                self.assertEqual(["OK"], terminal.type(f"cluster meet {server.host} {server.port}"))
        wait_until(lambda: len(nodes(entry)) == 8 and not any("handshake" in row["flags"] for row in nodes(entry).values()),
                   20, "both")
        self.wait_agreed()
        for server in new:
            self.assertEqual((["master"], []), (self.row(entry, server)["flags"], self.row(entry, server)["slots"]))

    def test_10_reshard_by_the_loopback_address(self):
        """`all` would take from the empty node too: it has none."""
        entry, receiver = self.node(6379, 1), self.node(6579, 1)
        local = Server(port=self.ports[0], host="127.0.0.1", password=self.password)
        self.reshard(local, 4096, receiver, "all")
        self.wait_agreed()
        row = self.row(entry, receiver)
        self.assertEqual(["0-1364", "5461-6826", "10923-12287"], row["slots"])
        self.assertEqual(max(each["epoch"] for each in nodes(entry).values()), row["epoch"])
        shutil.rmtree(local.folder)

    def test_11_replicate(self):
        empty, primary = self.node(6579, 0), self.node(6579, 1)
        with Terminal(*self.words(), "-h", empty.host, "-p", empty.port, "-c") as terminal:
            self.assertEqual(["OK"], terminal.type(f"cluster replicate  {own_id(primary)}"))
        self.wait_agreed()
        self.assertEqual(own_id(primary), self.row(self.node(6379, 0), empty)["master"])
        wait_until(lambda: empty.info("replication")["master_link_status"] == "up", 20, "the link")
        self.assertIn("4 masters", self.check(self.node(6379, 0)))


# 77 lines; the instances of a host differ by port, names of files and nothing else.
LONG_FILE = """protected-mode yes
port {port}
tcp-backlog 511
timeout 0
tcp-keepalive 300
daemonize yes
pidfile "{home}/log/redis_{port}.pid"
loglevel warning
logfile "{home}/log/redis_{port}.log"
databases 16
always-show-logo no
set-proc-title yes
proc-title-template "{{title}} {{listen-addr}} {{server-mode}}"
stop-writes-on-bgsave-error yes
rdbcompression yes
rdbchecksum yes
dbfilename "dump_{port}.rdb"
rdb-del-sync-files no
dir "{home}/data"
save 3600 1
save 300 100
save 60 10000
replica-serve-stale-data yes
replica-read-only yes
repl-diskless-sync yes
repl-diskless-sync-delay 5
repl-diskless-sync-max-replicas 0
repl-diskless-load disabled
repl-disable-tcp-nodelay no
replica-priority 100
acllog-max-len 128
requirepass "123123"
lazyfree-lazy-eviction no
lazyfree-lazy-expire no
lazyfree-lazy-server-del no
replica-lazy-flush no
lazyfree-lazy-user-del no
lazyfree-lazy-user-flush no
oom-score-adj no
oom-score-adj-values 0 200 800
disable-thp yes
appendonly no
appendfilename "appendonly_{port}.aof"
appenddirname "appendonlydir"
appendfsync everysec
no-appendfsync-on-rewrite no
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb
aof-load-truncated yes
aof-use-rdb-preamble yes
aof-timestamp-enabled no
slowlog-log-slower-than 10000
slowlog-max-len 128
latency-monitor-threshold 0
notify-keyspace-events ""
hash-max-listpack-entries 512
hash-max-listpack-value 64
list-max-listpack-size -2
list-compress-depth 0
set-max-intset-entries 512
zset-max-listpack-entries 128
zset-max-listpack-value 64
hll-sparse-max-bytes 3000
stream-node-max-bytes 4kb
stream-node-max-entries 100
activerehashing yes
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 32mb 8mb 60
hz 10
dynamic-hz yes
aof-rewrite-incremental-fsync yes
rdb-save-incremental-fsync yes
jemalloc-bg-thread yes
cluster-enabled yes
cluster-config-file nodes-{port}.conf
masterauth  123123
"""


class ByTheOldTool(Story):
    """What redis-trib.rb of Redis 3.2 sends, command by command, and the texts that tutorial tells of."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ports = free_ports(8)

    def start(self, port):
        folder = self.folder / str(port)
        folder.mkdir(exist_ok=True)
        server = Server(port=port, folder=folder, cluster_enabled="yes", cluster_node_timeout=2000)
        self.servers.append(server.start())
        return server

    def test_01_a_mistyped_directive(self):
        path = self.folder / "redis.conf"
        path.write_text(f"port {self.ports[0]}\nCluster-enable yes\n")
        done = subprocess.run([server_binary(), str(path)], capture_output=True, text=True, timeout=20, check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("cluster-enable", (done.stdout + done.stderr).lower())
        if not TESTING_REDIS:
            self.assertIn("cluster-enabled", done.stdout + done.stderr)

    def signature(self, server):
        """As the tool compares nodes: who owns which slots."""
        return sorted((node, tuple(slot for slot in row["slots"] if not slot.startswith("[")))
                      for node, row in nodes(server).items() if row["slots"])

    def test_02_create(self):
        for port in self.ports[:6]:
            server = self.start(port)
            with server.connect() as client:
                self.assertEqual(b"+PONG\r\n", client.request("PING"))
                text = client.ask_text("INFO")
                self.assertIn("cluster_enabled:1", text)
                self.assertNotIn("db0:", text)
                self.assertIn("cluster_known_nodes:1\r\n", client.ask_text("CLUSTER", "INFO"))
        for number, (first, last) in enumerate(((0, 5460), (5461, 10922), (10923, 16383))):
            self.servers[number].ask("CLUSTER", "ADDSLOTS", *range(first, last + 1))
        for epoch, server in enumerate(self.servers, 1):
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        first = self.servers[0]
        for server in self.servers[1:]:
            server.ask("CLUSTER", "MEET", first.host, first.port)
        wait_until(lambda: all(self.signature(server) == self.signature(first) and len(self.signature(server)) == 3
                               for server in self.servers), 20, "the cluster to join")
        for number in range(3):
            replica = self.servers[3 + number]
            with replica.connect() as client:
                wait_until(lambda number=number, client=client: client.request(
                    "CLUSTER", "REPLICATE", own_id(self.servers[number])) == b"+OK\r\n", 10, "the primary to be known")
        self.wait_agreed()
        self.check(first)

    def test_03_use(self):
        with Terminal("-p", self.ports[5], "-c") as terminal:
            self.assertEqual([f"-> Redirected to slot [9189] located at {self.servers[1].address}", "OK"],
                             terminal.type("set key1 123"))
            self.assertEqual(self.servers[1].address, terminal.prompt)
            lines = terminal.type("cluster info")
        for line in ("cluster_state:ok", "cluster_slots_assigned:16384", "cluster_known_nodes:6", "cluster_size:3",
                     "cluster_current_epoch:6"):
            self.assertIn(line, lines)
        for number in range(400):
            self.cli_set(f"trib:{number}", number)

    def cli_set(self, key, value):
        for server in self.servers[:3]:
            with server.connect() as client:
                if client.request("SET", key, value) == b"+OK\r\n":
                    return
        self.fail(f"nobody takes {key}")

    def test_04_add_a_node(self):
        new = self.start(self.ports[6])
        new.ask("CLUSTER", "MEET", self.servers[0].host, self.servers[0].port)
        self.wait_agreed()
        self.assertEqual(7, len(nodes(self.servers[0])))

    def move_slot(self, slot, source, target):
        """The tool's way: both ends opened, ten keys at a time, then all primaries told."""
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", own_id(source))
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", own_id(target))
        while keys := [name for _, name in source.ask("CLUSTER", "GETKEYSINSLOT", slot, 10)]:
            self.assertEqual(b"OK", source.ask("MIGRATE", target.host, target.port, "", 0, 60000, "KEYS", *keys))
        for server in self.alive():
            if "master" in self.row(server, server)["flags"]:
                server.ask("CLUSTER", "SETSLOT", slot, "NODE", own_id(target))

    def test_05_reshard(self):
        """500 slots from all, 167 of the greatest and 166 of the others."""
        target = self.servers[6]
        moved = set()
        for source, first, count in ((self.servers[1], 5461, 167), (self.servers[0], 0, 166), (self.servers[2], 10923, 166)):
            for slot in range(first, first + count):
                self.move_slot(slot, source, target)
                moved.add(slot)
        self.wait_agreed()
        self.assertEqual(["0-165", "5461-5627", "10923-11088"], self.row(self.servers[0], target)["slots"])
        with target.connect() as client:
            names = [name for _, name in client.ask("KEYS", "*")]
            self.assertTrue(names)
            for name in names:
                self.assertIn(client.ask("CLUSTER", "KEYSLOT", name), moved)
        self.assertEqual(401, sum(server.ask("DBSIZE") for server in (*self.servers[:3], target)))
        self.check(self.servers[0])

    def test_06_add_a_replica(self):
        new, target = self.start(self.ports[7]), self.servers[6]
        new.ask("CLUSTER", "MEET", self.servers[0].host, self.servers[0].port)
        wait_until(lambda: own_id(target) in nodes(new), 15, "the primary to be known")
        new.ask("CLUSTER", "REPLICATE", own_id(target))
        self.wait_agreed()
        self.assertEqual(own_id(target), self.row(self.servers[0], new)["master"])

    def test_07_a_node_that_is_not_empty(self):
        done = run_redis_cli("--cluster", "add-node", self.servers[7].address, self.servers[0].address)
        self.assertRegex(done.stdout, r"\[ERR\] Node \S+ is not empty\. Either the node already knows other nodes \(check with "
                         r"CLUSTER NODES\) or contains some key in database 0")

    def test_08_remove_nodes(self):
        refused = run_redis_cli("--cluster", "del-node", self.servers[6].address, own_id(self.servers[6]))
        self.assertIn(f"[ERR] Node {self.servers[6].address} is not empty! Reshard data away and try again.", refused.stdout)
        leaving = self.servers[7]
        gone = own_id(leaving)
        for server in self.servers[:7]:
            server.ask("CLUSTER", "FORGET", gone)
        with leaving.connect() as client:
            client.send(b"*1\r\n$8\r\nSHUTDOWN\r\n")
            client.read_until_closed()
        leaving.wait()
        self.wait_agreed(*self.servers[:7])
        self.assertEqual(7, len(nodes(self.servers[0])))

    def test_09_joined_anew_without_its_nodes_file(self):
        """As the tutorial cures it: nodes.conf deleted, the tool called again."""
        server = self.servers[7]
        (server.folder / "nodes.conf").unlink()
        for dump in server.folder.glob("*.rdb"):
            dump.unlink()
        shutil.rmtree(server.folder / "appendonlydir", ignore_errors=True)
        server.start()
        output = self.cli("--cluster", "add-node", server.address, self.servers[0].address)
        self.assert_lines(output, "[OK] New node added correctly.")
        self.wait_agreed()


class ByTemplate(Story):
    """Six files from one template, failover by a sleeping primary, growth from a copied folder, a hole and its repair."""

    TEMPLATE = """port {port}
protected-mode no
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 5000
appendonly yes
"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ports = free_ports(8)

    def start(self, number, fresh=True):
        """The compose file's service: conf/redis.conf, working folder data."""
        home = self.folder / str(7000 + number)
        if fresh:
            (home / "conf").mkdir(parents=True)
            (home / "data").mkdir()
            (home / "conf" / "redis.conf").write_text(self.TEMPLATE.format(port=self.ports[number]))
        server = Server(port=self.ports[number], folder=home / "data", arguments=[str(home / "conf" / "redis.conf")])
        # The test's network, and what T8 asks for: the tutorial's DEBUG is refused by Redis 7 otherwise.
        server.options = {"bind": "127.0.0.1", "enable-debug-command": "yes"}
        return server

    def node(self, number):
        return next(server for server in self.servers if server.port == self.ports[number])

    def test_01_start_and_create(self):
        for number in range(6):
            self.servers.append(self.start(number).launch())
        for server in self.servers:
            server.wait_ready()
        self.create([server.address for server in self.servers])
        self.wait_agreed()
        for line in self.cli("-p", self.ports[0], "cluster", "nodes").strip().splitlines():
            self.assertRegex(line, r"^[0-9a-f]{40} 127\.0\.0\.1:\d+@\d+ (myself,)?(master|slave) (-|[0-9a-f]{40}) \d+ \d+ \d connected")

    def test_02_a_primary_that_sleeps(self):
        first = self.node(0)
        sleeper = own_id(first)
        type(self).successor = next(server for server in self.servers if self.row(server, server)["master"] == sleeper)
        wait_until(lambda: self.successor.info("replication")["master_link_status"] == "up", 20, "the link")
        process = subprocess.Popen(["redis-cli", "-p", str(first.port), "DEBUG", "sleep", "14"], stdout=subprocess.PIPE, text=True)
        watcher = self.node(1)
        wait_until(lambda: self.row(watcher, self.successor)["slots"] == ["0-5460"], 14, "the failover")
        self.assertEqual("OK\n", process.communicate(timeout=30)[0])

        def returned():
            return re.search(rf"(?m)^{sleeper} 127\.0\.0\.1:{first.port}@\d+ myself,slave {own_id(self.successor)} \d+ \d+ 7 connected$",
                             self.cli("-p", first.port, "cluster", "nodes"))

        wait_until(returned, 20, "its role")
        self.assertEqual(7, self.row(first, self.successor)["epoch"])
        self.wait_agreed()

    def test_03_a_copied_folder(self):
        """With nodes.conf in it the copy is a second node with the neighbour's id."""
        shutil.copytree(self.folder / "7005", self.folder / "7006")
        (self.folder / "7006" / "conf" / "redis.conf").write_text(self.TEMPLATE.format(port=self.ports[6]))
        copy = self.start(6, fresh=False)
        copy.log_path.unlink(missing_ok=True)
        if TESTING_REDIS:
            return
        copy.launch()
        self.assertNotEqual(0, copy.wait())
        self.assertIn("nodes.conf", copy.log())
        self.assertIn(f"127.0.0.1:{self.ports[5]}", copy.log())

    def test_04_grown_from_the_copy_without_it(self):
        data = self.folder / "7006" / "data"
        shutil.rmtree(data)
        data.mkdir()
        new = self.start(6, fresh=False)
        self.servers.append(new.start())
        entry = self.node(0)
        output = self.cli("--cluster", "add-node", new.address, entry.address)
        self.assert_lines(output, f">>> Adding node {new.address} to cluster {entry.address}",
                          f">>> Performing Cluster Check (using node {entry.address})", f"S: {own_id(entry)} {entry.address}",
                          "   slots: (0 slots) slave", f"   replicates {own_id(self.successor)}", *CLEAN,
                          f">>> Send CLUSTER MEET to node {new.address} to make it join the cluster.",
                          "[OK] New node added correctly.")
        self.wait_agreed()
        self.assertRegex(self.cli("-p", entry.port, "cluster", "nodes"),
                         rf"(?m)^{own_id(new)} {re.escape(new.address)}@\d+ master - \d+ \d+ \d+ connected$")

    def test_05_a_replica_for_it(self):
        """Taken out again: the tutorial goes on without."""
        new = self.start(7)
        self.servers.append(new.start())
        output = self.cli("-p", self.ports[0], "--cluster", "add-node", new.address, self.node(0).address, "--cluster-slave",
                          "--cluster-master-id", own_id(self.node(6)))
        self.assert_lines(output, f">>> Configure node as replica of {self.node(6).address}.", "[OK] New node added correctly.")
        self.wait_agreed()
        self.cli("--cluster", "del-node", self.node(0).address, own_id(new))
        new.terminate()
        self.wait_agreed()

    def slots(self):
        return self.cli("--no-raw", "-p", self.ports[0], "-c", "cluster", "slots")

    def test_06_cluster_slots(self):
        output = self.slots()
        self.assertEqual(3, len(re.findall(r"(?m)^\d+\) 1\) \(integer\) \d+$", output)))
        self.assertRegex(output, rf'1\) \(integer\) 0\n   2\) \(integer\) 5460\n   3\) 1\) "127\.0\.0\.1"\n      2\) \(integer\) '
                         rf'{self.successor.port}\n      3\) "{own_id(self.successor)}"')

    def test_07_reshard(self):
        receiver = self.node(6)
        output = self.reshard(self.node(0), 4096, receiver, "all", extra=["-p", self.ports[0]])
        self.assert_lines(output, "Ready to move 4096 slots.", "  Source nodes:", "  Destination node:",
                          f"    M: {own_id(receiver)} {receiver.address}", "       slots: (0 slots) master", "  Resharding plan:")
        self.wait_agreed()
        output = self.slots()
        self.assertEqual(6, len(re.findall(r"(?m)^\d+\) 1\) \(integer\) \d+$", output)))
        for first, last in ((0, 1364), (1365, 5460), (5461, 6826), (6827, 10922), (10923, 12287), (12288, 16383)):
            self.assertIn(f"1) (integer) {first}\n   2) (integer) {last}\n", output)

    def test_08_forgotten_with_its_slots(self):
        leaving, entry = self.node(6), self.node(0)
        gone = own_id(leaving)
        leaving.terminate(timeout=10)
        self.assertEqual("OK\n", self.cli("-p", entry.port, "-c", "CLUSTER", "FORGET", gone))
        self.assertNotIn(gone, self.cli("-p", entry.port, "-c", "CLUSTER", "NODES"))
        self.assertEqual(3, len(re.findall(r"(?m)^\d+\) 1\) \(integer\) \d+$", self.slots())))

        def down():
            facts = info(entry)
            return facts["cluster_state"] == "fail" and facts

        facts = wait_until(down, 20, "cluster_state:fail")
        for name, value in (("slots_assigned", "12288"), ("slots_ok", "12288"), ("known_nodes", "6"), ("size", "3")):
            self.assertEqual(value, facts[f"cluster_{name}"], name)

    @beyond_redis
    def test_09_all_have_forgotten_it(self):
        """By one FORGET, as Redis 7.2 has it."""
        wait_until(lambda: all(len(nodes(server)) == 6 for server in self.servers[:6]), 20, "all to forget")
        self.assertIn("slots have no owner: 0-1364, 5461-6826, 10923-12287", self.node(0).ask_text("CLUSTER", "DOCTOR"))

    def test_10_fix(self):
        entry = self.node(0)
        output = interview("--cluster", "fix", entry.address, answers=[
            ("Fix these slots by covering with a random node? (type 'yes' to accept):", "yes")], timeout=120)
        self.assert_lines(output, f">>> Performing Cluster Check (using node {entry.address})", ">>> Check slots coverage...",
                          "[ERR] Not all 16384 slots are covered by nodes.", ">>> Fixing slots coverage...",
                          "The following uncovered slots have no keys across the cluster:", "[0-1364],[5461-6826],[10923-12287]",
                          re.compile(r">>> Covering slot \d+ with 127\.0\.0\.1:\d+"))
        self.assertEqual(4096, len(re.findall(r">>> Covering slot ", output)))
        # With redis-server the others remember the node that went.
        self.wait_agreed(*self.servers[:1 if TESTING_REDIS else 6])
        self.check(entry)
        facts = info(entry)
        self.assertEqual(("ok", "16384"), (facts["cluster_state"], facts["cluster_slots_ok"]))


if __name__ == "__main__":
    unittest.main()
