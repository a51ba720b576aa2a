#!/usr/bin/python3
"""Primaries and replicas of either kind: Skein with redis-server in both roles, and Skein alone.

The tutorials' configuration files as printed, REPLICAOF at run time, full and partial syncs,
chains, changes of role under a writing client, what a replica answers, and the stock tools.
With SKEIN_SERVER set to a redis-server the tests prove themselves; SKEIN_PAIRS chooses pairs.
"""

import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import beyond_redis, free_ports, redis_cli, server_binary, wait_until  # noqa: E402
from testbed.replication import (Writer, digest, fill, follow, link_is_up, offset, server_of, syncs,  # noqa: E402
                                 testing_pairs, wait_caught_up, wait_link_down, wait_link_up, wait_same_data)
from testbed.resp import Connection  # noqa: E402
from testbed.tamper import Proxy  # noqa: E402

ZEROS = "0" * 40
READONLY = b"-READONLY You can't write against a read only replica.\r\n"
MASTERDOWN = b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n"
NOREPLICAS = b"-NOREPLICAS Not enough good replicas to write.\r\n"


def shows(log, *fragments):
    """Whether these stand in the log in this order."""
    place = 0
    for fragment in fragments:
        place = log.find(fragment, place)
        if place < 0:
            return False
        place += len(fragment)
    return True


class ServerTest(unittest.TestCase):
    def server(self, kind, **options):
        """A running server that ends with the test."""
        server = server_of(kind, **options)
        self.addCleanup(server.stop)
        return server.start()

    def proxy(self, target):
        proxy = Proxy(target)
        self.addCleanup(proxy.close)
        return proxy

    def assert_log(self, server, *fragments):
        wait_until(lambda: shows(server.log(), *fragments), 10,
                   f"in the log of {server.binary}: {fragments}; it says\n{server.log()[-4000:]}")


class Daemon:
    """A server started by a file that says everything, as a tutorial has it: daemon, pid file, log file."""

    def __init__(self, host, port, text, folder):
        self.host, self.port = host, port
        self.folder = pathlib.Path(folder)
        self.config = self.folder / "redis.conf"
        self.config.write_text(text.format(folder=folder))
        self.pid_file = self.folder / "redis.pid"

    def start(self):
        subprocess.run([server_binary(), str(self.config)], check=True, timeout=10, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.pid_file.exists, 5, "the pid file")
        wait_until(self._answers, 10, f"{self.host}:{self.port} to answer")
        self.pid = int(self.pid_file.read_text())
        return self

    def _answers(self):
        with Connection(self.port, self.host) as client:
            return client.request("PING")

    def info(self, section):
        with Connection(self.port, self.host) as client:
            lines = client.ask_text("INFO", section).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def cli(self, *words):
        return redis_cli("-h", self.host, "-p", self.port, *words)

    def log(self):
        return (self.folder / "redis.log").read_text()

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        wait_until(lambda: not self.pid_file.exists(), 10, "the pid file to go")


# Of the first tutorial, its addresses moved to loopback. The comment stands where the tutorial has one:
# behind the value, a tab before it. redis-server takes it for an argument and stops.
MASTER_FILE = """bind {host}
protected-mode yes
port {port}
daemonize yes
pidfile {{folder}}/redis.pid
logfile "{{folder}}/redis.log"
dir {{folder}}/
"""
REPLICA_LINES = """replicaof {master} {port}{comment}
masterauth 123456{comment}
"""
COMMENT = "\t#where the master is"


