#!/usr/bin/python3
"""skein-server as a process: configuration, daemon, signals, files, listeners."""

import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Connection, Server, beyond_redis, free_port, reference_binary, server_binary, wait_until  # noqa: E402
from testbed.processes import ProcessTest  # noqa: E402


class Configuration(ProcessTest):
    def test_a_file(self):
        self.ready(self.spawn(self.conf("# a comment\n\n  MaxMemory   100mb\nappendfsync \"no\"\n"
                                        "proc-title-template '{title} {listen-addr}'\ntimeout 7\n")))
        self.assertEqual("104857600", self.config("maxmemory"))
        self.assertEqual("no", self.config("appendfsync"))
        self.assertEqual("{title} {listen-addr}", self.config("proc-title-template"))
        self.assertEqual("7", self.config("timeout"))

    def test_options_after_the_file_win(self):
        self.ready(self.spawn(self.conf("hz 20\ntimeout 7\n"), "--hz", "30", "--save", "60", "1", "--databases", "4"))
        self.assertEqual("30", self.config("hz"))
        self.assertEqual("7", self.config("timeout"))
        self.assertEqual("60 1", self.config("save"))
        self.assertEqual("4", self.config("databases"))

    def test_options_alone_with_several_values(self):
        self.ready(self.spawn("--port", self.port, "--bind", "127.0.0.1", "127.0.0.2", "--save", "", "--dir", self.folder,
                              "--client-output-buffer-limit", "normal 1mb 2mb 3"))
        self.assertEqual("127.0.0.1 127.0.0.2", self.config("bind"))
        self.assertTrue(self.config("client-output-buffer-limit").startswith("normal 1048576 2097152 3 "))
        with Connection(self.port, "127.0.0.2") as client:
            self.assertEqual(b"+PONG\r\n", client.request("PING"))

    def test_from_standard_input(self):
        self.ready(self.spawn("-", "--timeout", "9", given=self.conf("hz 25\n").read_text()))
        self.assertEqual("25", self.config("hz"))
        self.assertEqual("9", self.config("timeout"))

    def test_included_files(self):
        (self.folder / "conf.d").mkdir()
        self.write("conf.d/one.conf", "hz 21\n")
        self.write("conf.d/two.conf", "timeout 8\n")
        self.write("last.conf", "maxmemory-samples 9\n")
        self.ready(self.spawn(self.conf(f"include {self.folder}/conf.d/*.conf\ninclude {self.folder}/last.conf\n")))
        self.assertEqual(("21", "8", "9"), tuple(map(self.config, ("hz", "timeout", "maxmemory-samples"))))

    def test_an_unknown_directive(self):
        path = self.conf("cluster-enable yes\n")
        output = self.refused(path)
        self.assertIn("cluster-enable", output)
        self.assertRegex(output, r"5")

    @beyond_redis
    def test_an_unknown_directive_is_explained(self):
        output = self.refused(self.conf("Cluster-enable yes\n"))
        self.assertRegex(output, r"(?i)server\.conf:5\b.*cluster-enable\b.*'cluster-enabled'")

    def test_a_bad_value(self):
        output = self.refused(self.conf("hz abc\n"))
        self.assertIn("hz", output)
        output = self.refused(self.conf("maxmemory 5xb\n"))
        self.assertIn("maxmemory", output)

    @beyond_redis
    def test_a_word_that_starts_a_comment(self):
        """The tutorials have comments behind values."""
        self.ready(self.spawn(self.conf("cluster-enabled yes\t#cluster mode\ntimeout 5 # five\nmasterauth \"#not\"\n")))
        self.assertEqual("yes", self.config("cluster-enabled"))
        self.assertEqual("5", self.config("timeout"))
        self.assertEqual("#not", self.config("masterauth"))

    @beyond_redis
    def test_protection_that_does_not_act_yet_stops_the_start(self):
        for line in ("aclfile users.acl", "user joe on nopass ~* +@all", "tls-port 6390", "tls-cluster yes"):
            with self.subTest(line):
                self.assertIn(line.split()[0], self.refused(self.conf(line + "\n")))

    def test_renamed_commands(self):
        self.ready(self.spawn(self.conf("rename-command GET FETCH\nrename-command FLUSHALL \"\"\n")))
        with Connection(self.port) as client:
            self.assertEqual(b"$-1\r\n", client.request("FETCH", "a"))
            self.assertTrue(client.request("GET", "a").startswith(b"-ERR unknown command 'GET'"))
            self.assertTrue(client.request("FLUSHALL").startswith(b"-ERR unknown command 'FLUSHALL'"))

    def test_commands_that_cannot_be_renamed(self):
        for line in ("rename-command NOSUCH FETCH", "rename-command GET SET"):
            with self.subTest(line):
                output = self.refused(self.conf(f"daemonize yes\n{line}\n"))
                self.assertIn("rename-command", output)

    @beyond_redis
    def test_what_does_not_act_is_named_once(self):
        self.ready(self.spawn(self.conf("hll-sparse-max-bytes 1kb\nhll-sparse-max-bytes 2kb\nappendonly no\ntimeout 5 # five\n")))
        warnings = re.findall(r"(?m)^\d+:C .* # .*server\.conf:(\d+): (\S+) is accepted", self.output())
        self.assertEqual([("6", "hll-sparse-max-bytes")], warnings)
        self.assertRegex(self.output(), r"server\.conf:8: timeout: '# five' is taken as a comment")

    def test_the_file_is_found_again_after_dir(self):
        (self.folder / "data").mkdir()
        self.write("relative.conf", f"port {self.port}\nbind 127.0.0.1\nsave \"\"\ndir data\n")
        self.ready(self.spawn("relative.conf"))
        self.assertEqual(str(self.folder / "data"), self.config("dir"))
        with Connection(self.port) as client:
            client.ask("CONFIG", "SET", "timeout", "3")
            client.ask("CONFIG", "REWRITE")
            self.assertIn(f"config_file:{self.folder}/relative.conf", client.ask_text("INFO", "server"))
        self.assertIn("timeout 3", (self.folder / "relative.conf").read_text().splitlines())

    def test_the_configurations_that_come_with_it(self):
        for path in sorted((pathlib.Path(__file__).parents[2] / "conf").glob("*.conf")):
            with self.subTest(path.name):
                self.port = free_port()
                process = self.ready(self.spawn(path, "--port", self.port, "--dir", self.folder))
                if "redis-server" not in server_binary():
                    self.assertNotRegex(self.output(), r"\.conf:\d+: ")
                process.terminate()
                self.assertEqual(0, process.wait(15))

    def test_passwords_databases_and_debug(self):
        self.spawn(self.conf("requirepass sesame\ndatabases 2\nenable-debug-command local\n"))
        wait_until(lambda: "Ready to accept connections" in self.output(), 15, "the ready line")
        with Connection(self.port) as client:
            self.assertTrue(client.request("GET", "a").startswith(b"-NOAUTH "))
            self.assertEqual(b"+OK\r\n", client.request("AUTH", "sesame"))
            self.assertEqual(b"-ERR DB index is out of range\r\n", client.request("SELECT", "2"))
            self.assertEqual(b"+OK\r\n", client.request("DEBUG", "SLEEP", "0"))

    def test_rewrite_keeps_the_file(self):
        path = self.conf("# kept\nhz 20\ntimeout 7\n\nsave 60 1\n")
        self.ready(self.spawn(path))
        with Connection(self.port) as client:
            client.ask("CONFIG", "SET", "hz", "40", "timeout", "0", "maxmemory-samples", "7")
            client.ask("CONFIG", "REWRITE")
        lines = path.read_text().splitlines()
        self.assertIn("# kept", lines)
        self.assertEqual(lines.index("hz 40"), lines.index("# kept") + 1)
        self.assertIn("timeout 0", lines)
        self.assertGreater(lines.index("maxmemory-samples 7"), lines.index("# Generated by CONFIG REWRITE"))

    def test_rewrite_without_a_file(self):
        with Server() as server, server.connect() as client:
            self.assertEqual(b"-ERR The server is running without a config file\r\n", client.request("CONFIG", "REWRITE"))

    def test_version_and_help(self):
        version = subprocess.run([server_binary(), "--version"], capture_output=True, text=True, check=True).stdout
        self.assertIn("7.0.15", version)
        done = subprocess.run([server_binary(), "--help"], capture_output=True, text=True, check=False)
        self.assertIn("--port", done.stdout + done.stderr)


