#!/usr/bin/python3
"""The replication stream of Skein beside redis-server's: the same writes, the same commands in it.

A bare replica of each reads what it is sent. Random commands come from the generator of the
differential test; CI's seed is always the same, others find more:

  stream_test.py                       what CI runs
  SKEIN_STREAM_SEED=7 SKEIN_STREAM_COUNT=100000 stream_test.py Streams.test_random_writes

SKEIN_STREAM_TRACE=1 shows what was sent before a difference.
"""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from diffing.commands import KEYS_GROUP, STRINGS, TRANSACTIONS, random_command  # noqa: E402
from diffing.grammar import one  # noqa: E402
from testbed import Server, reference_binary, request_bytes, server_binary, wait_until  # noqa: E402
from testbed.psync import BareReplica  # noqa: E402
from testbed.replication import digest, server_of, wait_same_data, follow  # noqa: E402
from testbed.resp import parse_reply  # noqa: E402

# What may differ in the two streams, all of it:
#  1. moments of expiry that were told as a span, by the time between the two servers' clocks;
#  2. the case of names and words, and the words that chose whether to write at all (NX, XX, GT, LT): redis-server
#     hands them on in some forms and not in others;
#  3. where SELECT stands, inside a group or before it: what counts is the database each command meets;
#  4. the DEL of a key whose time was over, found by a write: redis-server groups it with the write and sends it
#     even when the write replaces the key anyhow;
#  5. keys that expire on their own go in any order (where a test says so);
#  6. PING, which comes by the clock.
# `canonical` brings both to one form; 1 is left to `same_command`.
MOMENT_TOLERANCE_MS = 5000
CONDITIONS = {b"NX", b"XX", b"GT", b"LT"}
WITHOUT_DATABASE = {b"REPLCONF", b"FLUSHALL", b"SWAPDB"}
# Where the keys stand that a command replaces whatever they held.
REPLACED = {b"SET": slice(1, 2), b"SETEX": slice(1, 2), b"PSETEX": slice(1, 2), b"MSET": slice(1, None, 2),
            b"RENAME": slice(2, 3)}


def canonical(stream):
    """The stream as pairs (database, words), with pairs (None, [b"MULTI"]) and (None, [b"EXEC"]) around groups."""
    database, group, flat = None, None, []
    for words in stream:
        name = words[0].upper()
        if name == b"SELECT":
            database = words[1]
        elif name == b"MULTI":
            group = []
        elif name == b"EXEC":
            flat += regrouped(group)
            group = None
        elif name != b"PING":
            words = [name, *words[1:]]
            if name in (b"SET", b"PEXPIREAT"):
                # As a dict's keys: of KEEPTTL KEEPTTL one counts.
                words = words[:3] + list(dict.fromkeys(each.upper() for each in words[3:] if each.upper() not in CONDITIONS))
            entry = (None if name in WITHOUT_DATABASE else database, words)
            (flat if group is None else group).append(entry)
    return without_needless_deletes(flat)


def regrouped(group):
    """A write behind the DELs of what it found expired is no group."""
    deletes = next((number for number, (_, words) in enumerate(group) if words[0] != b"DEL"), len(group))
    if len(group) - deletes <= 1:
        return group
    return [(None, [b"MULTI"]), *without_needless_deletes(group), (None, [b"EXEC"])]


def without_needless_deletes(entries):
    kept = []
    for number, (database, words) in enumerate(entries):
        if words[0] == b"DEL" and len(words) == 2:
            behind, write = next(((other, later) for other, later in entries[number + 1:] if later[0] != b"DEL"), (None, [b""]))
            if behind == database and write[0] in REPLACED and words[1] in write[REPLACED[write[0]]]:
                continue
        kept.append((database, words))
    return kept


GROUPS = [row for row in STRINGS + KEYS_GROUP + TRANSACTIONS * 2 if row[1] not in ("RANDOMKEY", "SCAN")]
GROUPS += [(6, "SELECT", one(b"0", b"0", b"1", b"2", b"15")), (1, "FLUSHDB"), (1, "FLUSHALL", one(b"ASYNC", b"SYNC"))]
CLIENTS = 3


