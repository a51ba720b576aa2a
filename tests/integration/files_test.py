#!/usr/bin/python3
"""The files around a process: whose they are, where they are after `dir` has changed, who may read them."""

import os
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Connection, beyond_redis, free_port, server_binary, wait_until  # noqa: E402
from testbed.processes import ProcessTest  # noqa: E402


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Owned(ProcessTest):
    def test_a_start_that_fails_touches_no_pid_file(self):
        path = self.folder / "pid"
        process = self.ready(self.spawn(self.conf(f"pidfile {path}\n")))
        self.assertEqual(1, self.spawn(self.conf(f"pidfile {path}\n")).wait(15))
        self.assertEqual(f"{process.pid}\n", path.read_text())
        path.write_text("1\n")
        process.terminate()
        self.assertEqual(0, process.wait(15))
        if "redis-server" not in server_binary():
            self.assertEqual("1\n", path.read_text())

    @beyond_redis
    def test_a_socket_in_use_stays_and_an_abandoned_one_is_taken_over(self):
        path = self.folder / "socket"
        first = self.ready(self.spawn(self.conf(f"unixsocket {path}\n")))
        log = self.folder / "output"
        second = self.spawn(self.conf(f"port {free_port()}\nunixsocket {path}\n", "second.conf"))
        self.assertEqual(1, second.wait(15))
        self.assertIn("another process listens there", log.read_text())
        with Connection(path=str(path)) as client:
            self.assertEqual(b"+PONG\r\n", client.request("PING"))
        first.kill()
        first.wait()
        self.assertTrue(path.exists())
        self.ready(self.spawn(self.conf(f"unixsocket {path}\n"))).terminate()
        wait_until(lambda: not path.exists(), 15, "the socket to go")

    @beyond_redis
    def test_what_is_no_socket_stays(self):
        (self.folder / "socket").write_text("precious")
        self.assertIn("no socket", self.refused(self.conf("unixsocket socket\n")))
        self.assertEqual("precious", (self.folder / "socket").read_text())

    @beyond_redis
    def test_relative_files_are_found_again_when_dir_has_changed(self):
        (self.folder / "other").mkdir()
        for name in ("pid", "socket"):
            (self.folder / "other" / name).write_text("theirs")
        process = self.ready(self.spawn(self.conf("pidfile pid\nunixsocket socket\nlogfile log\nenable-protected-configs yes\n")))
        with Connection(self.port) as client:
            self.assertEqual(b"+OK\r\n", client.request("CONFIG", "SET", "dir", str(self.folder / "other")))
        self.assertTrue((self.folder / "other" / "log").exists())
        process.terminate()
        self.assertEqual(0, process.wait(15))
        self.assertIn("bye bye", (self.folder / "other" / "log").read_text())
        for name in ("pid", "socket"):
            self.assertFalse((self.folder / name).exists())
            self.assertEqual("theirs", (self.folder / "other" / name).read_text())

    @beyond_redis
    def test_the_umask_alone_says_who_may_read(self):
        old = os.umask(0o007)
        self.addCleanup(os.umask, old)
        process = self.ready(self.spawn(self.conf("pidfile pid\nlogfile log\ncluster-enabled yes\nsave 3600 1\n")))
        with Connection(self.port) as client:
            self.assertEqual(b"+OK\r\n", client.request("SAVE"))
            client.ask("CLUSTER", "ADDSLOTS", "1")
        for name in ("pid", "log", "dump.rdb", "nodes.conf"):
            self.assertEqual(0o660, (self.folder / name).stat().st_mode & 0o777, name)
        process.terminate()
        self.assertEqual(0, process.wait(15))

    @beyond_redis
    def test_a_renamed_log_is_left(self):
        self.ready(self.spawn(self.conf("logfile log\nloglevel debug\n")))
        (self.folder / "log").rename(self.folder / "log.1")

        def followed():
            with Connection(self.port) as client:
                client.ask("CONFIG", "SET", "hll-sparse-max-bytes", "1000")
                client.ask("CONFIG", "SET", "hll-sparse-max-bytes", "1001")
            return (self.folder / "log").exists()

        wait_until(followed, 15, "a log under the old name")