class FirstTutorial(unittest.TestCase):
    """One master, two replicas, three files, redis-cli."""

    COMMENT = ""

    def setUp(self):
        self.hosts = ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
        self.port = free_ports(1, self.hosts)[0]
        self.daemons = []

    def start(self, *texts):
        for host, text in zip(self.hosts, texts):
            folder = self.enterContext(tempfile.TemporaryDirectory(prefix="skein-test-"))
            self.daemons.append(Daemon(host, self.port, text, folder).start())
            self.addCleanup(self.daemons[-1].stop)
        return self.daemons

    def enterContext(self, manager):  # noqa: N802, unittest's own name in later versions of Python
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def files(self, comment="", master_extra=""):
        head = [MASTER_FILE.format(host=host, port=self.port) for host in self.hosts]
        tail = REPLICA_LINES.format(master=self.hosts[0], port=self.port, comment=comment)
        return head[0] + master_extra, head[1] + tail, head[2] + tail

    def steps(self):
        master, *replicas = self.daemons
        self.assertEqual("\n", master.cli("KEYS", "*"))
        self.assertEqual("OK\n", master.cli("set", "k1", "123"))
        self.assertEqual("OK\n", master.cli("set", "k2", "456"))
        for replica in replicas:
            wait_until(lambda replica=replica: replica.info("replication")["master_link_status"] == "up", 20, "the link")
            wait_until(lambda replica=replica: replica.cli("DBSIZE") == "2\n", 10, "both keys")
            self.assertEqual(["k1", "k2"], sorted(replica.cli("KEYS", "*").split()))
            self.assertEqual("123\n", replica.cli("get", "k1"))
            self.assertEqual("456\n", replica.cli("get", "k2"))
            self.assertTrue(replica.cli("set", "k3", "789").startswith("READONLY You can't write"))
            for line in (f"Connecting to MASTER {self.hosts[0]}:{self.port}", "MASTER <-> REPLICA sync started",
                         "Full resync from master: ", "MASTER <-> REPLICA sync: Loading DB in memory",
                         "MASTER <-> REPLICA sync: Finished with success"):
                self.assertIn(line, replica.log())
            self.assertRegex(replica.log(), r"(?m)^\d+:S \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} \* MASTER <-> REPLICA sync")
        facts = master.info("replication")
        self.assertEqual(("master", "2"), (facts["role"], facts["connected_slaves"]))
        self.assertIn("asks for synchronization", master.log())
        self.assertRegex(master.log(), r"(?m)^\d+:M .* \* Synchronization with replica .* succeeded")

    def test_with_the_password_the_replicas_have(self):
        """As meant: `requirepass 123456` on the master, redis-cli given it."""
        self.start(*self.files(master_extra="requirepass 123456\n"))
        master, *replicas = self.daemons
        for replica in replicas:
            wait_until(lambda replica=replica: replica.info("replication")["master_link_status"] == "up", 20, "the link")
        self.assertEqual("OK\n", redis_cli("-h", master.host, "-p", self.port, "set", "k1", "123", password="123456"))
        for replica in replicas:
            wait_until(lambda replica=replica: replica.cli("get", "k1") == "123\n", 10, "the key")

    @beyond_redis
    def test_as_printed(self):
        """Replicas with masterauth, a master without a password, a comment behind a value."""
        self.start(*self.files(comment=COMMENT))
        self.steps()
        self.assertRegex(self.daemons[1].log(), r"(?i)(without any password|needs? no password|no password)")

    def test_steps_without_the_traps(self):
        master, *replicas = self.files()
        self.start(master, *(text.replace("masterauth 123456\n", "") for text in replicas))
        self.steps()


class FifthTutorial(unittest.TestCase):
    """The master's file and those of its replicas with the old name and trailing blanks."""

    def test_compose_files(self):
        ports = free_ports(3)
        texts = [f"port {ports[0]}\nprotected-mode no\n"]
        texts += [f"port {port}\nprotected-mode no\n\nslaveof 127.0.0.1 {ports[0]} \n" for port in ports[1:]]
        servers = []
        for port, text in zip(ports, texts):
            # What the image's working folder does, and no bind in the file: the tests stay on loopback.
            folder = tempfile.TemporaryDirectory(prefix="skein-test-")
            self.addCleanup(folder.cleanup)
            (pathlib.Path(folder.name) / "redis.conf").write_text(text)
            server = server_of("skein", port=port, folder=folder.name, arguments=[f"{folder.name}/redis.conf"])
            server.options = {"bind": "127.0.0.1"}
            self.addCleanup(server.stop)
            servers.append(server.launch())
        master, *replicas = [server.wait_ready() for server in servers]
        master.ask("SET", "foo", "bar")
        for replica in replicas:
            # Diskless with the stock delay of 5 s.
            wait_link_up(replica)
            wait_until(lambda replica=replica: replica.ask("GET", "foo") == b"bar", 10, "the key")
            facts = replica.info("replication")
            self.assertEqual(("slave", "127.0.0.1", str(ports[0])),
                             (facts["role"], facts["master_host"], facts["master_port"]))
        self.assertEqual({str(port) for port in ports[1:]},
                         {re.search(r"port=(\d+)", master.info("replication")[f"slave{number}"])[1] for number in (0, 1)})