def same_command(ours, theirs):
    (database, mine), (other_database, other) = ours, theirs
    if database != other_database or len(mine) != len(other):
        return False
    for index, (one, another) in enumerate(zip(mine, other)):
        if one == another:
            continue
        is_moment = mine[0] in (b"PEXPIREAT", b"RESTORE") and index == 2 or mine[index - 1] in (b"PXAT", b"EXAT")
        if not is_moment or not one.lstrip(b"-").isdigit() or abs(int(one) - int(another)) > MOMENT_TOLERANCE_MS:
            return False
    return True


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        options = {"enable-debug-command": "yes", "repl-diskless-sync-delay": 0, "repl-ping-replica-period": 3600,
                   "repl-timeout": 3600, "maxmemory-samples": 64}
        cls.servers = [Server(binary, **options).start() for binary in (server_binary(), reference_binary())]

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers:
            server.stop()

    def setUp(self):
        for server in self.servers:
            server.ask("FLUSHALL")
            server.ask("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        self.replicas = [BareReplica(server) for server in self.servers]
        self.clients = [self.connect() for _ in range(CLIENTS)]
        self.marks = 0
        # A FLUSHALL before the stream flows would end redis-server's child, and with it the sync.
        self.streams()

    def connect(self):
        pair = [server.connect() for server in self.servers]
        for connection in pair:
            self.addCleanup(connection.close)
        return pair

    def tearDown(self):
        for replica in self.replicas:
            replica.close()

    def both(self, *words, client=0):
        """Sends the same to both; the replies."""
        for connection in self.clients[client]:
            connection.send(request_bytes(*words))
        return [connection.read_reply() for connection in self.clients[client]]

    def streams(self):
        """What both have sent since the last time, up to a mark of our own."""
        self.marks += 1
        mark = [b"SET", b"end of part", str(self.marks).encode()]
        for server in self.servers:
            server.ask(*mark)
        found = []
        for replica in self.replicas:
            # Behind the last part's mark all is in database 0 until the stream says other.
            found.append(canonical([[b"SELECT", b"0"], *replica.read_until(mark)]))
        return found

    def assert_same(self, ours, theirs, what=""):
        for number, (mine, other) in enumerate(zip(ours, theirs)):
            if not same_command(mine, other):
                before = "\n".join(f"  {row!r:.200}" for row in ours[max(0, number - 5):number])
                self.fail(f"{what}command {number} of the stream\n  skein {mine!r:.400}\n  redis {other!r:.400}\nbefore it:\n{before}")
        self.assertEqual(len(theirs), len(ours), f"{what}{(ours[len(theirs):] or theirs[len(ours):])[:5]!r}")

    def same(self, *commands):
        """One after the other by the same client; both streams, equal."""
        for words in commands:
            self.both(*words)
        ours, theirs = self.streams()
        self.assert_same(ours, theirs, f"{commands!r}: ")
        return ours

    # The forms of effects

    def test_effects_are_deterministic(self):
        for commands in (
                [("SET", "k", "1", "EX", "100")], [("SET", "k", "1", "PX", "100000", "NX")], [("SET", "k", "1", "KEEPTTL")],
                [("SET", "k", "1", "EXAT", "9999999999", "XX")], [("set", "k", "2", "GET")], [("SET", "n", "2", "nx", "get")],
                [("SET", "k", "1", "PXAT", "1")], [("SETEX", "k", "10", "v"), ("PSETEX", "k", "100000", "v")],
                [("EXPIRE", "k", "100"), ("PEXPIRE", "k", "200000", "GT"), ("EXPIREAT", "k", "9999999999")],
                [("EXPIRE", "k", "-1"), ("SET", "k", "1"), ("PEXPIREAT", "k", "1")],
                [("SET", "k", "1"), ("GETEX", "k", "EX", "100"), ("GETEX", "k", "PERSIST"), ("GETEX", "k", "PXAT", "1")],
                [("SET", "k", "1"), ("GETDEL", "k"), ("GETDEL", "k"), ("GETSET", "k", "5"), ("GETSET", "k", "6")],
                [("SET", "k", "1"), ("INCRBYFLOAT", "k", "0.1"), ("INCR", "k2"), ("INCRBY", "k2", "5"), ("DECRBY", "k2", "2")],
                [("EXPIRE", "k", "1000"), ("INCRBYFLOAT", "k", "3.0e3")],
                [("APPEND", "k", "x"), ("SETRANGE", "k", "5", "y"), ("SETRANGE", "k", "0", ""), ("SETNX", "k", "z")],
                [("MSET", "a", "1", "b", "2"), ("MSETNX", "a", "1", "c", "2"), ("MSETNX", "d", "1", "e", "2")],
                [("DEL", "a", "nosuch", "b"), ("UNLINK", "nosuch"), ("UNLINK", "d")],
                [("SET", "k", "1"), ("RENAME", "k", "k9"), ("RENAMENX", "k9", "k8"), ("RENAME", "k8", "k8")],
                [("SET", "k", "1"), ("COPY", "k", "c"), ("COPY", "k", "c"), ("COPY", "k", "c", "REPLACE"), ("COPY", "k", "c", "DB", "3")],
                [("MOVE", "k", "2"), ("PERSIST", "c"), ("EXPIRE", "c", "100"), ("PERSIST", "c"), ("TOUCH", "c")],
                [("FLUSHDB",), ("FLUSHDB",), ("FLUSHALL",), ("FLUSHALL", "ASYNC")],
                [("SWAPDB", "0", "1"), ("SWAPDB", "0", "0")],
        ):
            with self.subTest(commands=commands):
                self.same(*commands)

    def test_databases_and_transactions(self):
        for commands in (
                [("SELECT", "3"), ("SET", "k", "1"), ("SET", "k", "2"), ("SELECT", "0"), ("GET", "k"), ("SET", "k", "1")],
                [("MULTI",), ("SET", "k", "1"), ("EXEC",)],
                [("MULTI",), ("SET", "k", "1"), ("SET", "k", "2"), ("EXEC",)],
                [("MULTI",), ("GET", "k"), ("EXEC",)], [("MULTI",), ("EXEC",)],
                [("MULTI",), ("GET", "k"), ("INCR", "k"), ("DEL", "nosuch"), ("EXEC",)],
                [("MULTI",), ("SET", "k", "1"), ("SELECT", "5"), ("SET", "k", "1"), ("SELECT", "0"), ("EXEC",)],
                [("MULTI",), ("SELECT", "5"), ("SET", "k", "1"), ("EXEC",), ("SET", "k", "1"), ("SELECT", "0")],
                [("MULTI",), ("SET", "k", "abc"), ("INCR", "k"), ("APPEND", "k", "d"), ("EXEC",)],
                [("WATCH", "k"), ("SET", "k", "5"), ("MULTI",), ("SET", "k", "6"), ("EXEC",)],
                [("MULTI",), ("SET", "k", "1"), ("NOSUCH",), ("EXEC",)], [("MULTI",), ("SET", "k", "1"), ("DISCARD",)],
                [("MULTI",), ("FLUSHALL",), ("SET", "k", "1", "EX", "100"), ("GETEX", "k", "PX", "100000"), ("EXEC",)],
                [("MULTI",), ("COPY", "k", "l", "DB", "7"), ("MOVE", "k", "8"), ("EXEC",)],
        ):
            with self.subTest(commands=commands):
                self.same(*commands)

    def expired(self, *names):
        """These keys, their time over and not yet gone on either server."""
        for name in names:
            self.both("SET", name, "1", "PX", "1")
        # PTTL would touch them; a key made later whose time is over as well says it is over for these.
        self.both("SET", "hourglass", "1", "PX", "3")
        wait_until(lambda: self.both("EXISTS", "hourglass") == [b":0\r\n"] * 2, 5, "the time to be over")

    def test_expired_keys_leave_as_del(self):
        for commands in (
                [("GET", "e")], [("EXISTS", "e", "f")], [("SET", "e", "2")], [("SET", "e", "2", "XX")], [("INCR", "e")],
                [("DEL", "e", "f")], [("RENAME", "e", "f")], [("COPY", "e", "f")], [("PERSIST", "e")], [("TTL", "e")],
                [("EXPIRE", "e", "100")], [("MGET", "e", "f")], [("MSET", "e", "1", "f", "2")], [("MSETNX", "e", "1", "f", "2")],
                [("MULTI",), ("GET", "e"), ("EXEC",)], [("MULTI",), ("GET", "e"), ("SET", "x", "1"), ("EXEC",)],
                [("MULTI",), ("APPEND", "e", "x"), ("APPEND", "f", "y"), ("EXEC",)], [("TYPE", "e")], [("OBJECT", "ENCODING", "e")],
                [("GETDEL", "e"), ("GETEX", "f", "PERSIST")], [("SET", "e", "1", "GET")], [("SETRANGE", "e", "1", "x")],
                [("KEYS", "*")], [("SCAN", "0", "COUNT", "1000", "MATCH", "e")], [("MOVE", "e", "4")], [("APPEND", "e", "x")],
                [("STRLEN", "e"), ("GETRANGE", "f", "0", "1")], [("UNLINK", "e")], [("DBSIZE",)],
        ):
            with self.subTest(commands=commands):
                self.both("FLUSHALL")
                self.expired("e", "f")
                names = [name for name in commands if name]
                self.streams()
                if names[0][0] in ("KEYS", "SCAN"):
                    # Both keys go, in the order of the table.
                    for words in names:
                        self.both(*words)
                    ours, theirs = self.streams()
                    self.assertEqual(sorted(theirs), sorted(ours))
                else:
                    self.same(*names)

    def test_active_expiry_leaves_as_del(self):
        for name in range(60):
            self.both("SET", f"short:{name}", "1", "PX", "30")
        self.streams()
        for server in self.servers:
            server.ask("DEBUG", "SET-ACTIVE-EXPIRE", "1")
        wait_until(lambda: self.both("DBSIZE") == [b":1\r\n"] * 2, 20, "all but the mark to be gone")
        ours, theirs = self.streams()
        self.assertEqual(sorted(theirs), sorted(ours))
        self.assertEqual(60, len(ours))

    def test_eviction_leaves_as_del(self):
        """Which keys go is chance; the stream has to say so before the write that made them go."""
        server, replica = self.servers[0], self.replicas[0]
        used = int(server.info("memory")["used_memory"])
        for name in ("maxmemory-policy", "maxmemory"):
            self.addCleanup(server.ask, "CONFIG", "SET", name, server.ask("CONFIG", "GET", name)[1][1])
        server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-random", "maxmemory", used + (2 << 20))
        with server.connect() as client:
            for number in range(3000):
                client.ask("SET", f"evict:{number}", "x" * 2000)
        server.ask("CONFIG", "SET", "maxmemory", 0)
        kept = {name for _, name in server.ask("KEYS", "evict:*")}
        if len(kept) == 3000:
            self.skipTest("nothing is evicted")
        server.ask("SET", "end", "1")
        alive = set()
        for words in replica.read_until([b"SET", b"end", b"1"]):
            if words[0].upper() in (b"DEL", b"UNLINK"):
                alive -= set(words[1:])
            elif words[0] == b"SET":
                alive.add(words[1])
        self.assertEqual(kept, {name for name in alive if name.startswith(b"evict:")})

    def test_wait_asks_for_acknowledgements(self):
        self.both("SET", "k", "1")
        self.assertEqual([b":0\r\n"] * 2, self.both("WAIT", "1", "30"))
        ours, theirs = self.streams()
        self.assertIn((None, [b"REPLCONF", b"GETACK", b"*"]), ours)
        self.assert_same(ours, theirs)

    def test_offsets_count_every_byte(self):
        self.both("SET", "k", "1")
        self.streams()
        for server, replica in zip(self.servers, self.replicas):
            self.assertEqual(int(server.info("replication")["master_repl_offset"]), replica.offset)
        self.assertEqual(*(replica.answer[:12] for replica in self.replicas))

    def test_a_second_replica_gets_the_rest(self):
        """CONTINUE from a place in the backlog: the very same bytes."""
        self.streams()
        places = [replica.offset for replica in self.replicas]
        self.same(("SET", "k", "1"), ("SELECT", "2"), ("SET", "k", "2"), ("SELECT", "0"))
        for server, replica, place in zip(self.servers, self.replicas, places):
            with BareReplica(server, replica.replid, place + 1) as other:
                self.assertTrue(other.answer.startswith(b"+CONTINUE"), other.answer)
                again = other.read_until(replica.commands[-1])
                self.assertEqual(replica.commands[-1 - len(again):-1], again)

    def test_handshake_answers(self):
        """Every form of REPLCONF and PSYNC that is answered with a line."""
        for words in (["REPLCONF"], ["REPLCONF", "listening-port"], ["REPLCONF", "listening-port", "abc"],
                      ["REPLCONF", "listening-port", "1", "capa", "eof"], ["REPLCONF", "nosuch", "1"],
                      ["REPLCONF", "capa", "nosuch"], ["REPLCONF", "ip-address", "x" * 300], ["REPLCONF", "rdb-only", "abc"],
                      ["REPLCONF", "rdb-only", "1"], ["REPLCONF", "rdb-filter-only", "nosuch"],
                      ["REPLCONF", "rdb-filter-only", "functions"], ["REPLCONF", "rdb-filter-only", ""],
                      ["REPLCONF", "version", "1.2.3"], ["PSYNC", "?"], ["PSYNC"], ["SYNC", "x"],
                      ["PSYNC", "?", "abc"], ["REPLICAOF"], ["REPLICAOF", "a"], ["SLAVEOF", "NO", "ONE"],
                      ["REPLICAOF", "127.0.0.1", "0"], ["REPLICAOF", "127.0.0.1", "65536"], ["REPLICAOF", "no", "one"],
                      ["FAILOVER", "ABORT"], ["WAIT", "abc", "1"], ["WAIT", "1", "abc"], ["WAIT", "-1", "1"], ["ROLE"]):
            pair = self.connect()
            replies = []
            for connection in pair:
                connection.send(request_bytes(*words))
                replies.append(connection.read_reply())
            if words == ["ROLE"]:
                replies = [parse_reply(reply)[1][0] for reply in replies]
            self.assertEqual(replies[1], replies[0], words)

    # By chance

    def test_random_writes(self):
        seed = os.environ.get("SKEIN_STREAM_SEED", "1")
        count = int(os.environ.get("SKEIN_STREAM_COUNT", "12000"))
        print(f"stream seed {seed}, {count} commands", flush=True)
        source = random.Random(f"stream {seed}")
        in_part = 400
        for part in range(count // in_part):
            sent = []
            for _ in range(in_part):
                client = source.randrange(CLIENTS)
                words = random_command(GROUPS, source)
                sent.append((client, words))
                self.both(*words, client=client)
            for client in range(CLIENTS):
                self.both("DISCARD", client=client)
                self.both("UNWATCH", client=client)
            ours, theirs = self.streams()
            try:
                self.assert_same(ours, theirs)
            except AssertionError as difference:
                sent_in_it = "\n".join(f"  {row!r:.160}" for row in sent) if "SKEIN_STREAM_TRACE" in os.environ else "not shown"
                raise AssertionError(f"seed {seed}, part {part}: {difference}\nsent in it: {sent_in_it}") from None
        self.replay(self.replicas[0], self.servers[0])

    def replay(self, replica, origin):
        """The stream, given to a redis-server, makes the data it came from."""
        fresh = Server(reference_binary(), enable_debug_command="yes").start()
        self.addCleanup(fresh.stop)
        with fresh.connect() as client:
            # Nothing that expires meanwhile is to be looked at while it goes.
            client.ask("DEBUG", "SET-ACTIVE-EXPIRE", "0")
            for words in replica.commands:
                if words[0].upper() not in (b"PING", b"REPLCONF"):
                    reply = client.request(*words)
                    self.assertFalse(reply.startswith(b"-"), f"{words!r:.300} is answered {reply!r}")
        self.assertEqual(digest(origin), digest(fresh))

    def test_a_redis_replica_follows_random_writes(self):
        replica = server_of("redis")
        self.addCleanup(replica.stop)
        follow(replica.start(), self.servers[0])
        source = random.Random(5)
        for _ in range(2000):
            self.both(*random_command(GROUPS, source))
        self.both("DISCARD")
        wait_same_data(self.servers[0], replica)


if __name__ == "__main__":
    unittest.main()