class MovedNodesFile(ProcessTest):
    CLUSTER = "cluster-enabled yes\nenable-protected-configs yes\n"

    def setUp(self):
        super().setUp()
        self.new = self.folder / "new"
        self.new.mkdir()

    def identity(self):
        with Connection(self.port) as client:
            return client.ask("CLUSTER", "MYID"), b"cluster_slots_assigned:16384" in client.ask("CLUSTER", "INFO")

    def restarted(self, process, path):
        process.kill()
        process.wait()
        return self.ready(self.spawn(path))

    @beyond_redis
    def test_identity_and_slots_follow_dir(self):
        path = self.conf(self.CLUSTER)
        process = self.ready(self.spawn(path))
        with Connection(self.port) as client:
            client.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            before = self.identity()
            self.assertTrue(before[1])
            self.assertEqual(b"+OK\r\n", client.request("CONFIG", "SET", "dir", str(self.new)))
            client.ask("CLUSTER", "BUMPEPOCH")
        # Not rewritten yet, the configuration still leads to the old folder.
        process = self.restarted(process, path)
        self.assertEqual(before, self.identity())
        with Connection(self.port) as client:
            self.assertEqual(b"+OK\r\n", client.request("CONFIG", "SET", "dir", str(self.new)))
            self.assertEqual(b"+OK\r\n", client.request("CLUSTER", "SAVECONFIG"))
            self.assertEqual(b"+OK\r\n", client.request("CONFIG", "REWRITE"))
        (self.folder / "nodes.conf").unlink()
        self.restarted(process, path)
        self.assertEqual(before, self.identity())
        self.assertEqual(str(self.new), self.config("dir"))

    @beyond_redis
    def test_the_identity_of_another_node_is_not_overwritten(self):
        other = self.spawn("--port", free_port(), "--cluster-enabled", "yes", "--dir", self.new, "--bind", "127.0.0.1")
        self.ready(self.spawn(self.conf(self.CLUSTER)))
        theirs = self.new / "nodes.conf"
        wait_until(lambda: theirs.exists() and theirs.stat().st_size > 0, 15, "the other node")
        with Connection(self.port) as client:
            for what in (b"already used by another process", b"holds the identity of another node"):
                answer = client.request("CONFIG", "SET", "dir", str(self.new))
                self.assertTrue(answer.startswith(b"-ERR CONFIG SET failed"), answer)
                self.assertIn(what, answer)
                self.assertEqual(str(self.folder).encode(), client.ask("CONFIG", "GET", "dir")[1][1])
                self.assertEqual(b"+OK\r\n", client.request("CLUSTER", "SAVECONFIG"))
                other.kill()
                other.wait()


