"""Snapshots: SAVE, BGSAVE, save points, loading at start, files exchanged with redis-server."""

import os
import pathlib
import random
import signal
import subprocess
import time
import unittest

from testbed import Server, beyond_redis, reference_binary, wait_until
from testbed.migrate_target import FakeTarget  # noqa: E402
from testbed.resp import Closed

POPULATION = 30_000
MISCONF = b"MISCONF Redis is configured to save RDB snapshots"


def check_rdb(path):
    """What redis-check-rdb says of a file; fails when it finds a fault."""
    done = subprocess.run(["redis-check-rdb", str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout)
    return done.stdout


def error_of(server, *words):
    """The error a command is answered with; empty when it is no error."""
    with server.connect() as connection:
        reply = connection.request(*words)
    return bytes(reply)[1:].rstrip() if bytes(reply).startswith(b"-") else b""


def child_of(server):
    """The pid of a server's child process, once there is one."""
    children = pathlib.Path(f"/proc/{server.pid}/task/{server.pid}/children")
    return int(wait_until(lambda: children.read_text().split(), 10, "a child process")[0])


def has_ended(pid):
    """Whether a process is no more, or waits for whoever is to bury it."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def sockets_of(process):
    """And what epoll and timers are. Files may be closed meanwhile."""
    found = []
    for each in os.listdir(f"/proc/{process}/fd"):
        try:
            target = os.readlink(f"/proc/{process}/fd/{each}")
        except FileNotFoundError:
            continue
        if "socket" in target or "anon_inode" in target:
            found.append(target)
    return found


class SnapshotTest(unittest.TestCase):
    def server(self, **options):
        options.setdefault("enable_debug_command", "yes")
        server = Server(**options)
        self.addCleanup(server.stop)
        return server

    def start(self, **options):
        return self.server(**options).start()

    def background_save(self, server):
        self.assertEqual(server.ask("BGSAVE"), b"Background saving started")
        wait_until(lambda: server.info("persistence")["rdb_bgsave_in_progress"] == "0", 30, "the background save to end")

    def start_again(self, server):
        """Whatever became of the process: another one in the same folder."""
        if server.running():
            server.kill()
        server.start()
        wait_until(lambda: server.info("persistence")["loading"] == "0", 30, "the data to be loaded")
        return server

    def filled(self, **options):
        server = self.start(**options)
        server.ask("DEBUG", "POPULATE", str(POPULATION))
        server.ask("SET", "number", "-12345")
        server.ask("SET", "wide", "9223372036854775807")
        server.ask("SET", "long", "abcdefgh" * 5000)
        server.ask("SET", "", "of the empty key")
        server.ask("SET", "binary", bytes(range(256)).decode("latin-1").encode())
        server.ask("SET", "later", "x", "PXAT", "4102444800123")
        return server


class Saving(SnapshotTest):
    def test_what_save_wrote_is_there_after_a_crash(self):
        server = self.filled()
        digest = server.ask("DEBUG", "DIGEST")
        self.assertEqual(server.ask("SAVE"), b"OK")
        self.assertEqual(server.info("persistence")["rdb_changes_since_last_save"], "0")
        self.assertIn("RDB looks OK", check_rdb(server.folder / "dump.rdb"))
        self.start_again(server)
        self.assertEqual(server.ask("DEBUG", "DIGEST"), digest)
        self.assertEqual(server.ask("PEXPIRETIME", "later"), 4102444800123)
        self.assertEqual(server.info("persistence")["rdb_changes_since_last_save"], "0")
        self.assertIn("DB loaded from disk", server.log())

    def test_background_save(self):
        server = self.filled()
        before = server.ask("LASTSAVE")
        self.background_save(server)
        info = server.info("persistence", "stats")
        self.assertEqual(info["rdb_last_bgsave_status"], "ok")
        self.assertEqual(info["rdb_changes_since_last_save"], "0")
        self.assertEqual(info["rdb_saves"], "1")
        self.assertEqual(info["total_forks"], "1")
        self.assertGreater(int(info["latest_fork_usec"]), 0)
        self.assertGreater(int(info["rdb_last_cow_size"]), 0)
        self.assertGreaterEqual(server.ask("LASTSAVE"), before)
        self.assertEqual([each for each in os.listdir(server.folder) if each.startswith("temp-")], [])
        for line in ("Background saving started by pid", "DB saved on disk", "Background saving terminated with success"):
            self.assertIn(line, server.log())
        digest = server.ask("DEBUG", "DIGEST")
        self.start_again(server)
        self.assertEqual(server.ask("DEBUG", "DIGEST"), digest)

    def test_changes_beside_a_background_save_are_not_in_it_and_still_count(self):
        server = self.start(rdb_key_save_delay=200_000)
        for i in range(5):
            server.ask("SET", f"before:{i}", "1")
        server.ask("BGSAVE")
        server.ask("SET", "after", "1")
        self.assertEqual(server.info("persistence")["rdb_bgsave_in_progress"], "1")
        self.assertEqual(error_of(server, "BGSAVE"), b"ERR Background save already in progress")
        self.assertEqual(error_of(server, "SAVE"), b"ERR Background save already in progress")
        wait_until(lambda: server.info("persistence")["rdb_bgsave_in_progress"] == "0", 30)
        self.assertEqual(server.info("persistence")["rdb_changes_since_last_save"], "1")
        self.start_again(server)
        self.assertEqual(server.ask("DBSIZE"), 5)

    def test_progress_of_the_child(self):
        server = self.start(rdb_key_save_delay=100)
        server.ask("DEBUG", "POPULATE", "20000")
        server.ask("BGSAVE")
        info = wait_until(lambda: (lambda i: i if int(i["current_save_keys_processed"]) > 0 else None)(
            server.info("persistence")), 10, "the child to tell how far it is")
        self.assertEqual(info["current_save_keys_total"], "20000")
        self.assertGreater(float(info["current_fork_perc"]), 0)
        self.assertGreater(int(info["current_cow_size"]), 0)

    def test_the_child_has_a_title_and_none_of_our_sockets(self):
        server = self.start(rdb_key_save_delay=1_000_000)
        for i in range(10):
            server.ask("SET", f"k{i}", "v")
        server.ask("BGSAVE")
        child = child_of(server)
        wait_until(lambda: b"redis-rdb-bgsave" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes(), 10)
        if os.path.basename(server.binary) != "redis-server":
            # It has its title before it has closed the last of them.
            wait_until(lambda: not sockets_of(child), 10, "the child to have closed our sockets")

    def test_save_points(self):
        server = self.start(save="1 3")
        server.ask("SET", "a", "1")
        server.ask("SET", "b", "1")
        self.assertEqual(server.info("persistence")["rdb_saves"], "0")
        server.ask("SET", "c", "1")
        wait_until(lambda: server.info("persistence")["rdb_changes_since_last_save"] == "0", 10, "the save point")
        self.assertIn("3 changes in 1 seconds. Saving...", server.log())
        self.start_again(server)
        self.assertEqual(server.ask("DBSIZE"), 3)

    def test_flushall_empties_the_file_where_there_are_save_points(self):
        server = self.start(save="3600 1")
        server.ask("SET", "a", "1")
        server.ask("SAVE")
        server.ask("FLUSHALL")
        wait_until(lambda: "0 keys read" in check_rdb(server.folder / "dump.rdb"), 10, "an empty file")
        self.start_again(server)
        self.assertEqual(server.ask("DBSIZE"), 0)

    def test_bgsave_in_a_transaction_comes_after_it(self):
        server = self.start()
        with server.connect() as connection:
            connection.ask("MULTI")
            connection.ask("BGSAVE")
            connection.ask("SET", "k", "v")
            self.assertEqual(connection.ask("EXEC"), [("+", b"Background saving scheduled"), ("+", b"OK")])
        wait_until(lambda: server.info("persistence")["rdb_saves"] == "1", 10, "the scheduled save")
        wait_until(lambda: server.info("persistence")["rdb_bgsave_in_progress"] == "0", 10)
        self.start_again(server)
        self.assertEqual(server.ask("GET", "k"), b"v")

    def test_debug_reload_keeps_everything(self):
        server = self.filled()
        digest = server.ask("DEBUG", "DIGEST")
        for words in ([], ["NOSAVE"], ["NOSAVE", "NOFLUSH", "MERGE"]):
            self.assertEqual(server.ask("DEBUG", "RELOAD", *words), b"OK")
            self.assertEqual(server.ask("DEBUG", "DIGEST"), digest)

    def test_debug_reload_merge_brings_back_what_the_file_holds(self):
        server = self.start()
        server.ask("SET", "a", "saved")
        server.ask("SAVE")
        server.ask("SET", "a", "changed")
        server.ask("SET", "b", "new")
        self.assertEqual(server.ask("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE"), b"OK")
        self.assertEqual([server.ask("GET", key) for key in "ab"], [b"saved", b"new"])

    def test_uncompressed_and_without_a_checksum(self):
        sizes = {}
        for compression in ("yes", "no"):
            server = self.start(rdbcompression=compression, rdbchecksum="no")
            server.ask("SET", "long", "abcdefgh" * 5000)
            digest = server.ask("DEBUG", "DIGEST")
            server.ask("SAVE")
            check_rdb(server.folder / "dump.rdb")
            data = (server.folder / "dump.rdb").read_bytes()
            self.assertEqual(data[-8:], bytes(8))
            sizes[compression] = len(data)
            self.start_again(server)
            self.assertEqual(server.ask("DEBUG", "DIGEST"), digest)
        self.assertLess(sizes["yes"], 5000)
        self.assertGreater(sizes["no"], 40000)


class Expiry(SnapshotTest):
    def test_what_expired_meanwhile_is_left_out(self):
        server = self.start()
        server.ask("SET", "gone", "x", "PX", "150")
        server.ask("SET", "stays", "x", "EX", "1000")
        server.ask("SAVE")
        server.kill()
        time.sleep(0.2)  # what expires does so by the clock alone
        self.start_again(server)
        self.assertEqual(server.ask("DBSIZE"), 1)
        self.assertGreater(server.ask("TTL", "stays"), 990)
        info = server.info("persistence")
        self.assertEqual((info["rdb_last_load_keys_expired"], info["rdb_last_load_keys_loaded"]), ("1", "1"))


class Trouble(SnapshotTest):
    def lose_folder(self, server):
        """Root may write anywhere but into a folder that is not there."""
        os.rename(server.folder / "data", server.folder / "elsewhere")

    def with_data_folder(self, **options):
        server = self.server(**options)
        (server.folder / "data").mkdir()
        server.options["dir"] = server.folder / "data"
        return server.start()

    def test_writes_stop_while_saves_fail_and_go_on_once_they_do_not(self):
        server = self.with_data_folder(save="3600 1")
        server.ask("SET", "k", "v")
        self.lose_folder(server)
        server.ask("BGSAVE")
        wait_until(lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err", 10, "the save to fail")
        for words in (["SET", "k", "w"], ["PING"], ["DEL", "k"]):
            self.assertIn(MISCONF, error_of(server, *words))
        self.assertEqual(server.ask("GET", "k"), b"v")
        with server.connect() as connection:
            connection.ask("MULTI")
            self.assertTrue(bytes(connection.request("SET", "k", "w")).startswith(b"-MISCONF"))
        # Told not to care, it does not.
        server.ask("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
        self.assertEqual(server.ask("SET", "k", "w"), b"OK")
        server.ask("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes")
        self.assertIn(MISCONF, error_of(server, "SET", "k", "x"))
        os.rename(server.folder / "elsewhere", server.folder / "data")
        if os.path.basename(server.binary) == "redis-server":
            server.ask("CONFIG", "SET", "dir", str(server.folder / "data"))
        # A save point that is due tries again by itself, some seconds after the failure.
        server.ask("CONFIG", "SET", "save", "1 1")
        wait_until(lambda: server.info("persistence")["rdb_last_bgsave_status"] == "ok", 15, "the next attempt")
        self.assertEqual(server.ask("SET", "k", "x"), b"OK")

    def test_a_failed_save_says_why_and_leaves_the_file(self):
        server = self.with_data_folder()
        server.ask("SET", "k", "v")
        server.ask("SAVE")
        self.lose_folder(server)
        self.assertEqual(error_of(server, "SAVE"), b"ERR")
        self.assertIn("No such file or directory", server.log())
        # Without save points nothing was promised: writes go on.
        self.assertEqual(server.ask("SET", "k", "w"), b"OK")
        check_rdb(server.folder / "elsewhere" / "dump.rdb")

    def test_a_killed_child_leaves_nothing(self):
        server = self.start(save="3600 1000000", rdb_key_save_delay=1_000_000)
        server.ask("SET", "old", "1")
        server.ask("CONFIG", "SET", "rdb-key-save-delay", "0")
        self.background_save(server)
        before = (server.folder / "dump.rdb").read_bytes()
        server.ask("CONFIG", "SET", "rdb-key-save-delay", "1000000")
        for i in range(20):
            server.ask("SET", f"k{i}", "v")
        server.ask("BGSAVE")
        child = child_of(server)
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err", 10, "the death to be seen")
        self.assertIn("Background saving terminated by signal 9", server.log())
        self.assertEqual((server.folder / "dump.rdb").read_bytes(), before)
        self.assertEqual([each for each in os.listdir(server.folder) if each.startswith("temp-")], [])
        self.assertFalse(os.path.exists(f"/proc/{child}"))
        self.assertIn(MISCONF, error_of(server, "SET", "k", "w"))
        server.ask("CONFIG", "SET", "rdb-key-save-delay", "0")
        self.assertEqual(server.ask("SAVE"), b"OK")
        self.assertEqual(server.ask("SET", "k", "w"), b"OK")

    @beyond_redis
    def test_a_crash_at_any_moment_leaves_a_whole_file(self):
        server = self.start()
        server.ask("SET", "generation", "0")
        server.ask("SAVE")
        dice = random.Random(1)
        saved, keys = 0, 1
        for generation in range(1, 8):
            server.ask("DEBUG", "POPULATE", "100000", f"g{generation}")
            server.ask("SET", "generation", str(generation))
            server.ask("BGSAVE")
            children = pathlib.Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            time.sleep(dice.random() * 0.05)  # the moment is what is tried out
            server.kill()
            wait_until(lambda pids=children: all(has_ended(pid) for pid in pids), 20, "the child to end")
            self.assertEqual([each for each in os.listdir(server.folder) if each.startswith("temp-")], [])
            self.start_again(server)
            found = int(server.ask("GET", "generation"))
            self.assertIn(found, (saved, generation))
            if found == generation:
                saved, keys = generation, keys + 100000
            self.assertEqual(server.ask("DBSIZE"), keys)

    @beyond_redis
    def test_a_child_whose_server_died_ends_and_cleans_up(self):
        server = self.start(rdb_key_save_delay=1_000_000)
        for i in range(100):
            server.ask("SET", f"k{i}", "v")
        server.ask("BGSAVE")
        child = child_of(server)
        server.kill()
        wait_until(lambda: has_ended(child), 20, "the child to end")
        self.assertEqual([each for each in os.listdir(server.folder) if each.endswith(".rdb")], [])


    def unfinished(self, server):
        return sorted(each for each in os.listdir(server.folder) if each.startswith("temp-"))

    @beyond_redis
    def test_the_half_of_a_killed_save_goes_at_the_next_start(self):
        server = self.server(rdb_key_save_delay=1_000_000)
        configuration = server.folder / "skein.conf"
        configuration.write_text("")
        server.arguments = [str(configuration)]
        server.start()
        for i in range(100):
            server.ask("SET", f"k{i}", "v")
        server.ask("BGSAVE")
        child = child_of(server)
        wait_until(lambda: self.unfinished(server), 10, "the child to begin")
        # It has no chance to clean up.
        os.kill(child, signal.SIGSTOP)
        server.kill()
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: has_ended(child), 20, "the child to end")
        left = self.unfinished(server)
        self.assertEqual(left, [f"temp-{child}.rdb"])
        # Other people's, for all it knows.
        (server.folder / f"temp-{child}.txt").write_text("x")
        (server.folder / f"temp-{os.getpid()}.rdb").write_text("REDIS0011")
        rewritten = server.folder / f"skein.conf.tmp-{child}"
        rewritten.write_text("half")
        self.start_again(server)
        self.assertEqual(self.unfinished(server), sorted([f"temp-{child}.txt", f"temp-{os.getpid()}.rdb"]))
        self.assertIn(f"Removed temp-{child}.rdb", server.log())
        self.assertFalse(rewritten.exists())

    @beyond_redis
    def test_the_half_of_a_data_set_that_was_being_received_goes_too(self):
        beginning = b"+FULLRESYNC " + b"a" * 40 + b" 1\r\n$100000000\r\nREDIS0011" + b"\xfa\x01a\x80\x05\xf5\xe0\x00" + b"z" * 300000

        def answer(words):
            return {b"PING": b"+PONG\r\n", b"PSYNC": beginning}.get(words[0], b"+OK\r\n")

        with FakeTarget(answer) as primary:
            server = self.start()
            server.ask("REPLICAOF", primary.host, primary.port)
            wait_until(lambda: self.unfinished(server), 10, "the data set to begin")
            server.kill()
        self.assertEqual(len(self.unfinished(server)), 1)
        self.start_again(server)
        self.assertEqual(self.unfinished(server), [])


class Ending(SnapshotTest):
    def ended(self, server):
        return server.wait(15)

    def shut_down(self, server, *words):
        with server.connect() as connection:
            try:
                return connection.request("SHUTDOWN", *words)
            except (Closed, OSError):
                return None

    def test_shutdown_saves_when_there_are_save_points(self):
        for save, words, kept in (("3600 1", (), 1), ("", (), 0), ("", ("SAVE",), 1), ("3600 1", ("NOSAVE",), 0)):
            with self.subTest(save=save, words=words):
                server = self.start(save=save)
                server.ask("SET", "k", "v")
                self.shut_down(server, *words)
                self.assertEqual(self.ended(server), 0)
                self.start_again(server)
                self.assertEqual(server.ask("DBSIZE"), kept)

    def test_sigterm_saves_too(self):
        for option, kept in ((None, 1), ("nosave", 0)):
            with self.subTest(option=option):
                server = self.start(save="3600 1", **({"shutdown_on_sigterm": option} if option else {}))
                server.ask("SET", "k", "v")
                self.assertEqual(server.terminate(), 0)
                self.start_again(server)
                self.assertEqual(server.ask("DBSIZE"), kept)

    def test_it_does_not_end_when_it_cannot_save(self):
        server = self.server(save="3600 1")
        (server.folder / "data").mkdir()
        server.options["dir"] = server.folder / "data"
        server.start()
        server.ask("SET", "k", "v")
        os.rename(server.folder / "data", server.folder / "elsewhere")
        self.assertEqual(error_of(server, "SHUTDOWN"), b"ERR Errors trying to SHUTDOWN. Check logs.")
        server.signal(signal.SIGTERM)
        wait_until(lambda: "SIGTERM" in server.log() and server.log().count("can't exit") == 2, 10,
                   "the signal to be refused")
        self.assertEqual(server.ask("GET", "k"), b"v")
        server.signal(signal.SIGTERM)
        wait_until(lambda: server.log().count("can't exit") == 3, 10, "the next signal to be refused as well")
        self.shut_down(server, "FORCE")
        self.assertEqual(self.ended(server), 0)

    def test_a_child_does_not_outlive_the_end(self):
        server = self.start(rdb_key_save_delay=1_000_000)
        for i in range(20):
            server.ask("SET", f"k{i}", "v")
        server.ask("BGSAVE")
        child = child_of(server)
        self.shut_down(server)
        self.assertEqual(self.ended(server), 0)
        wait_until(lambda: has_ended(child), 10, "the child to end")
        self.assertEqual([each for each in os.listdir(server.folder) if each.endswith(".rdb")], [])


class Loading(SnapshotTest):
    def big_file(self, keys, **options):
        server = self.start(**options)
        server.ask("DEBUG", "POPULATE", str(keys))
        server.ask("SAVE")
        return server

    @beyond_redis
    def test_it_answers_while_it_loads(self):
        server = self.big_file(1_500_000)
        server.kill()
        server.launch()
        seen = []

        def ask():
            try:
                with server.connect() as connection:
                    while True:
                        reply = bytes(connection.request("PING"))
                        if reply.startswith(b"-LOADING"):
                            if not seen:
                                info = dict(line.split(":", 1) for line in
                                            connection.ask("INFO", "persistence").decode().splitlines() if ":" in line)
                                if info["loading"] == "1":
                                    seen.append(info)
                            continue
                        return reply
            except (Closed, OSError):
                return None

        self.assertEqual(wait_until(ask, 30, "the server to have loaded"), b"+PONG\r\n")
        self.assertTrue(seen, "it was loaded before anybody could ask")
        self.assertGreater(int(seen[0]["loading_total_bytes"]), 30_000_000)
        self.assertIn("loading_eta_seconds", seen[0])
        self.assertEqual(server.ask("DBSIZE"), 1_500_000)
        log = server.log()
        self.assertLess(log.rindex("DB loaded from disk"), log.rindex("Ready to accept connections"))

    def test_it_may_be_stopped_while_it_loads(self):
        server = self.big_file(1_500_000, save="3600 1")
        server.kill()
        before = (server.folder / "dump.rdb").stat()
        server.launch()
        wait_until(lambda: server.log().count("Server initialized") == 2, 10, "the second start")
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        after = (server.folder / "dump.rdb").stat()
        self.assertEqual((before.st_ino, before.st_size), (after.st_ino, after.st_size))

    def test_without_a_file_it_starts_empty(self):
        self.assertEqual(self.start().ask("DBSIZE"), 0)

    def test_another_name(self):
        server = self.start(dbfilename="other.rdb")
        server.ask("SET", "k", "v")
        server.ask("SAVE")
        self.start_again(server)
        self.assertEqual(server.ask("GET", "k"), b"v")
        self.assertTrue((server.folder / "other.rdb").exists())

    def refuses(self, data):
        server = self.server()
        path = server.folder / "dump.rdb"
        path.write_bytes(data)
        server.launch()
        self.assertNotEqual(server.wait(20), 0)
        self.assertEqual(path.read_bytes(), data)
        return server.log()

    def sample(self):
        server = self.filled()
        server.ask("SAVE")
        data = (server.folder / "dump.rdb").read_bytes()
        server.stop()
        return data

    @beyond_redis
    def test_a_damaged_file_is_refused_and_left_as_it_is(self):
        data = self.sample()
        half = len(data) // 2
        for name, damaged in (("empty", b""), ("cut", data[:half]), ("a byte short", data[:-1]),
                              ("another byte", data[:half] + bytes([data[half] ^ 0x20]) + data[half + 1:]),
                              ("no RDB", b"nothing of ours" * 10), ("too new", b"REDIS9999" + data[9:]),
                              ("more behind it", data + b"x")):
            with self.subTest(name):
                log = self.refuses(damaged)
                self.assertIn("Fatal error loading the DB", log)
                self.assertIn("dump.rdb", log)
                self.assertIn("offset", log)
                self.assertNotIn("BUG REPORT", log)

    @beyond_redis
    def test_reload_of_a_damaged_file_keeps_the_data(self):
        server = self.filled()
        digest = server.ask("DEBUG", "DIGEST")
        server.ask("SAVE")
        path = server.folder / "dump.rdb"
        path.write_bytes(path.read_bytes()[:-100])
        self.assertEqual(error_of(server, "DEBUG", "RELOAD", "NOSAVE"),
                         b"ERR Error trying to load the RDB dump, check server logs.")
        self.assertEqual(server.ask("DEBUG", "DIGEST"), digest)


class Cluster(SnapshotTest):
    def start_member(self, **options):
        return self.start(cluster_enabled="yes", cluster_node_timeout=2000, **options)

    def test_a_member_has_its_keys_again(self):
        server = self.start_member()
        server.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        wait_until(lambda: "cluster_state:ok" in server.ask_text("CLUSTER", "INFO"), 15)
        for i in range(100):
            server.ask("SET", f"k{i}", "v")
        digest = server.ask("DEBUG", "DIGEST")
        server.ask("SAVE")
        self.start_again(server)
        self.assertEqual(server.ask("DEBUG", "DIGEST"), digest)

    def test_slots_nobody_has_are_claimed_with_their_keys(self):
        server = self.start()
        server.ask("SET", "foo", "bar")  # slot 12182
        server.ask("SAVE")
        server.kill()
        server.options |= {"cluster-enabled": "yes"}
        self.start_again(server)
        self.assertIn("I have keys for unassigned slot 12182. Taking responsibility for it.", server.log())
        self.assertIn("12182", server.ask_text("CLUSTER", "NODES").split("myself", 1)[1])

    def test_a_member_has_one_database(self):
        server = self.start()
        with server.connect() as connection:
            connection.ask("SELECT", "3")
            connection.ask("SET", "k", "v")
        server.ask("SAVE")
        server.kill()
        server.options |= {"cluster-enabled": "yes"}
        server.launch()
        self.assertNotEqual(server.wait(20), 0)


@unittest.skipUnless(reference_binary(), "there is no redis-server here")
class Exchange(SnapshotTest):
    def move(self, writer, reader, **options):
        source = self.filled(binary=writer, **options)
        with source.connect() as connection:
            connection.ask("SELECT", "9")
            connection.ask("SET", "in nine", "x", "EX", "5000")
        digest = source.ask("DEBUG", "DIGEST")
        expiry = source.ask("PEXPIRETIME", "later")
        source.ask("SAVE")
        check_rdb(source.folder / "dump.rdb")
        data = (source.folder / "dump.rdb").read_bytes()
        target = self.server(binary=reader)
        (target.folder / "dump.rdb").write_bytes(data)
        target.start()
        wait_until(lambda: target.info("persistence")["loading"] == "0", 30)
        self.assertEqual(target.ask("DEBUG", "DIGEST"), digest)
        self.assertEqual(target.ask("PEXPIRETIME", "later"), expiry)

    def test_redis_loads_ours(self):
        for compression in ("yes", "no"):
            with self.subTest(compression=compression):
                self.move(None, reference_binary(), rdbcompression=compression)

    def test_we_load_those_of_redis(self):
        for compression in ("yes", "no"):
            for checksum in ("yes", "no"):
                with self.subTest(compression=compression, checksum=checksum):
                    self.move(reference_binary(), None, rdbcompression=compression, rdbchecksum=checksum)

    def test_eviction_figures_are_taken_over(self):
        for policy in ("allkeys-lru", "allkeys-lfu"):
            with self.subTest(policy=policy):
                self.move(reference_binary(), None, maxmemory_policy=policy)
                self.move(None, reference_binary(), maxmemory_policy=policy)


class Stalls(SnapshotTest):
    def test_others_are_served_beside_a_save(self):
        server = self.start(rdb_key_save_delay=20)
        server.ask("DEBUG", "POPULATE", "100000")
        server.ask("BGSAVE")
        answers = 0
        with server.connect() as connection:
            while server.info("persistence")["rdb_bgsave_in_progress"] == "1":
                for _ in range(100):
                    connection.ask("INCR", "counter")
                    answers += 1
        self.assertGreater(answers, 100)
        self.assertEqual(server.info("persistence")["rdb_changes_since_last_save"], str(answers))


if __name__ == "__main__":
    unittest.main()
