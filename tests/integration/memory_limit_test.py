#!/usr/bin/python3
"""maxmemory: what is refused, what is evicted and what is not, beside redis-server and with replicas.

With SKEIN_SERVER set to a redis-server the tests prove themselves but for what is Skein's own.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Connection, Server, beyond_redis, reference_binary, request_bytes, server_binary, wait_until  # noqa: E402
from testbed.replication import follow, link_is_up, offset, server_of, wait_caught_up, wait_same_data  # noqa: E402

MIB = 1024 * 1024
# Who asks takes memory too.
SLACK = MIB // 8
OOM = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
POLICIES = [f"{which}-{order}" for which in ("allkeys", "volatile") for order in ("lru", "lfu", "random")] + ["volatile-ttl"]


def figure(server, section, name):
    return int(server.info(section)[name])


def reply_of(server, *words):
    with server.connect() as client:
        return client.request(*words)


def used(server):
    return figure(server, "memory", "used_memory")


def evicted(server):
    return figure(server, "stats", "evicted_keys")


def limit(server, room, policy="noeviction"):
    """So much more than is in use now; the limit."""
    server.ask("CONFIG", "SET", "maxmemory-policy", policy)
    bytes_in_all = used(server) + room
    server.ask("CONFIG", "SET", "maxmemory", bytes_in_all)
    return bytes_in_all


def fill(server, numbers, size=1000, prefix="k", expiring=False, batch=200):
    """The replies that were errors."""
    refused = []
    numbers = list(numbers)
    with server.connect() as client:
        for first in range(0, len(numbers), batch):
            part = numbers[first:first + batch]
            tail = ["EX", "100000"] if expiring else []
            client.send(b"".join(request_bytes("SET", f"{prefix}:{number}", "x" * size, *tail) for number in part))
            refused += [reply for reply in (client.read_reply() for _ in part) if reply != b"+OK\r\n"]
    return refused


def gone_and_left(server):
    """How many keys have ever been here. Asking takes memory, so nothing may go meanwhile."""
    server.ask("CONFIG", "SET", "maxmemory", 0)
    return evicted(server) + server.ask("DBSIZE")


def names(server, pattern="*"):
    return {name.decode() for _, name in server.ask("KEYS", pattern)}


class MemoryTest(unittest.TestCase):
    def start(self, binary=None, **options):
        server = Server(binary, **({"repl-diskless-sync-delay": 0, "enable-debug-command": "yes"} | options))
        self.addCleanup(server.stop)
        return server.start()

    def both(self, **options):
        return [self.start(binary, **options) for binary in (server_binary(), reference_binary())]


class Refusals(MemoryTest):
    """What is answered when nothing may go."""

    CALLS = [("SET", "k", "v"), ("SETEX", "k", "10", "v"), ("GETSET", "k", "v"), ("APPEND", "k", "v"), ("INCR", "n"),
             ("INCRBYFLOAT", "n", "1"), ("SETRANGE", "k", "1", "v"), ("MSET", "k", "v"),
             ("COPY", "k", "c"), ("RESTORE", "r", "0", "junk"), ("GETEX", "k", "EX", "1000"), ("GET", "k"),
             ("EXPIRE", "k", "1000"), ("RENAME", "k", "other"), ("DEL", "other"), ("DUMP", "k"), ("EXISTS", "k"), ("TTL", "k"),
             ("OBJECT", "ENCODING", "n"), ("PING",), ("SWAPDB", "1", "2"), ("FLUSHDB",), ("SET", "k", "v"), ("SET",),
             ("NOSUCH", "k")]

    def test_each_command_is_refused_or_not_as_by_redis(self):
        servers = self.both()
        for server in servers:
            server.ask("MSET", "k", "value", "n", "5")
            server.ask("CONFIG", "SET", "maxmemory", 1)
        for call in self.CALLS:
            ours, theirs = (reply_of(server, *call) for server in servers)
            self.assertEqual(theirs, ours, call)
        for server in servers:
            self.assertEqual(OOM, reply_of(server, "SET", "k", "v"))
            self.assertEqual(0, evicted(server))
            server.ask("CONFIG", "SET", "maxmemory", 0)
            self.assertEqual(b"OK", server.ask("SET", "k", "v"))

    def test_transactions(self):
        for server in self.both():
            with server.connect() as client:
                client.ask("MULTI")
                client.ask("SET", "k", "v")
                server.ask("CONFIG", "SET", "maxmemory", 1)
                replies = [client.request("EXEC")]
                replies += [client.request("MULTI"), client.request("SET", "k", "v"), client.request("EXEC")]
                replies += [client.request("MULTI"), client.request("DISCARD")]
                self.assertEqual([b"-EXECABORT Transaction discarded because of: " + OOM[1:], b"+OK\r\n", OOM,
                                  b"-EXECABORT Transaction discarded because of previous errors.\r\n", b"+OK\r\n", b"+OK\r\n"],
                                 replies, server.binary)

    @beyond_redis
    def test_a_transaction_takes_what_adds_nothing(self):
        """redis-server queues nothing at all, not even what would make room."""
        server = self.start()
        with server.connect() as client:
            client.ask("SET", "k", "v")
            server.ask("CONFIG", "SET", "maxmemory", 1)
            client.ask("MULTI")
            for words in (("GET", "k"), ("DEL", "k"), ("INFO", "server")):
                self.assertEqual(b"+QUEUED\r\n", client.request(*words))
            self.assertTrue(client.request("EXEC").startswith(b"*3\r\n$1\r\nv\r\n:1\r\n$"))

    @beyond_redis
    def test_what_cannot_fit_is_refused_before_anything_goes(self):
        for policy in ("allkeys-lru", "allkeys-random", "volatile-lru", "noeviction"):
            with self.subTest(policy):
                server = self.start()
                large = "x" * (20 * MIB)
                server.ask("SET", "large", large)
                packed = server.ask("DUMP", "large")
                self.assertLess(len(packed), MIB)
                server.ask("DEL", "large")
                fill(server, range(2000), size=100)
                fill(server, range(10), size=100, prefix="volatile", expiring=True)
                server.ask("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", 10 * MIB)
                with server.connect() as client:
                    for words in (("SET", "large", large), ("APPEND", "k:1", large), ("MSET", "a", large, "b", "v"),
                                  ("SETRANGE", "k:2", 20 * MIB, "x"), ("GETSET", "k:3", large),
                                  ("RESTORE", "large", 0, packed)):
                        self.assertEqual(OOM, client.request(*words), words[0])
                    client.ask("MULTI")
                    self.assertEqual(OOM, client.request("SET", "large", large))
                    client.ask("DISCARD")
                    client.ask("MULTI")
                    for number in range(6):
                        self.assertEqual(b"+QUEUED\r\n", client.request("SET", f"part:{number}", "x" * (4 * MIB)))
                    self.assertEqual(b"-EXECABORT Transaction discarded because of: " + OOM[1:], client.request("EXEC"))
                    self.assertEqual((0, 2010), (evicted(server), client.ask("DBSIZE")))
                    # And what does fit is taken.
                    self.assertEqual(b"+OK\r\n", client.request("SET", "fits", "x" * (2 * MIB)))
                    wait_until(lambda server=server: used(server) <= 10 * MIB + SLACK, 10)

    def test_refusals_are_counted(self):
        for server in self.both():
            server.ask("CONFIG", "SET", "maxmemory", 1)
            server.ask("CONFIG", "RESETSTAT")
            with server.connect() as client:
                for _ in range(3):
                    self.assertEqual(OOM, client.request("SET", "k", "v"))
            facts = server.info("everything")
            self.assertIn("calls=0,", facts["cmdstat_set"])
            self.assertIn("rejected_calls=3", facts["cmdstat_set"])
            self.assertEqual("count=3", facts["errorstat_OOM"])
            wait_until(lambda server=server: figure(server, "stats", "current_eviction_exceeded_time") > 0)
            server.ask("CONFIG", "SET", "maxmemory", 0)
            # redis-server looks at it with the next limit alone.
            server.ask("CONFIG", "SET", "maxmemory", 1 << 40)
            server.ask("SET", "k", "v")
            facts = server.info("stats")
            self.assertEqual("0", facts["current_eviction_exceeded_time"])
            self.assertGreater(int(facts["total_eviction_exceeded_time"]), 0)

    def test_a_limit_below_what_is_used_is_told_of(self):
        for server in self.both():
            server.ask("CONFIG", "SET", "maxmemory", 1)
            self.assertIn("WARNING: the new maxmemory value set via CONFIG SET (1) is smaller than the current memory usage",
                          server.log())

    def test_flushing_in_the_background_makes_room(self):
        """What another thread is about to free is no reason to refuse."""
        server = self.start()
        fill(server, range(200_000), size=30)
        server.ask("CONFIG", "SET", "maxmemory", used(server) - 4 * MIB)
        with server.connect() as client:
            self.assertEqual(OOM, client.request("SET", "k", "v"))
            client.send(request_bytes("FLUSHALL", "ASYNC") + request_bytes("SET", "k", "v"))
            self.assertEqual([b"+OK\r\n"] * 2, [client.read_reply() for _ in range(2)])


class Evictions(MemoryTest):
    def test_every_policy_keeps_the_limit(self):
        for policy in POLICIES:
            with self.subTest(policy):
                server = self.start()
                bound = limit(server, 4 * MIB, policy)
                self.assertEqual([], fill(server, range(12_000), expiring=True))
                wait_until(lambda: used(server) <= bound + SLACK, 10, "memory to be within its limit")
                self.assertGreater(evicted(server), 4000)
                self.assertEqual(12_000, gone_and_left(server))

    def test_keys_without_an_expiry_are_safe(self):
        for server in self.both():
            for policy in POLICIES:
                if not policy.startswith("volatile"):
                    continue
                with self.subTest(policy, server=server.binary):
                    server.ask("CONFIG", "SET", "maxmemory", 0)
                    server.ask("FLUSHALL")
                    fill(server, range(500), prefix="safe")
                    fill(server, range(500), prefix="volatile", expiring=True)
                    limit(server, 0, policy)
                    refused = fill(server, range(2000), prefix="more")
                    # Until none of the others was left.
                    self.assertEqual({OOM}, set(refused))
                    self.assertEqual(500, len(names(server, "safe:*")))
                    self.assertEqual(0, len(names(server, "volatile:*")))
                    self.assertEqual(2000 - len(refused), len(names(server, "more:*")))

    def lost_share(self, server, policy):
        """Of 100,000 keys every second one is used later. Of what goes then, how much is of the others."""
        count = 100_000
        server.ask("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory-samples", 5)
        fill(server, range(count), size=40, batch=1000)
        if policy.endswith("lru"):
            wait_until(lambda: server.ask("OBJECT", "IDLETIME", "k:0") >= 2, 10)
        rounds = 1 if policy.endswith("lru") else 5
        with server.connect() as client:
            for _ in range(rounds):
                for first in range(0, count, 1000):
                    client.send(b"".join(request_bytes("GET", f"k:{number}") for number in range(first, first + 1000, 2)))
                    for _ in range(500):
                        client.read_reply()
        bound = used(server) * 4 // 5
        server.ask("CONFIG", "SET", "maxmemory", bound)
        wait_until(lambda: used(server) <= bound + SLACK, 20, "a fifth of it to go")
        left = {int(name[2:]) for name in names(server)}
        gone = [number for number in range(count) if number not in left]
        self.assertGreater(len(gone), count // 10)
        return sum(number % 2 for number in gone) / len(gone)

    def test_the_unused_go_first_no_worse_than_from_redis(self):
        for policy in ("allkeys-lru", "allkeys-lfu"):
            ours, theirs = (self.lost_share(server, policy) for server in self.both())
            print(f"{policy}: of what went {ours:.2%} was unused; from redis-server {theirs:.2%}", flush=True)
            self.assertGreaterEqual(ours, theirs - 0.01, policy)

    @beyond_redis
    def test_a_change_to_lfu_and_back_makes_no_hot_key_cold(self):
        server = self.start()
        with server.connect() as client:
            client.ask("MSET", "old", "v", "hot", "v")
            client.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
            self.assertEqual(5, client.ask("OBJECT", "FREQ", "hot"))
            for _ in range(100):
                client.ask("GET", "hot")
            self.assertGreater(client.ask("OBJECT", "FREQ", "hot"), 5)
            client.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            for key in ("old", "hot"):
                self.assertLess(client.ask("OBJECT", "IDLETIME", key), 20)

    def test_a_limit_set_at_run_time_acts_without_any_command(self):
        server = self.start()
        fill(server, range(30_000))
        server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
        bound = used(server) // 2
        server.ask("CONFIG", "SET", "maxmemory", bound)
        with server.connect() as client:
            wait_until(lambda: b"used_memory:" in client.ask("INFO", "memory") and used(server) <= bound + SLACK, 10)
        self.assertGreater(evicted(server), 10_000)

    @beyond_redis
    def test_with_full_tenacity_it_is_done_at_once(self):
        server = self.start(maxmemory_eviction_tenacity=100)
        fill(server, range(30_000))
        server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
        bound = used(server) // 2
        with server.connect() as client:
            client.send(request_bytes("CONFIG", "SET", "maxmemory", bound) + request_bytes("INFO", "memory"))
            self.assertEqual(b"+OK\r\n", client.read_reply())
            facts = client.read_reply().decode()
        self.assertLess(int(facts.split("used_memory:")[1].split()[0]), bound + SLACK)

    def test_a_watched_key_that_goes_breaks_its_transaction(self):
        for server in self.both():
            with server.connect() as client:
                client.ask("SET", "watched", "1")
                client.ask("WATCH", "watched")
                limit(server, -1024, "allkeys-random")
                wait_until(lambda client=client: client.ask("EXISTS", "watched") == 0, 10)
                server.ask("CONFIG", "SET", "maxmemory", 0)
                client.ask("MULTI")
                client.ask("PING")
                self.assertEqual(b"*-1\r\n", client.request("EXEC"))

    def test_evictions_are_no_changes_that_wait_for_a_save(self):
        for server in self.both():
            fill(server, range(1000))
            server.ask("SAVE")
            limit(server, -100_000, "allkeys-random")
            wait_until(lambda server=server: evicted(server) > 0)
            self.assertEqual(0, figure(server, "persistence", "rdb_changes_since_last_save"), server.binary)
            server.ask("CONFIG", "RESETSTAT")
            self.assertEqual(0, evicted(server))

    def test_over_databases(self):
        server = self.start()
        for number in (0, 3, 15):
            with server.connect() as client:
                client.ask("SELECT", number)
                for key in range(2000):
                    client.ask("SET", f"k:{key}", "x" * 1000)
        bound = limit(server, -3 * MIB, "allkeys-lru")
        wait_until(lambda: used(server) <= bound + SLACK, 10)
        sizes = [int(value.split("keys=")[1].split(",")[0]) for value in server.info("keyspace").values()]
        self.assertEqual(3, len(sizes))
        self.assertLess(max(sizes), 2000)

    def test_in_a_cluster(self):
        server = self.start(cluster_enabled="yes")
        server.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_until(lambda: server.info("cluster") and b"cluster_state:ok" in server.ask("CLUSTER", "INFO"))
        fill(server, range(8000))
        wait_until(lambda: server.ask("OBJECT", "IDLETIME", "k:7999") >= 2, 10)
        bound = limit(server, 0, "allkeys-lru")
        self.assertEqual([], fill(server, range(8000, 12_000)))
        wait_until(lambda: used(server) <= bound + SLACK, 10)
        # The last written are the last to go.
        self.assertGreater(len([name for name in names(server) if int(name[2:]) >= 8000]), 3990)
        self.assertEqual(12_000, gone_and_left(server))

    def test_nothing_goes_while_writers_wait(self):
        for server in self.both():
            fill(server, range(2000))
            server.ask("CLIENT", "PAUSE", 100_000, "WRITE")
            bound = limit(server, -MIB, "allkeys-random")
            for _ in range(20):
                self.assertEqual(0, evicted(server))
            server.ask("CLIENT", "UNPAUSE")
            # Seen to with the next command at the latest.
            wait_until(lambda server=server, bound=bound: used(server) <= bound + SLACK, 10)


class Uncounted(MemoryTest):
    """What clients and replicas have not read costs nobody a key."""

    @beyond_redis
    def test_output_of_clients(self):
        server = self.start()
        server.ask("SET", "large", "x" * MIB)
        fill(server, range(1000))
        limit(server, 6 * MIB, "allkeys-lru")
        with Connection(server.port, server.host) as lazy, server.connect() as client:
            lazy.send(request_bytes("GET", "large") * 30)
            wait_until(lambda: figure(server, "memory", "mem_not_counted_for_evict") > 20 * MIB, 10)
            for number in range(100):
                client.ask("SET", f"more:{number}", "v")
            self.assertEqual(0, evicted(server))
            for _ in range(30):
                self.assertEqual(MIB, len(lazy.read_reply()) - len(b"$1048576\r\n\r\n"))
        wait_until(lambda: figure(server, "memory", "mem_not_counted_for_evict") == 0, 10)
        self.assertEqual(0, evicted(server))
        self.assertEqual(1101, server.ask("DBSIZE"))

    @beyond_redis
    def test_what_clients_have_sent_by_halves(self):
        server = self.start()
        fill(server, range(2000))
        limit(server, 2 * MIB, "allkeys-lru")
        clients = [Connection(server.port, server.host) for _ in range(3)]
        for number, client in enumerate(clients):
            self.addCleanup(client.close)
            client.send(request_bytes("SET", f"half:{number}", "x" * (8 * MIB))[:-MIB])
        wait_until(lambda: figure(server, "memory", "mem_not_counted_for_evict") > 20 * MIB, 10)
        for number in range(50):
            server.ask("SET", f"more:{number}", "v")
        self.assertEqual((0, 2050), (evicted(server), server.ask("DBSIZE")))
        # Neither do calls that wait for EXEC.
        with server.connect() as client:
            client.ask("MULTI")
            for _ in range(4):
                self.assertEqual(b"+QUEUED\r\n", client.request("GET", "x" * MIB))
            for number in range(50):
                server.ask("SET", f"more:{number}", "v")
            self.assertEqual(b"*4\r\n" + b"$-1\r\n" * 4, client.request("EXEC"))
        self.assertEqual((0, 2050), (evicted(server), server.ask("DBSIZE")))
        for client in clients:
            client.close()
        wait_until(lambda: figure(server, "memory", "mem_not_counted_for_evict") == 0, 10)
        self.assertEqual((0, 2050), (evicted(server), server.ask("DBSIZE")))

    def test_what_a_replica_has_not_read(self):
        for server in self.both(repl_backlog_size=MIB, repl_timeout=3600, client_output_buffer_limit="replica 0 0 0"):
            fill(server, range(1000))
            with Connection(server.port, server.host) as replica:
                replica.ask("REPLCONF", "capa", "eof")
                replica.send(request_bytes("PSYNC", "?", -1))
                wait_until(lambda server=server: server.info("replication")["connected_slaves"] == "1")
                wait_until(lambda server=server: figure(server, "persistence", "rdb_bgsave_in_progress") == 0)
                limit(server, 8 * MIB, "allkeys-lru")
                for _ in range(30):
                    fill(server, range(1000), prefix="k")
                self.assertGreater(figure(server, "memory", "mem_not_counted_for_evict"), 16 * MIB, server.binary)
                self.assertEqual(0, evicted(server), server.binary)


class WithReplicas(MemoryTest):
    def start_one(self, kind, **options):
        server = server_of(kind, **options)
        self.addCleanup(server.stop)
        return server.start()

    def test_all_end_equal(self):
        """Whatever has gone has gone on the replicas too, and they let nothing go themselves."""
        for kinds in (("skein", "skein", "redis"), ("redis", "skein", "skein")):
            for policy in ("allkeys-lru", "volatile-ttl"):
                with self.subTest(kinds=kinds, policy=policy):
                    primary, *replicas = (self.start_one(kind) for kind in kinds)
                    for replica in replicas:
                        follow(replica, primary)
                    bound = limit(primary, 4 * MIB, policy)
                    for replica in replicas:
                        replica.ask("CONFIG", "SET", "maxmemory", bound // 2, "maxmemory-policy", "allkeys-random")
                    with primary.connect() as client:
                        for first in range(0, 9000, 300):
                            client.ask("SELECT", first // 300 % 3)
                            client.ask("MULTI")
                            for number in range(first, first + 300):
                                client.ask("SET", f"k:{number}", "x" * 1000, "PX", 10**9 + number)
                            client.ask("EXEC")
                    wait_until(lambda primary=primary: evicted(primary) > 2000, 10)
                    wait_same_data(primary, *replicas)
                    self.assertEqual([0, 0], [evicted(replica) for replica in replicas])

    def test_a_replica_may_be_told_to_see_to_it(self):
        primary, replica = self.start_one("skein"), self.start_one("skein", replica_ignore_maxmemory="no")
        follow(replica, primary)
        bound = limit(replica, 3 * MIB, "allkeys-lru")
        fill(primary, range(10_000))
        wait_caught_up(primary, replica)
        wait_until(lambda: used(replica) <= bound + SLACK, 10)
        self.assertEqual(10_000, primary.ask("DBSIZE"))
        self.assertGreater(evicted(replica), 4000)
        # With nothing that may go it still takes what it is sent.
        replica.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        fill(primary, range(10_000, 20_000))
        wait_caught_up(primary, replica)
        self.assertIsNotNone(replica.ask("GET", "k:19999"))
        self.assertNotIn("OOM", replica.log())
        # And is asked to let go of it again.
        replica.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        wait_until(lambda: used(replica) <= bound + SLACK, 10)
        replica.ask("CONFIG", "SET", "replica-ignore-maxmemory", "yes")
        before = evicted(replica)
        fill(primary, range(20_000, 25_000))
        wait_caught_up(primary, replica)
        self.assertEqual(before, evicted(replica))

    def test_a_writable_replica_refuses_nothing_unless_told(self):
        for kind in ("skein", "redis"):
            primary, replica = self.start_one("skein"), self.start_one(kind, replica_read_only="no", maxmemory=1)
            follow(replica, primary)
            with replica.connect() as client:
                self.assertEqual(b"+OK\r\n", client.request("SET", "k", "v"), kind)
                client.ask("CONFIG", "SET", "replica-ignore-maxmemory", "no")
                self.assertEqual(OOM, client.request("SET", "k", "v"), kind)
                client.ask("REPLICAOF", "NO", "ONE")
                client.ask("CONFIG", "SET", "replica-ignore-maxmemory", "yes")
                self.assertEqual(OOM, client.request("SET", "k", "v"), kind)

    def test_a_promoted_replica_sees_to_its_limit(self):
        primary, replica = self.start_one("skein"), self.start_one("skein")
        follow(replica, primary)
        fill(primary, range(8000))
        wait_caught_up(primary, replica)
        bound = limit(replica, -4 * MIB, "allkeys-lru")
        self.assertTrue(link_is_up(replica))
        self.assertEqual((0, offset(primary)), (evicted(replica), offset(replica)))
        replica.ask("REPLICAOF", "NO", "ONE")
        wait_until(lambda: used(replica) <= bound + SLACK, 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