class Pair:
    """What every pair of a primary and a replica has to do. PRIMARY and REPLICA are kinds."""

    PRIMARY = REPLICA = ""

    @classmethod
    def setUpClass(cls):
        cls.primary = server_of(cls.PRIMARY).start()
        cls.replica = server_of(cls.REPLICA).start()
        cls.random = random.Random(f"{cls.__name__}")

    @classmethod
    def tearDownClass(cls):
        cls.primary.stop()
        cls.replica.stop()

    def setUp(self):
        self.addCleanup(self.make_plain)

    def make_plain(self):
        """Two servers that know nothing of each other, and no data."""
        for server in (self.primary, self.replica):
            server.ask("REPLICAOF", "NO", "ONE")
            server.ask("FLUSHALL")

    def attach(self, port=None):
        follow(self.replica, self.primary, port)

    def configure(self, server, name, value):
        """CONFIG SET until the test ends."""
        before = server.ask("CONFIG", "GET", name)[1][1]
        server.ask("CONFIG", "SET", name, value)
        self.addCleanup(server.ask, "CONFIG", "SET", name, before)

    # Full syncs

    def full_sync(self):
        fill(self.primary, self.random)
        fill(self.replica, self.random, 20, "to be replaced")
        before = syncs(self.primary)[0]
        self.attach()
        wait_same_data(self.primary, self.replica)
        self.assertEqual(0, self.replica.ask("EXISTS", "to be replaced:1"))
        self.assertEqual(before + 1, syncs(self.primary)[0])

    def test_full_sync_from_disk(self):
        self.configure(self.primary, "repl-diskless-sync", "no")
        self.full_sync()
        self.assert_log(self.primary, "asks for synchronization", "Starting BGSAVE for SYNC with target: disk",
                        "Synchronization with replica")
        self.assert_log(self.replica, "MASTER <-> REPLICA sync: receiving", "bytes from master")

    def test_full_sync_over_sockets(self):
        self.configure(self.primary, "repl-diskless-sync", "yes")
        self.full_sync()
        self.assert_log(self.primary, "Starting BGSAVE for SYNC with target: replicas sockets")
        self.assert_log(self.replica, "receiving streamed RDB from master with EOF", "Finished with success")

    def test_full_sync_in_every_way_of_loading(self):
        for way in ("disabled", "on-empty-db", "swapdb"):
            for diskless in ("yes", "no"):
                with self.subTest(load=way, diskless_sync=diskless):
                    self.configure(self.replica, "repl-diskless-load", way)
                    self.configure(self.primary, "repl-diskless-sync", diskless)
                    fill(self.primary, self.random, 60)
                    self.attach()
                    wait_same_data(self.primary, self.replica)
                    self.make_plain()

    def test_full_sync_of_nothing(self):
        fill(self.replica, self.random, 20)
        self.attach()
        wait_caught_up(self.primary, self.replica)
        self.assertEqual(0, self.replica.ask("DBSIZE"))

    def test_writes_during_a_full_sync_arrive(self):
        fill(self.primary, self.random, 2000)
        with Writer(self.primary) as writer:
            writer.wait_written(100)
            self.attach()
            writer.wait_written(100)
        wait_same_data(self.primary, self.replica)
        self.assertEqual(writer.acknowledged, writer.total(self.replica))

    # At run time

    def test_replicaof_and_back(self):
        self.assertEqual(b"OK", self.replica.ask("SLAVEOF", "NO", "ONE"))
        self.attach()
        self.assertEqual(b"OK Already connected to specified master",
                         self.replica.ask("REPLICAOF", self.primary.host, self.primary.port))
        self.primary.ask("SET", "k", "1")
        wait_same_data(self.primary, self.replica)
        id_before = self.replica.info("replication")["master_replid"]
        at = offset(self.replica)

        self.assertEqual(b"OK", self.replica.ask("REPLICAOF", "NO", "ONE"))
        facts = self.replica.info("replication")
        self.assertEqual("master", facts["role"])
        self.assertEqual(id_before, facts["master_replid2"])
        self.assertEqual(str(at + 1), facts["second_repl_offset"])
        self.assertNotEqual(id_before, facts["master_replid"])
        self.assertEqual(b"1", self.replica.ask("GET", "k"))
        self.replica.ask("SET", "k", "its own")

        self.attach()
        self.primary.ask("SET", "k", "2")
        wait_same_data(self.primary, self.replica)

    def test_a_replica_of_itself_or_of_nobody(self):
        with self.replica.connect() as client:
            self.assertTrue(client.request("REPLICAOF", "127.0.0.1", "abc").startswith(b"-ERR"))
            client.ask("REPLICAOF", "127.0.0.1", free_ports(1)[0])
            wait_until(lambda: b"Error condition on socket for SYNC" in self.replica.log().encode()
                       or "Unable to connect to MASTER" in self.replica.log(), 10, "the refusal to be told")
            self.assertEqual("down", self.replica.info("replication")["master_link_status"])
            self.assertEqual([b"slave", b"127.0.0.1"], [item[1] for item in client.ask("ROLE")[:2]])

    # Partial syncs

    def partial(self, interrupt, restore=lambda: None):
        """The link is interrupted, written meanwhile, and continued without a full sync."""
        fill(self.primary, self.random, 50)
        wait_caught_up(self.primary, self.replica)
        full, partly = syncs(self.primary)
        interrupt()
        for number in range(100):
            self.primary.ask("SET", f"meanwhile:{number}", number)
        restore()
        wait_same_data(self.primary, self.replica)
        wait_until(lambda: syncs(self.primary)[1] > partly, 5, "a partial sync")
        self.assertEqual(full, syncs(self.primary)[0])

    def test_partial_sync_after_a_cut(self):
        proxy = self.proxy(self.primary)
        self.attach(proxy.port)

        def cut():
            proxy.refuse()
            wait_link_down(self.replica)

        self.partial(cut, proxy.accept_again)
        self.partial(cut, proxy.accept_again)
        self.assert_log(self.replica, "Connection with master lost", "Trying a partial resynchronization",
                        "Successful partial resynchronization with master")
        self.assert_log(self.primary, "Partial resynchronization request from", "accepted. Sending")

    def test_partial_sync_after_client_kill(self):
        self.attach()
        self.partial(lambda: self.primary.ask("CLIENT", "KILL", "TYPE", "replica"))
        self.partial(lambda: self.replica.ask("CLIENT", "KILL", "TYPE", "master"))

    def test_full_sync_when_the_backlog_is_too_short(self):
        self.configure(self.primary, "repl-backlog-size", "16kb")
        proxy = self.proxy(self.primary)
        self.attach(proxy.port)
        wait_caught_up(self.primary, self.replica)
        proxy.refuse()
        wait_link_down(self.replica)
        full = syncs(self.primary)[0]
        for number in range(20):
            self.primary.ask("SET", f"long:{number}", "x" * 10_000)
        proxy.accept_again()
        wait_same_data(self.primary, self.replica)
        self.assertEqual(full + 1, syncs(self.primary)[0])

    # What a replica answers

    def test_writes_are_refused(self):
        self.attach()
        with self.replica.connect() as client:
            self.assertEqual(READONLY, client.request("SET", "k", "1"))
            client.ask("MULTI")
            self.assertEqual(READONLY, client.request("DEL", "k"))
            self.assertTrue(client.request("EXEC").startswith(b"-EXECABORT"))
            self.assertEqual(b"+PONG\r\n", client.request("PING"))
            self.configure(self.replica, "replica-read-only", "no")
            self.assertEqual(b"+OK\r\n", client.request("SET", "own", "1"))
        self.assertEqual(0, self.primary.ask("EXISTS", "own"))

    def test_a_replica_does_not_expire_by_itself(self):
        self.attach()
        self.primary.ask("SET", "lasting", "1")
        # Long enough for the primary to stand still before, on a busy machine too.
        self.primary.ask("SET", "short", "1", "PX", "2500")
        self.primary.ask("SET", "later", "1")
        self.primary.ask("PEXPIRE", "later", "2500")
        wait_caught_up(self.primary, self.replica)
        # While its primary stands still nobody tells it to delete.
        self.primary.signal(signal.SIGSTOP)
        try:
            with self.replica.connect() as client:
                wait_until(lambda: client.ask("EXISTS", "short", "later") == 0, 10, "both to count as missing")
                self.assertEqual(b"$-1\r\n", client.request("GET", "short"))
                self.assertEqual(-2, client.ask("PTTL", "later"))
                self.assertEqual([("$", b"lasting")], client.ask("KEYS", "*"))
                self.assertEqual(3, client.ask("DBSIZE"))
                self.assertEqual(("0", "2"), (self.replica.info("stats")["expired_keys"],
                                              self.replica.info("keyspace")["db0"].split("expires=")[1][0]))
        finally:
            self.primary.signal(signal.SIGCONT)
        wait_until(lambda: self.replica.ask("DBSIZE") == 1, 10, "the DELs of the primary")
        wait_same_data(self.primary, self.replica)

    def test_stale_data(self):
        proxy = self.proxy(self.primary)
        self.attach(proxy.port)
        self.primary.ask("SET", "k", "1")
        wait_caught_up(self.primary, self.replica)
        proxy.refuse()
        wait_link_down(self.replica)
        with self.replica.connect() as client:
            self.assertEqual(b"$1\r\n1\r\n", client.request("GET", "k"))
            self.configure(self.replica, "replica-serve-stale-data", "no")
            for words in (["GET", "k"], ["KEYS", "*"], ["DBSIZE"], ["PING"]):
                self.assertEqual(MASTERDOWN, client.request(*words), words)
            self.assertEqual(READONLY, client.request("SET", "k", "2"))
            self.assertIn("role:slave", client.ask_text("INFO", "replication"))
            self.assertEqual(b"+OK\r\n", client.request("SELECT", "0"))
            proxy.accept_again()
            wait_link_up(self.replica)
            self.assertEqual(b"$1\r\n1\r\n", client.request("GET", "k"))

    def test_min_replicas(self):
        self.configure(self.primary, "min-replicas-to-write", "1")
        with self.primary.connect() as client:
            self.assertEqual(NOREPLICAS, client.request("SET", "k", "1"))
            self.assertEqual(b"$-1\r\n", client.request("GET", "k"))
            self.attach()
            wait_until(lambda: client.request("SET", "k", "1") == b"+OK\r\n", 10, "the replica to count")
            self.assertEqual("1", self.primary.info("replication")["min_slaves_good_slaves"])
            self.replica.ask("REPLICAOF", "NO", "ONE")
            wait_until(lambda: client.request("SET", "k", "1") == NOREPLICAS, 10, "the replica not to count")

    def test_wait(self):
        with self.primary.connect() as client, self.replica.connect() as other:
            self.assertEqual(0, client.ask("WAIT", "0", "100"))
            self.assertEqual(0, client.ask("WAIT", "1", "50"))
            self.attach()
            wait_caught_up(self.primary, self.replica)
            for number in range(5):
                client.ask("SET", "k", number)
                self.assertEqual(1, client.ask("WAIT", "1", "0"))
                self.assertEqual(str(number).encode(), self.replica.ask("GET", "k"))
            self.assertEqual(1, client.ask("WAIT", "2", "50"))
            self.assertEqual(b"-ERR timeout is negative\r\n", client.request("WAIT", "1", "-1"))
            self.assertEqual(b"-ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 "
                             b"if a replica is configured to be writable (which is not the default) writes to replicas "
                             b"are just local and are not propagated.\r\n", other.request("WAIT", "0", "0"))

    def test_role_and_client_list(self):
        self.attach()
        wait_caught_up(self.primary, self.replica)
        wait_until(lambda: "state=online" in self.primary.info("replication")["slave0"], 5, "its first ACK")
        primary, replica = self.primary.ask("ROLE"), self.replica.ask("ROLE")
        self.assertEqual((b"master", [("$", b"127.0.0.1"), ("$", str(self.replica.port).encode())]),
                         (primary[0][1], primary[2][1][0][1][:2]))
        self.assertEqual([b"slave", b"127.0.0.1", self.primary.port, b"connected"], [item[1] for item in replica[:4]])
        self.assertLessEqual(abs(primary[1][1] - replica[4][1]), 100)

        def flags(server, kind):
            return re.findall(r" flags=(\w+) .* cmd=([\w|]+) ", server.ask_text("CLIENT", "LIST", "TYPE", kind))

        self.assertEqual(["S"], [row[0] for row in flags(self.primary, "replica")])
        self.assertIn(flags(self.primary, "replica")[0][1], ("psync", "replconf"))
        self.assertEqual(["M"], [row[0] for row in flags(self.replica, "master")])
        self.assertEqual("1", self.primary.info("replication")["connected_slaves"])
        self.assertRegex(self.primary.info("replication")["slave0"],
                         rf"^ip=127\.0\.0\.1,port={self.replica.port},state=online,offset=\d+,lag=[01]$")

    def test_passwords(self):
        self.configure(self.primary, "requirepass", "sesame")
        self.addCleanup(setattr, self.primary, "password", None)
        self.primary.password = "sesame"
        self.replica.ask("REPLICAOF", self.primary.host, self.primary.port)
        self.assert_log(self.replica, "NOAUTH")
        self.configure(self.replica, "masterauth", "wrong")
        self.assert_log(self.replica, "Unable to AUTH to MASTER: -WRONGPASS")
        self.assertFalse(link_is_up(self.replica))
        self.replica.ask("CONFIG", "SET", "masterauth", "sesame")
        wait_link_up(self.replica)
        self.replica.ask("REPLICAOF", "NO", "ONE")
        self.configure(self.replica, "masteruser", "default")
        self.attach()
        # Back to none while the test's own settings are still undone by the password.
        self.replica.ask("REPLICAOF", "NO", "ONE")
        self.primary.ask("CONFIG", "SET", "requirepass", "")
        self.primary.password = None

    def test_a_password_that_is_not_needed(self):
        if self.REPLICA == "redis" or "redis-server" in server_binary():
            self.skipTest("redis-server gives up")
        self.configure(self.replica, "masterauth", "sesame")
        self.attach()

    def test_every_write_arrives_in_order(self):
        """A long pipeline with transactions and databases, and the offsets are equal."""
        self.attach()
        with self.primary.connect() as client:
            for turn in range(40):
                client.ask("SELECT", turn % 3)
                client.ask("MULTI")
                client.ask("APPEND", "log", f"{turn},")
                client.ask("INCRBYFLOAT", "sum", "0.1")
                client.ask("SET", f"temporary:{turn}", turn, "EX", "1000")
                client.ask("EXEC")
                client.ask("RENAME", f"temporary:{turn}", f"kept:{turn % 5}")
                client.ask("COPY", "log", "copy", "REPLACE")
                client.ask("GETEX", f"kept:{turn % 5}", "PX", 500_000 + turn)
            client.ask("MOVE", "log", "7")
            client.ask("FLUSHDB")
        wait_same_data(self.primary, self.replica)
        self.assertEqual(offset(self.primary), offset(self.replica))

    # The stock tools

    def test_redis_cli_takes_a_dump(self):
        fill(self.primary, self.random, 100)
        with tempfile.TemporaryDirectory(prefix="skein-test-") as folder:
            for option in ("--rdb", "--functions-rdb"):
                target = f"{folder}/taken{option}.rdb"
                output = redis_cli("-p", self.primary.port, option, target)
                self.assertIn("Transfer finished with success", output)
                self.assertIn("RDB looks OK", self.checked(target))
            whole, functions = (pathlib.Path(f"{folder}/taken{option}.rdb").read_bytes()
                                for option in ("--rdb", "--functions-rdb"))
            self.assertIn(b"fill:7", whole)
            self.assertNotIn(b"fill:7", functions)

    @staticmethod
    def checked(path):
        return subprocess.run(["redis-check-rdb", path], capture_output=True, text=True, check=False).stdout

    def test_redis_cli_as_a_replica(self):
        self.primary.ask("SET", "before", "1")
        with tempfile.TemporaryFile() as output:
            tool = subprocess.Popen(["stdbuf", "-oL", "redis-cli", "-p", str(self.primary.port), "--replica"],
                                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

            def says(fragment):
                output.seek(0)
                return fragment in output.read()

            try:
                wait_until(lambda: says(b"SYNC done after"), 10, "redis-cli to have the data")
                self.primary.ask("SET", "streamed", "2")
                wait_until(lambda: says(b'"SET","streamed","2"'), 10, "redis-cli to print the write")
            finally:
                tool.kill()
                tool.wait()

    assert_log = ServerTest.assert_log
    proxy = ServerTest.proxy


def make_pairs():
    """A class of tests for each pair."""
    for primary, replica in testing_pairs():
        name = f"{primary.title()}To{replica.title()}"
        yield name, type(name, (Pair, unittest.TestCase), {"PRIMARY": primary, "REPLICA": replica})


globals().update(make_pairs())


class Restarts(ServerTest):
    """Who comes back after a clean end goes on from where it was."""

    def saved_on_exit(self, server):
        with server.connect() as client:
            client.send(b"SHUTDOWN SAVE\r\n")
            server.wait()

    def started_again(self, server, **options):
        server.options |= {name.replace("_", "-"): value for name, value in options.items()}
        return server.start()

    def after_restart_of_the_replica(self, primary_kind, replica_kind):
        primary, replica = self.server(primary_kind), self.server(replica_kind)
        fill(primary, random.Random(1), 100)
        follow(replica, primary)
        primary.ask("SET", "k", "1")
        wait_caught_up(primary, replica)
        self.saved_on_exit(replica)
        primary.ask("SET", "meanwhile", "2")
        before = syncs(primary)
        self.started_again(replica, replicaof=[primary.host, primary.port])
        wait_same_data(primary, replica)
        self.assertEqual((before[0], before[1] + 1), syncs(primary))

    def after_restart_of_the_primary(self, primary_kind, replica_kind):
        primary, replica = self.server(primary_kind), self.server(replica_kind)
        fill(primary, random.Random(2), 100)
        follow(replica, primary)
        primary.ask("SET", "k", "1")
        wait_caught_up(primary, replica)
        self.saved_on_exit(primary)
        wait_link_down(replica)
        self.started_again(primary)
        primary.ask("SET", "afterwards", "2")
        wait_same_data(primary, replica)
        self.assertEqual((0, 1), syncs(primary))

    def test_replicas(self):
        for primary, replica in testing_pairs():
            with self.subTest(primary=primary, replica=replica):
                self.after_restart_of_the_replica(primary, replica)

    def test_primaries(self):
        for primary, replica in testing_pairs():
            with self.subTest(primary=primary, replica=replica):
                self.after_restart_of_the_primary(primary, replica)

    @beyond_redis
    def test_one_that_ends_while_it_loads_has_all_of_it_on_disk(self):
        primary = self.server("redis")
        primary.ask("DEBUG", "POPULATE", 2_000_000)
        replica = self.server("skein")
        replica.ask("REPLICAOF", primary.host, primary.port)
        wait_until(lambda: "Loading DB in memory" in replica.log(), 30)
        replica.signal(signal.SIGTERM)
        self.assertEqual(0, replica.wait())
        self.assertNotIn("Loading the rest", replica.log())
        replica.start()
        wait_until(lambda: replica.info("persistence")["loading"] == "0", 20)
        self.assertEqual(2_000_000, replica.ask("DBSIZE"))

    @beyond_redis
    def test_one_that_loads_goes_on_answering_and_cannot_be_made_to_leave(self):
        primary, replica = self.server("redis"), self.server("skein")
        primary.ask("DEBUG", "POPULATE", 2_000_000)
        with replica.connect() as client:
            client.ask("REPLICAOF", primary.host, primary.port)
            wait_until(lambda: b"\r\nloading:1\r\n" in client.ask("INFO", "persistence"), 30)
            self.assertTrue(client.request("REPLICAOF", "NO", "ONE").startswith(b"-LOADING"))
            self.assertIn(b"\r\nloading:1\r\n", client.ask("INFO", "persistence"))
            wait_until(lambda: b"\r\nloading:0\r\n" in client.ask("INFO", "persistence"), 30)
            self.assertEqual(b"OK", client.ask("REPLICAOF", "NO", "ONE"))
            self.assertEqual(2_000_000, client.ask("DBSIZE"))

    def test_a_whole_chain(self):
        """From its end to its top each saves and ends; from the top down they come back."""
        for kinds in (("skein", "skein", "skein"), ("redis", "skein", "redis"), ("skein", "redis", "skein")):
            with self.subTest(kinds=kinds):
                # A PING between the end of one and the next would leave the lower one behind its primary's backlog.
                chain = [self.server(kind, repl_ping_replica_period=3600) for kind in kinds]
                top, middle, end = chain
                fill(top, random.Random(str(kinds)), 100)
                follow(middle, top)
                follow(end, middle)
                top.ask("SET", "k", "1")
                wait_same_data(*chain)
                for server in reversed(chain):
                    # One that still counts a replica asks it to acknowledge before it ends: 37 bytes more.
                    wait_until(lambda server=server: server.info("replication")["connected_slaves"] == "0", 10)
                    self.saved_on_exit(server)
                self.started_again(top)
                top.ask("SET", "meanwhile", "2")
                self.started_again(middle, replicaof=[top.host, top.port])
                self.started_again(end, replicaof=[middle.host, middle.port])
                top.ask("SET", "afterwards", "3")
                wait_same_data(*chain)
                self.assertEqual((0, 0), (syncs(top)[0], syncs(middle)[0]), "full syncs")

    def test_killed_without_a_save_it_takes_everything_anew(self):
        for primary_kind, replica_kind in testing_pairs():
            with self.subTest(primary=primary_kind, replica=replica_kind):
                primary = self.server(primary_kind)
                replica = self.server(replica_kind, replicaof=[primary.host, primary.port])
                fill(primary, random.Random(3), 100)
                wait_same_data(primary, replica)
                replica.kill()
                primary.ask("SET", "meanwhile", "1")
                replica.start()
                wait_same_data(primary, replica)


class Chains(ServerTest):
    """redis -> Skein -> redis and the reverse: the same bytes at the same offsets all the way down."""

    def chain(self, *kinds):
        servers = [self.server(kind) for kind in kinds]
        fill(servers[0], random.Random(str(kinds)), 150)
        follow(servers[1], servers[0])
        follow(servers[2], servers[1])
        return servers

    def ids(self, servers):
        return {server.info("replication")["master_replid"] for server in servers}

    def test_function_libraries_come_through(self):
        top, middle, end = self.server("redis"), self.server("skein"), self.server("redis")
        top.ask("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
        top.ask("SET", "k", "1")
        follow(middle, top)
        follow(end, middle)
        wait_same_data(top, middle, end)
        self.assertEqual(1, len(end.ask("FUNCTION", "LIST")))

    def run_chain(self, *kinds):
        top, middle, end = servers = self.chain(*kinds)
        with top.connect() as client:
            for number in range(100):
                client.ask("INCR", "count")
                client.ask("SET", f"short:{number}", "x", "PX", "20")
        wait_same_data(top, middle, end)
        self.assertEqual(1, len(self.ids(servers)))
        self.assertEqual("slave", middle.info("replication")["role"])
        self.assertEqual("1", middle.info("replication")["connected_slaves"])
        self.assertEqual({b"count"}, {name for _, name in end.ask("KEYS", "count*")})

        # The lower link ends: the middle continues it from its own backlog.
        before = syncs(middle)
        middle.ask("CLIENT", "KILL", "TYPE", "replica")
        top.ask("INCR", "count")
        wait_same_data(top, middle, end)
        self.assertEqual((before[0], before[1] + 1), syncs(middle))

        # The top ends and the middle is promoted: the end goes on without a full sync.
        top.kill()
        wait_link_down(middle)
        middle.ask("REPLICAOF", "NO", "ONE")
        middle.ask("INCR", "count")
        wait_same_data(middle, end)
        self.assertEqual(before[0], syncs(middle)[0])
        facts = end.info("replication")
        self.assertEqual(middle.info("replication")["master_replid"], facts["master_replid"])
        self.assertNotEqual(ZEROS, facts["master_replid2"])

    def test_redis_skein_redis(self):
        self.run_chain("redis", "skein", "redis")

    def test_skein_redis_skein(self):
        self.run_chain("skein", "redis", "skein")

    def test_skein_alone(self):
        self.run_chain("skein", "skein", "skein")

    def test_the_end_keeps_when_the_middle_takes_all_anew(self):
        """A full sync in the middle is one for those below it too."""
        for kinds in (("redis", "skein", "redis"), ("skein", "redis", "skein")):
            with self.subTest(kinds=kinds):
                top, middle, end = self.chain(*kinds)
                wait_same_data(top, middle, end)
                other = self.server(kinds[0])
                fill(other, random.Random(5), 40, "other")
                follow(middle, other)
                other.ask("SET", "k", "1")
                wait_same_data(other, middle, end)


class Promotion(ServerTest):
    """The second id: who followed the same primary goes on from what it has."""

    def promoted(self, primary_kind, first_kind, second_kind):
        primary, first, second = (self.server(kind) for kind in (primary_kind, first_kind, second_kind))
        fill(primary, random.Random(4), 100)
        for replica in (first, second):
            follow(replica, primary)
        primary.ask("SET", "k", "1")
        wait_caught_up(primary, first, second)
        old_id, at = primary.info("replication")["master_replid"], offset(primary)
        primary.kill()
        for replica in (first, second):
            wait_link_down(replica)

        first.ask("REPLICAOF", "NO", "ONE")
        first.ask("SET", "k", "2")
        follow(second, first)
        wait_same_data(first, second)
        self.assertEqual((0, 1), syncs(first))
        facts, others = first.info("replication"), second.info("replication")
        self.assertEqual(old_id, facts["master_replid2"])
        self.assertEqual(str(at + 1), facts["second_repl_offset"])
        self.assertEqual(facts["master_replid"], others["master_replid"])

        # The old primary returns empty of memory, as replica of the new one.
        primary.options["replicaof"] = [first.host, first.port]
        primary.start()
        wait_same_data(first, second, primary)

    def test_skein_after_redis(self):
        self.promoted("redis", "skein", "redis")

    def test_redis_after_skein(self):
        self.promoted("skein", "redis", "skein")

    def test_skein_alone(self):
        self.promoted("skein", "skein", "skein")


class SwitchedUnderLoad(ServerTest):
    """Primary and replica change places while a client writes; nothing acknowledged is lost."""

    def by_hand(self, primary, replica):
        """As an operator does it: writes stand still until the replica has everything."""
        primary.ask("CLIENT", "PAUSE", "10000", "WRITE")
        wait_caught_up(primary, replica)
        replica.ask("REPLICAOF", "NO", "ONE")
        primary.ask("REPLICAOF", replica.host, replica.port)
        primary.ask("CLIENT", "UNPAUSE")

    def by_failover(self, primary, replica):
        primary.ask("FAILOVER", "TO", replica.host, replica.port, "TIMEOUT", "15000")
        wait_until(lambda: replica.info("replication")["role"] == "master", 15, "the replica's promotion")
        wait_until(lambda: primary.info("replication")["master_failover_state"] == "no-failover", 15, "the end of it")

    def switch(self, how, *kinds):
        primary, replica = self.server(kinds[0]), self.server(kinds[1])
        fill(primary, random.Random(6), 100)
        follow(replica, primary)
        with Writer(primary, replica) as writer:
            for _ in range(4):
                writer.wait_written()
                wait_link_up(replica)
                wait_until(lambda: "state=online" in primary.info("replication").get("slave0", ""), 10,
                           "the primary to have heard of it too")
                how(primary, replica)
                primary, replica = replica, primary
                wait_link_up(replica)
            writer.wait_written()
        wait_same_data(primary, replica)
        self.assertEqual(0, writer.unsure)
        self.assertEqual(writer.acknowledged, writer.total(primary))
        # Two full syncs at most: the first, and none for a change of places.
        self.assertEqual(0, syncs(primary)[0] + syncs(replica)[0] - 1)

    def test_by_hand(self):
        for pair in testing_pairs():
            with self.subTest(pair=pair):
                self.switch(self.by_hand, *pair)

    def test_by_failover(self):
        for pair in testing_pairs():
            with self.subTest(pair=pair):
                self.switch(self.by_failover, *pair)

    def test_failover_is_refused(self):
        """The words of the refusals, where redis-server is the measure."""
        for kind in ("skein", "redis"):
            with self.subTest(kind=kind):
                primary, replica = self.server(kind), self.server(kind)
                with primary.connect() as client, replica.connect() as other:
                    self.assertEqual(b"-ERR FAILOVER requires connected replicas.\r\n", client.request("FAILOVER"))
                    self.assertEqual(b"-ERR No failover in progress.\r\n", client.request("FAILOVER", "ABORT"))
                    follow(replica, primary)
                    self.assertEqual(b"-ERR FAILOVER is not valid when server is a replica.\r\n", other.request("FAILOVER"))
                    self.assertTrue(client.request("FAILOVER", "TO", "127.0.0.1", "1").startswith(
                        b"-ERR FAILOVER target HOST and PORT is not"))
                    self.assertEqual(b"-ERR syntax error\r\n", client.request("FAILOVER", "TO", "127.0.0.1"))


class Figures(ServerTest):
    """INFO replication has redis-server's fields, in its order, with its values."""

    VARY = {"master_replid", "master_replid2", "master_port", "master_last_io_seconds_ago", "slave0",
            "master_repl_offset", "slave_read_repl_offset", "slave_repl_offset", "repl_backlog_first_byte_offset",
            "repl_backlog_histlen", "second_repl_offset"}

    def facts(self, kind):
        primary, replica = self.server(kind), self.server(kind)
        alone = primary.info("replication")
        follow(replica, primary)
        primary.ask("SET", "k", "1")
        wait_caught_up(primary, replica)
        with_replica, of_replica = primary.info("replication"), replica.info("replication")
        replica.ask("REPLICAOF", "127.0.0.1", free_ports(1)[0])
        wait_link_down(replica)
        return alone, with_replica, of_replica, replica.info("replication"), primary.info("stats")

    def test_same_fields(self):
        ours, theirs = self.facts("skein"), self.facts("redis")
        for what, mine, reference in zip(("alone", "with a replica", "as replica", "without its primary"), ours, theirs):
            with self.subTest(what):
                self.assertEqual(list(reference), list(mine))
                self.assertEqual({name: value for name, value in reference.items() if name not in self.VARY},
                                 {name: value for name, value in mine.items() if name not in self.VARY})
        for name in ("sync_full", "sync_partial_ok", "sync_partial_err"):
            self.assertEqual(theirs[4][name], ours[4][name], name)
        self.assertEqual("1", ours[1]["connected_slaves"])
        self.assertEqual(ZEROS, ours[0]["master_replid2"])
        self.assertEqual(ours[2]["master_repl_offset"], ours[2]["slave_repl_offset"])


if __name__ == "__main__":
    print("pairs:", testing_pairs(), file=sys.stderr)
    unittest.main()