class Started(ProcessTest):
    def daemon(self, text=""):
        """What the starting process ends with, and what it prints."""
        path = self.conf(f"daemonize yes\npidfile {self.folder}/pid\n{text}")
        done = subprocess.run([server_binary(), path], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30, check=False)
        if done.returncode == 0:
            pid = int((self.folder / "pid").read_text())
            self.addCleanup(lambda: [os.kill(pid, signal.SIGTERM), wait_until(lambda: not alive(pid), 15, "the daemon to end")])
        return done.returncode, done.stderr

    @beyond_redis
    def test_the_starter_waits_until_the_daemon_serves(self):
        self.assertEqual((0, ""), self.daemon())
        with Connection(self.port) as client:
            self.assertEqual(b"+PONG\r\n", client.request("PING"))
        code, why = self.daemon("hz 11\n")
        self.assertEqual(1, code)
        self.assertIn("Failed listening on port", why)

    @beyond_redis
    def test_the_starter_hears_why_it_failed(self):
        (self.folder / "dump.rdb").write_text("REDIS0010 torn")
        code, why = self.daemon()
        self.assertEqual(1, code)
        self.assertIn("Fatal error loading the DB", why)
        (self.folder / "dump.rdb").unlink()
        (self.folder / "appendonlydir").mkdir()
        (self.folder / "appendonlydir" / "appendonly.aof.manifest").write_text("")
        code, why = self.daemon("appendonly yes\n")
        self.assertEqual(1, code)
        self.assertIn("appendonly.aof.manifest", why)

    @beyond_redis
    def test_what_cannot_be_promised_is_refused(self):
        self.ready(self.spawn(self.conf("rename-command EVAL \"\"\nrename-command FCALL x\ndbfilename \"\"\nmaxmemory 1000\n"
                                        "bind 127.0.0.1 -192.0.2.1\nsupervised systemd\n")))
        for line in ("maxmemory is less than 1MB", "Could not create server TCP listening socket 192.0.2.1", "NOTIFY_SOCKET",
                     f"Running mode=standalone, port={self.port}."):
            self.assertIn(line, self.output())
        with Connection(self.port) as client:
            self.assertIn(b"append-only file", client.request("CONFIG", "SET", "appendonly", "yes"))
            self.assertEqual(b"-ERR\r\n", client.request("SAVE").replace(b" ", b""))
            client.ask("CONFIG", "SET", "hll-sparse-max-bytes", "77")
        wait_until(lambda: "CONFIG SET: hll-sparse-max-bytes is accepted but does not act yet" in self.output(), 5, "the warning")

    @beyond_redis
    def test_nowhere_to_listen(self):
        self.assertIn("Configured to not listen anywhere", self.refused(self.conf("bind \"\"\n")))
        self.assertIn("No bind address is configured", self.refused(self.conf(f"bind \"\"\nunixsocket s\ncluster-enabled yes\n")))
        self.assertIn("modules cannot be loaded", self.refused(self.conf("loadmodule /x.so\n")))

    def test_the_machine_is_checked(self):
        done = subprocess.run([server_binary(), "--check-system"], capture_output=True, text=True, check=False)
        self.assertRegex(done.stdout, r"(?m)^\[overcommit\]\.\.\.")
        self.assertEqual(int("WARNING" in done.stdout), done.returncode)

    @beyond_redis
    def test_the_build_is_named(self):
        version = subprocess.run([server_binary(), "--version"], capture_output=True, text=True, check=True).stdout
        self.assertRegex(version, r"sha=[0-9a-f]{8}:[01] .* build=[0-9a-f]+ time=\S+\n$")
        process = self.ready(self.spawn(self.conf()))
        with Connection(self.port) as client:
            info = client.ask_text("INFO", "server")
        commit = version.partition("sha=")[2][:8]
        self.assertIn(f"redis_git_sha1:{commit}\r\n", info)
        self.assertIn("skein_commit_time:" + version.split("time=")[1].strip(), info)
        self.assertIn("redis_build_id:" + version.partition("build=")[2].split()[0], info)
        process.send_signal(signal.SIGSEGV)
        process.wait(15)
        self.assertIn(f"(commit {commit}", self.output())


class Rewritten(ProcessTest):
    @beyond_redis
    def test_a_restart_finds_what_was_there(self):
        self.write("more.conf", "save 900 1\nmaxmemory 100mb\nrequirepass sesame\n")
        path = self.conf("include more.conf\n")
        words = (path, "--maxmemory-samples", "7", "--save", "60", "1")
        process = self.spawn(*words)
        wait_until(lambda: "Ready to accept connections" in self.output(), 15, "the ready line")
        with Connection(self.port) as client:
            client.ask("AUTH", "sesame")
            for name, value in (("maxmemory", "0"), ("requirepass", ""), ("maxmemory-samples", "5")):
                self.assertEqual(b"+OK\r\n", client.request("CONFIG", "SET", name, value))
            before = client.ask("CONFIG", "GET", "*")
            self.assertEqual(b"+OK\r\n", client.request("CONFIG", "REWRITE"))
        for _ in range(2):
            process.terminate()
            self.assertEqual(0, process.wait(15), self.output())
            process = self.ready(self.spawn(*words))
            with Connection(self.port) as client:
                self.assertEqual(before, client.ask("CONFIG", "GET", "*"))
                self.assertEqual(b"+OK\r\n", client.request("CONFIG", "REWRITE"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