class Process(ProcessTest):
    def test_says_when_it_is_ready(self):
        self.ready(self.spawn(self.conf()))
        wait_until(lambda: "Ready to accept connections" in self.output(), 5, "the ready line")
        self.assertRegex(self.output(),
                         r"(?m)^\d+:M \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} \* Ready to accept connections")

    def test_daemon_with_pid_file(self):
        pid_file, log = self.folder / "server.pid", self.folder / "server.log"
        starter = self.spawn(self.conf(f"daemonize yes\npidfile {pid_file}\nlogfile {log}\n"))
        self.assertEqual(0, starter.wait(15))
        pid = int(wait_until(lambda: pid_file.exists() and pid_file.read_text(), 15, "the pid file"))
        try:
            self.assertNotEqual(starter.pid, pid)
            wait_until(lambda: self.config("port") == str(self.port), 15, "the daemon to answer")
            self.assertEqual(pid, int(os.getsid(pid)))
            self.assertIn("Ready to accept connections", log.read_text())
        finally:
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not pid_file.exists(), 15, "the pid file to go")

    @beyond_redis
    def test_a_daemon_holds_nothing_of_its_starter(self):
        reader, writer = os.pipe()
        starter = self.spawn(self.conf(f"daemonize yes\npidfile {self.folder}/pid\nlogfile {self.folder}/log\n"),
                             pass_fds=[writer])
        os.close(writer)
        self.assertEqual(0, starter.wait(15))
        pid = int(wait_until(lambda: (self.folder / "pid").exists() and (self.folder / "pid").read_text(), 15, "the pid file"))
        try:
            with open(reader, "rb") as pipe:
                self.assertEqual(b"", pipe.read())
        finally:
            os.kill(pid, signal.SIGTERM)

    def test_signals_that_stop(self):
        quiet = (signal.SIGTERM, signal.SIGINT)
        for number in quiet if "redis-server" in server_binary() else (*quiet, signal.SIGQUIT):
            with self.subTest(number):
                self.port = free_port()
                process = self.ready(self.spawn(self.conf(f"pidfile {self.folder}/pid\ndaemonize no\n")))
                with Connection(self.port) as client:
                    process.send_signal(number)
                    self.assertEqual(0, process.wait(15), self.output())
                    self.assertEqual(b"", client.read_until_closed())

    @beyond_redis
    def test_a_second_signal_ends_a_busy_process_at_once_if_it_is_int(self):
        process = self.ready(self.spawn(self.conf("enable-debug-command yes\n")))
        with Connection(self.port) as client:
            client.send(b"DEBUG SLEEP 60\r\n")
            wait_until(lambda: self.sleeps(process.pid), 15, "the sleep")
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: not self.pending(process.pid, signal.SIGTERM), 15, "the first signal to arrive")
            self.assertIsNone(process.poll())
            for number in (signal.SIGTERM, signal.SIGQUIT):
                process.send_signal(number)
                wait_until(lambda: not self.pending(process.pid, number), 15, "the signal to arrive")
                self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            self.assertEqual(1, process.wait(15))
        self.assertIn("exiting now", self.output())

    @staticmethod
    def sleeps(pid):
        return "hrtimer_nanosleep" in pathlib.Path(f"/proc/{pid}/wchan").read_text() or \
            pathlib.Path(f"/proc/{pid}/syscall").read_text().split()[0] in ("35", "230")

    @staticmethod
    def pending(pid, number):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        masks = [int(mask, 16) for mask in re.findall(r"(?m)^(?:SigPnd|ShdPnd):\t([0-9a-f]+)", status)]
        return any(mask >> (number - 1) & 1 for mask in masks)

    @beyond_redis
    def test_a_crash_after_a_hangup_is_told_to_the_new_log(self):
        log = self.folder / "server.log"
        process = self.ready(self.spawn(self.conf(f"logfile {log}\n")))
        log.rename(self.folder / "old.log")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: log.exists() and log.stat().st_size > 0, 15, "a new log file")
        process.send_signal(signal.SIGSEGV)
        self.assertEqual(-signal.SIGSEGV, process.wait(15))
        self.assertIn("STACK TRACE", log.read_text())
        self.assertNotIn("STACK TRACE", (self.folder / "old.log").read_text())

    @beyond_redis
    def test_a_daemon_that_cannot_log_says_so_before_it_goes(self):
        self.assertIn("log file", self.refused(self.conf("daemonize yes\nlogfile /nosuch/server.log\n")))

    @beyond_redis
    def test_hangup_opens_the_log_again(self):
        log = self.folder / "server.log"
        process = self.ready(self.spawn(self.conf(f"logfile {log}\nloglevel debug\n")))
        log.rename(self.folder / "old.log")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: log.exists() and log.stat().st_size > 0, 15, "a new log file")
        with Connection(self.port) as client:
            self.assertEqual(b"+PONG\r\n", client.request("PING"))

    def test_a_crash_shows_where_and_stays_a_crash(self):
        for number in (signal.SIGSEGV, signal.SIGABRT):
            with self.subTest(number):
                self.port = free_port()
                process = self.ready(self.spawn(self.conf()))
                process.send_signal(number)
                self.assertEqual(-number, process.wait(15))
                self.assertIn(str(int(number)), self.output())
                self.assertGreater(len(re.findall(r"0x[0-9a-f]{6,}", self.output())), 2, self.output())

    def test_shutdown(self):
        process = self.ready(self.spawn(self.conf()))
        with Connection(self.port) as client:
            client.send(b"SHUTDOWN NOSAVE\r\n")
            self.assertEqual(b"", client.read_until_closed())
        self.assertEqual(0, process.wait(15))

    def test_process_title(self):
        for extra, ending in (("", ""), ("cluster-enabled yes\n", " [cluster]")):
            self.port = free_port()
            process = self.ready(self.spawn(self.conf(extra)))
            expected = f"{server_binary()} 127.0.0.1:{self.port}{ending}"
            title = wait_until(lambda process=process: self.title(process.pid), 5)
            self.assertEqual(expected, title)

    @staticmethod
    def title(pid):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\x00 ").decode()

    def test_under_the_name_redis_server(self):
        link = self.folder / "redis-server"
        link.symlink_to(shutil.which(server_binary()) or server_binary())
        process = self.ready(self.spawn(self.conf(), binary=str(link)))
        self.assertEqual(f"{link} 127.0.0.1:{self.port}", self.title(process.pid))
        with Connection(self.port) as client:
            self.assertIn("redis_version:7.0.15", client.ask_text("INFO", "server"))
        version = subprocess.run([str(link), "--version"], capture_output=True, text=True, check=True).stdout
        self.assertRegex(version, r"^Redis server v=7\.0\.15 sha=\S+ malloc=\S+ bits=64 build=\S+\n$")

    def test_supervised_by_systemd(self):
        path = self.folder / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.settimeout(15)
            self.ready(self.spawn(self.conf("supervised systemd\n"), env=os.environ | {"NOTIFY_SOCKET": str(path)}))
            heard = b""
            while b"READY=1" not in heard:
                heard += notify.recv(4096) + b"\n"

    def test_room_for_clients(self):
        process = self.ready(self.spawn(self.conf("maxclients 600\n"), preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (100, 5000))))
        self.assertEqual("600", self.config("maxclients"))
        self.assertGreaterEqual(resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0], 632)

    @beyond_redis
    def test_room_for_more_clients(self):
        """redis-server gives away what the hard limit would have allowed later."""
        process = self.ready(self.spawn(self.conf("maxclients 600\n"), preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (100, 5000))))
        with Connection(self.port) as client:
            self.assertEqual(b"+OK\r\n", client.request("CONFIG", "SET", "maxclients", "3000"))
            self.assertGreaterEqual(resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0], 3032)
            # More than a kernel gives to anybody.
            refusal = client.request("CONFIG", "SET", "maxclients", "4000000000")
        self.assertRegex(refusal, rb"^-ERR CONFIG SET failed \(possibly related to argument 'maxclients'\) - The operating "
                                  rb"system is not able to handle the specified number of clients, try with \d+\r\n$")
        self.assertEqual("3000", self.config("maxclients"))

    def test_a_busy_port(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", self.port))
            holder.listen()
            process = self.spawn(self.conf())
            self.assertEqual(1, process.wait(15))
        self.assertIn(f"Could not create server TCP listening socket 127.0.0.1:{self.port}: bind: Address already in use",
                      self.output())
        self.assertIn(f"Failed listening on port {self.port} (TCP), aborting.", self.output())

    def test_a_folder_that_is_not_there(self):
        self.assertIn("No such file or directory", self.refused(self.conf(f"dir {self.folder}/nosuch\n")))

    def test_log_to_a_file(self):
        log = self.folder / "server.log"
        self.ready(self.spawn(self.conf(f"logfile {log}\n")))
        self.assertIn("Ready to accept connections", log.read_text())
        self.assertNotIn("Ready to accept", self.output())

    def test_quiet_by_level(self):
        log = self.folder / "server.log"
        self.ready(self.spawn(self.conf(f"logfile {log}\nloglevel warning\n")))
        self.assertNotIn("Ready to accept", log.read_text())


class Listeners(ProcessTest):
    def test_unix_socket(self):
        path = self.folder / "socket"
        self.ready(self.spawn(self.conf(f"unixsocket {path}\nunixsocketperm 700\n")))
        self.assertEqual(0o700, path.stat().st_mode & 0o777)
        with Connection(path=str(path)) as client:
            self.assertEqual(b"+PONG\r\n", client.request("PING"))
            self.assertIn(f"addr={path}:0", client.ask_text("CLIENT", "INFO"))

    def test_several_addresses_some_optional(self):
        self.ready(self.spawn(self.conf("bind 127.0.0.1 127.0.0.3 -192.0.2.1 -::5\n")))
        for host in ("127.0.0.1", "127.0.0.3"):
            with Connection(self.port, host) as client:
                self.assertEqual(b"+PONG\r\n", client.request("PING"))

    def test_every_address(self):
        self.ready(self.spawn(self.conf("bind * -::*\n")))
        for host in ("127.0.0.1", "127.9.8.7"):
            with Connection(self.port, host) as client:
                self.assertEqual(b"+PONG\r\n", client.request("PING"))

    def test_moving_while_running(self):
        self.ready(self.spawn(self.conf("enable-protected-configs local\n")))
        old, new = self.port, free_port()
        with Connection(old) as client:
            self.assertEqual(b"+OK\r\n", client.request("CONFIG", "SET", "port", str(new), "bind", "127.0.0.2"))
            with Connection(new, "127.0.0.2") as other:
                self.assertEqual(b"+PONG\r\n", other.request("PING"))
            with self.assertRaises(OSError):
                Connection(old).__enter__()
            # Refused as a whole: it listens where it did.
            self.assertTrue(client.request("CONFIG", "SET", "bind", "192.0.2.1", "hz", "77").startswith(b"-ERR CONFIG SET"))
            self.assertTrue(client.request("CONFIG", "SET", "port", str(old), "dir", "/nosuch").startswith(b"-ERR CONFIG SET"))
            self.assertEqual(str(new).encode(), client.ask("CONFIG", "GET", "port")[1][1])
        with Connection(new, "127.0.0.2") as other:
            self.assertEqual(b"+PONG\r\n", other.request("PING"))

    def test_an_address_that_is_not_ours(self):
        self.assertIn("192.0.2.1", self.refused(self.conf("bind 127.0.0.1 192.0.2.1\n")))

    def test_protected_mode(self):
        """Who comes over another interface than loopback is turned away, with redis-server's words."""
        heard = []
        for binary in (server_binary(), reference_binary()):
            done = subprocess.run([*PRIVATE_NETWORK, sys.executable, os.path.abspath(__file__), "protected-mode"],
                                  env=os.environ | {"SKEIN_SERVER": binary}, capture_output=True, timeout=60, check=False)
            if b"unshare" in done.stderr:
                self.skipTest("no private network: " + done.stderr.decode())
            self.assertEqual(0, done.returncode, done.stderr.decode())
            heard.append(done.stdout)
        self.assertTrue(heard[0].startswith(b"-DENIED "), heard[0])
        self.assertEqual(heard[1], heard[0])


# A network of its own, with an address besides loopback's that nobody else can reach.
PRIVATE_NETWORK = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && ip addr add 10.9.9.9/32 dev lo && exec "$@"', "-"]


def visit_protected_server():
    """Inside that network: what a visitor from the other address is told, with and without protection."""
    with Server(bind=["127.0.0.1", "10.9.9.9"]) as server:
        def visit():
            with socket.create_connection(("10.9.9.9", server.port), 10, source_address=("10.9.9.9", 0)) as visitor:
                visitor.sendall(b"QUIT\r\n")
                heard = b""
                try:
                    while more := visitor.recv(4096):
                        heard += more
                except ConnectionResetError:
                    pass
                return heard

        sys.stdout.buffer.write(visit())
        server.ask("CONFIG", "SET", "protected-mode", "no")
        sys.stdout.buffer.write(visit())
        server.ask("CONFIG", "SET", "protected-mode", "yes", "requirepass", "sesame")
        sys.stdout.buffer.write(visit())


class NodesFile(ProcessTest):
    def start_pair(self):
        """Two nodes that know each other, so that the first one's file has its address."""
        servers = [Server(cluster_enabled="yes").start() for _ in range(2)]
        for server in servers:
            self.addCleanup(server.stop)
        servers[0].ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        servers[0].ask("CLUSTER", "MEET", servers[1].host, servers[1].port)
        wait_until(lambda: all(f"127.0.0.1:{servers[0].port}@" in (server.folder / "nodes.conf").read_text()
                               for server in servers), 15, "the address in nodes.conf")
        return servers

    def test_identity_and_slots_outlive_a_restart(self):
        first, _ = self.start_pair()
        node = first.ask("CLUSTER", "MYID")
        first.kill()
        first.start()
        self.assertEqual(node, first.ask("CLUSTER", "MYID"))
        self.assertIn("0-16383", first.ask_text("CLUSTER", "NODES"))

    @beyond_redis
    def test_a_copy_of_a_living_nodes_file_is_recognised(self):
        first, second = self.start_pair()
        shutil.copy(first.folder / "nodes.conf", self.folder)
        output = self.refused(self.conf("cluster-enabled yes\n"))
        self.assertIn("nodes.conf", output)
        self.assertIn(first.address, output)
        for server in (first, second):
            self.assertEqual(b"PONG", server.ask("PING"))

    def test_a_file_in_use(self):
        server = Server(cluster_enabled="yes").start()
        self.addCleanup(server.stop)
        output = self.refused("--port", self.port, "--bind", "127.0.0.1", "--save", "", "--cluster-enabled", "yes",
                              "--dir", server.folder)
        self.assertRegex(output, r"nodes\.conf\b.*already used by")
        self.assertEqual(b"PONG", server.ask("PING"))

    def damaged(self):
        """A good file and ways to break it."""
        node, other = "a" * 40, "b" * 40
        own = f"{node} 127.0.0.1:{self.port}@{self.port + 10000} myself,master - 0 0 1 connected 0-5460"
        peer = f"{other} 127.0.0.1:7001@17001 master - 0 1426238317239 2 connected 5461-10922"
        end = "vars currentEpoch 2 lastVoteEpoch 0"
        good = [own, peer, end]
        yield "good", good
        yield "no myself", [own.replace("myself,", ""), peer, end]
        yield "a cut line", [own, peer[:60], end]
        yield "garbage", ["garbage", own, peer, end]
        yield "slot out of range", [own.replace("0-5460", "0-16384"), peer, end]
        yield "unknown flag", [own.replace("myself,", "myself,nosuch,"), peer, end]
        yield "bad address", [own, peer.replace("127.0.0.1:7001", "nothing"), end]
        yield "bad vars", [own, peer, "vars currentEpoch"]

    def test_a_damaged_file_is_refused(self):
        for name, lines in self.damaged():
            if "redis-server" in server_binary() and name in ("slot out of range", "bad vars"):
                continue
            with self.subTest(name):
                text = "\n".join(lines) + "\n"
                path = self.write("nodes.conf", text)
                if name == "good":
                    process = self.ready(self.spawn(self.conf("cluster-enabled yes\n")))
                    process.terminate()
                    process.wait(15)
                    continue
                output = self.refused(self.conf("cluster-enabled yes\n"))
                self.assertRegex(output, r"(?i)nodes\.conf|cluster config file")
                self.assertEqual(text, path.read_text())

    @beyond_redis
    def test_a_damaged_file_is_named_with_its_line(self):
        lines = dict(self.damaged())["a cut line"]
        self.write("nodes.conf", "\n".join(lines) + "\n")
        self.assertRegex(self.refused(self.conf("cluster-enabled yes\n")), r"nodes\.conf\D*\b2\b")


if __name__ == "__main__":
    if sys.argv[1:] == ["protected-mode"]:
        visit_protected_server()
    else:
        unittest.main()
