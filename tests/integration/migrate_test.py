#!/usr/bin/python3
"""MIGRATE: what it sends and answers, beside redis-server, and what the node does while keys are on their way."""

import os
import signal
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Cluster, Server, beyond_redis, reference_binary, request_bytes, server_binary, wait_until  # noqa: E402
from testbed.clusters import nodes, own_id  # noqa: E402
from testbed.migrate_target import FakeTarget  # noqa: E402
from testbed.psync import BareReplica  # noqa: E402
from testbed.replication import follow, wait_caught_up  # noqa: E402
from testbed.resp import Closed  # noqa: E402
from testbed.slots import slot_of, tag_of_slot  # noqa: E402

OK = b"+OK\r\n"
BUSY = b"-BUSYKEY Target key name already exists.\r\n"
READING = b"-IOERR error or timeout reading to target instance\r\n"
WRITING = b"-IOERR error or timeout writing to target instance\r\n"
KEYS = "abcde"
GIVEN_UP = b"-IOERR MIGRATE was given up: "
TAG = tag_of_slot(5)


def except_for(key, reply):
    """Everything is answered OK but the request that has this key."""
    return lambda words: reply if words[1:2] == [key] else OK


def except_to(command, reply):
    return lambda words: reply if words[0] == command else OK


class Ledger:
    """What one server answered and sent, case by case."""

    def __init__(self, binary):
        self.server = Server(binary).start()
        self.lines = []

    def fill(self):
        self.server.ask("FLUSHALL")
        for key in KEYS:
            self.server.ask("SET", key, f"value-{key}")

    def left(self):
        return sorted(name for _, name in self.server.ask("KEYS", "*"))

    def migrate(self, target, *words, port=None, host="127.0.0.1", client=None):
        before = target.connections
        with self.server.connect() as own:
            reply = (client or own).request("MIGRATE", host, port or target.port, *words)
        # What came last may still be under way.
        self.lines.append((words, reply, target.connections - before, self.left()))
        return reply

    def sent(self, target, count):
        wait_until(lambda: len(target.requests) >= count, 10, f"{count} requests")
        taken = target.take()
        # Of a time to live the last digits are chance.
        self.lines.append([(number, [word if word not in (b"5000", b"4999", b"4998") else b"ttl" for word in words])
                           for number, words in taken])


def plain_cases(ledger):
    ledger.fill()
    with FakeTarget() as target:
        ledger.migrate(target, "a", 0, 1000)
        ledger.sent(target, 2)
        ledger.migrate(target, "none", 0, 1000)
        ledger.migrate(target, "", 0, 1000, "KEYS", "b", "none", "c")
        ledger.sent(target, 2)
        ledger.migrate(target, "d", 3, 1000, "COPY", "REPLACE")
        ledger.sent(target, 2)
        ledger.migrate(target, "d", 3, 1000, "COPY", "AUTH", "secret")
        ledger.sent(target, 2)
        ledger.migrate(target, "d", 0, 1000, "copy", "auth2", "user", "secret")
        ledger.sent(target, 3)
        ledger.migrate(target, "d", 0, 1000, "COPY", "AUTH", "one", "AUTH2", "user", "two")
        ledger.sent(target, 2)
        ledger.migrate(target, "d", 0, 1000, "COPY", "AUTH2", "user", "two", "AUTH", "three")
        ledger.sent(target, 2)
        ledger.migrate(target, "", 0, 1000, "KEYS", "d", "d")
        ledger.sent(target, 2)
        ledger.server.ask("SET", "mortal", "x", "PX", 5000)
        ledger.migrate(target, "mortal", 0, 1000)
        ledger.sent(target, 1)
        with ledger.server.connect() as client:
            client.ask("SELECT", 5)
            client.ask("SET", "e", "of five")
            ledger.migrate(target, "e", 5, 1000, client=client)
            ledger.sent(target, 2)
            client.ask("SELECT", 0)
            client.ask("MULTI")
            client.ask("MIGRATE", "127.0.0.1", target.port, "e", 5, 1000)
            ledger.lines.append((client.request("EXEC"), ledger.left()))
            ledger.sent(target, 1)
        ledger.server.ask("SET", "", "empty")
        ledger.migrate(target, "", 0, 1000)
        ledger.sent(target, 2)
        ledger.migrate(target, "", 0, 1000, "KEYS")
        # Asked for in words that are not understood.
        ledger.fill()
        for words in (("a", 0, 1000, "KEYS", "b"), ("a", 0, 1000, "SOON"), ("a", 0, 1000, "AUTH"),
                      ("a", 0, 1000, "AUTH2", "user"), ("a", "x", "y"), ("a", "x", 1000), ("a", 0), ("a", 0, "1.5")):
            ledger.migrate(target, *words)
        ledger.migrate(target, "a", -1, 0, "COPY")
        ledger.sent(target, 2)
        ledger.migrate(target, "a", 0, 200, port=1)
        for host in ("", "no.such.host.invalid"):
            ledger.migrate(target, "a", 0, 200, host=host)
        ledger.lines.append(ledger.server.info("stats")["migrate_cached_sockets"])


def refused_cases(ledger):
    tail = ("KEYS", "a", "b", "c")
    for answer, words, sent in (
            (except_for(b"a", BUSY), tail, 4), (except_for(b"b", BUSY), tail, 4), (except_for(b"c", BUSY), tail, 4),
            (except_for(b"b", BUSY), ("COPY", *tail), 4),
            (lambda each: b"-ERR %s\r\n" % each[1] if each[1] in (b"a", b"b") else OK, tail, 4),
            (except_for(b"a", b"-MOVED 12 127.0.0.1:7000\r\n"), tail, 4),
            (except_to(b"AUTH", b"-WRONGPASS no\r\n"), ("AUTH", "x", *tail), 5),
            (except_to(b"SELECT", b"-ERR out of range\r\n"), tail, 4),
            (lambda each: b"-NOAUTH first\r\n", ("AUTH", "x", *tail), 5)):
        ledger.fill()
        with FakeTarget(answer) as target:
            ledger.migrate(target, "", 0, 1000, *words)
            ledger.sent(target, sent)
            # The connection stays, but where it stands is not known.
            ledger.migrate(target, "", 0, 1000, "COPY", *words)
            ledger.lines.append(target.connections)


def broken_cases(ledger):
    tail = ("KEYS", "a", "b", "c")
    for answer in (lambda words: None, except_for(b"b", None), lambda words: FakeTarget.CLOSE,
                   except_for(b"a", FakeTarget.CLOSE), except_for(b"b", FakeTarget.CLOSE),
                   lambda words: {b"b": BUSY, b"c": None}.get(words[1], OK)):
        ledger.fill()
        with FakeTarget(answer) as target:
            ledger.migrate(target, "", 0, 300, *tail)
            ledger.lines.append(target.connections)
            target.answer = lambda words: OK
            target.take()
            ledger.migrate(target, "", 0, 300, *tail)
            ledger.lines.append([words for _, words in target.take()])
    # A kept connection that the target has ended meanwhile, and then one that it ends at once.
    ledger.fill()
    with FakeTarget() as target:
        ledger.migrate(target, "a", 0, 1000)
        target.close_connections()
        wait_until(lambda: target.ended == 1, 10, "the end of the connection")
        target.take()
        ledger.migrate(target, "", 0, 1000, "KEYS", "b", "c")
        ledger.sent(target, 3)
        target.answer = except_for(b"e", FakeTarget.CLOSE)
        ledger.migrate(target, "", 0, 1000, "KEYS", "d", "e")
        ledger.lines.append(target.connections)


class SameAsRedis(unittest.TestCase):
    """Byte for byte: every request a target gets, every reply, and every key that stays."""

    @classmethod
    def setUpClass(cls):
        cls.both = [Ledger(server_binary()), Ledger(reference_binary())]

    @classmethod
    def tearDownClass(cls):
        for ledger in cls.both:
            ledger.server.stop()

    def compare(self, cases):
        for ledger in self.both:
            ledger.lines = []
            cases(ledger)
        ours, redis = (ledger.lines for ledger in self.both)
        for one, other in zip(ours, redis):
            self.assertEqual(other, one)
        self.assertEqual(len(redis), len(ours))

    def test_what_is_sent_and_answered(self):
        self.compare(plain_cases)

    def test_what_the_target_refuses_stays(self):
        self.compare(refused_cases)

    def test_broken_connections(self):
        self.compare(broken_cases)

    def test_the_call_is_counted_once_and_its_password_is_not_told(self):
        for ledger in self.both:
            server = ledger.server
            ledger.fill()
            server.ask("CONFIG", "RESETSTAT")
            server.ask("CONFIG", "SET", "slowlog-log-slower-than", 0)
            server.ask("SLOWLOG", "RESET")
            with FakeTarget(lambda words: BUSY if words[0] == b"RESTORE" else OK) as target:
                ledger.migrate(target, "a", 0, 1000, "AUTH", "secret")
            facts = server.info("commandstats")["cmdstat_migrate"]
            self.assertIn("calls=1,", facts)
            self.assertTrue(facts.endswith("rejected_calls=0,failed_calls=1"), facts)
            entries = [[word for _, word in entry[3][1]] for _, entry in server.ask("SLOWLOG", "GET", "50")]
            logged = [entry for entry in entries if entry[0] == b"MIGRATE"]
            self.assertEqual([b"MIGRATE", b"127.0.0.1", b"a", b"0", b"1000", b"AUTH", b"(redacted)"],
                             logged[0][:2] + logged[0][3:])
            self.assertEqual(1, len(logged))


def reply_of(server, *words):
    with server.connect() as client:
        return client.request(*words)


class Waiting:
    """A request in a thread of its own, and the reply once it is there."""

    def __init__(self, server, *words, before=()):
        self.client = server.connect()
        for each in before:
            self.client.request(*each)
        self.reply = None
        self._thread = threading.Thread(target=self._run, args=(words,), daemon=True)
        self._thread.start()

    def _run(self, words):
        try:
            self.reply = self.client.request(*words)
        except Exception as error:  # Closed
            self.reply = error

    def join(self):
        self._thread.join(20)
        assert not self._thread.is_alive(), "no reply"
        self.client.close()
        return self.reply


@beyond_redis
class KeysInFlight(unittest.TestCase):
    """The target has not answered yet, and the node goes on."""

    def setUp(self):
        self.server = Server(server_binary()).start()
        self.addCleanup(self.server.stop)
        self.target = FakeTarget(lambda words: None)
        self.addCleanup(self.target.stop)
        for key in KEYS:
            self.server.ask("SET", key, f"value-{key}")

    def launch(self, *words, timeout=10000):
        flight = Waiting(self.server, "MIGRATE", "127.0.0.1", self.target.port, "", 0, timeout, *words)
        keys = len(words) - words.index("KEYS") - 1
        wait_until(lambda: len(self.target.requests) >= 1 + keys, 10, "the keys to be sent")
        return flight

    def wait_blocked(self, count):
        wait_until(lambda: self.server.info("clients")["blocked_clients"] == str(count), 10, f"{count} waiting calls")

    def test_calls_that_touch_them_wait_and_others_do_not(self):
        flight = self.launch("KEYS", "a", "b")
        waiting = [Waiting(self.server, "GET", "a"), Waiting(self.server, "SET", "b", "new"),
                   Waiting(self.server, "MGET", "c", "a"),
                   Waiting(self.server, "EXEC", before=(("MULTI",), ("INCR", "n"), ("GET", "a")))]
        self.wait_blocked(5)
        self.assertEqual(b"$7\r\nvalue-c\r\n", reply_of(self.server, "GET", "c"))
        self.assertEqual(b"-ERR value is not an integer or out of range\r\n", reply_of(self.server, "INCR", "c"))
        self.assertEqual(5, self.server.ask("DBSIZE"))
        self.assertEqual([None] * 4, [each.reply for each in waiting])
        self.target.answer_now(OK * 3)
        self.assertEqual(OK, flight.join())
        self.assertEqual([b"$-1\r\n", OK, b"*2\r\n$7\r\nvalue-c\r\n$-1\r\n", b"*2\r\n:1\r\n$-1\r\n"],
                         [each.join() for each in waiting])
        self.assertEqual(b"new", self.server.ask("GET", "b"))

    def test_in_time_they_are_as_before(self):
        flight = self.launch("KEYS", "a", timeout=300)
        waiting = Waiting(self.server, "GET", "a")
        self.assertEqual(READING, flight.join())
        self.assertEqual(b"$7\r\nvalue-a\r\n", waiting.join())

    def test_only_what_was_acknowledged_goes(self):
        with BareReplica(self.server) as replica:
            flight = self.launch("KEYS", "a", "b", "c", timeout=1000)
            self.target.answer_now(OK + OK + BUSY)
            self.assertEqual(b"-ERR Target instance replied with error: " + BUSY[1:], flight.join())
            self.server.ask("SET", "last", "1")
            told = replica.read_until([b"SET", b"last", b"1"])
            self.assertEqual([[b"DEL", b"a"]], [words for words in told if words[0] in (b"DEL", b"MIGRATE")])

    def test_they_leave_in_one_effect(self):
        with BareReplica(self.server) as replica:
            flight = self.launch("KEYS", "a", "b", "c")
            self.target.answer_now(OK * 4)
            self.assertEqual(OK, flight.join())
            self.server.ask("SET", "last", "1")
            told = replica.read_until([b"SET", b"last", b"1"])
            self.assertEqual([[b"DEL", b"a", b"b", b"c"]], [words for words in told if words[0] == b"DEL"])

    def test_a_second_migration_of_the_same_key_waits(self):
        flight = self.launch("KEYS", "a")
        second = Waiting(self.server, "MIGRATE", "127.0.0.1", self.target.port, "", 0, 5000, "KEYS", "a", "none")
        self.wait_blocked(2)
        self.target.answer_now(OK * 2)
        self.assertEqual(OK, flight.join())
        self.assertEqual(b"+NOKEY\r\n", second.join())

    def test_two_flights_to_one_target(self):
        first = self.launch("KEYS", "a")
        self.target.take()
        second = self.launch("KEYS", "b")
        self.assertEqual(2, self.target.connections)
        self.target.answer_now(OK * 2)
        self.assertEqual(OK, second.join())
        self.assertIsNone(first.reply)
        self.target._open[0].sendall(OK * 2)
        self.assertEqual(OK, first.join())
        self.assertEqual(3, self.server.ask("DBSIZE"))

    def test_what_takes_the_keys_away_ends_it(self):
        for words in (("FLUSHALL",), ("FLUSHDB", "ASYNC"), ("SWAPDB", 0, 1), ("REPLICAOF", "127.0.0.1", 1)):
            with self.subTest(words=words):
                self.server.ask("SET", "a", "1")
                self.target.take()
                flight = self.launch("KEYS", "a")
                waiting = Waiting(self.server, "GET", "a")
                self.wait_blocked(2)
                self.assertEqual(OK, reply_of(self.server, *words))
                self.assertTrue(flight.join().startswith(GIVEN_UP), flight.reply)
                self.assertEqual(b"$1\r\n1\r\n" if words[0] == "REPLICAOF" else b"$-1\r\n", waiting.join())

    def test_a_caller_that_has_gone_does_not_end_it(self):
        flight = self.launch("KEYS", "a")
        name = flight.client.local_address
        self.assertEqual(1, self.server.ask("CLIENT", "KILL", "ADDR", name))
        flight.join()
        self.assertIsInstance(flight.reply, Exception)
        waiting = Waiting(self.server, "GET", "a")
        self.wait_blocked(1)
        self.target.answer_now(OK * 2)
        self.assertEqual(b"$-1\r\n", waiting.join())

    def test_they_do_not_expire(self):
        self.server.ask("PEXPIRE", "a", 30)
        flight = self.launch("KEYS", "a")
        other = Waiting(self.server, "GET", "a")
        self.server.ask("SET", "mortal", "1", "PX", 30)
        # Once that has been swept away the other would have been, too.
        wait_until(lambda: self.server.ask("DBSIZE") == 5, 10, "the other mortal to go")
        self.assertEqual("1", self.server.info("stats")["expired_keys"])
        self.target.answer_now(OK + BUSY)
        self.assertEqual(b"-ERR Target instance replied with error: " + BUSY[1:], flight.join())
        self.assertEqual(b"$-1\r\n", other.join())
        self.assertEqual("2", self.server.info("stats")["expired_keys"])

    def test_they_land_once_writers_go_on(self):
        flight = self.launch("KEYS", "a")
        with BareReplica(self.server) as replica:
            self.server.ask("CLIENT", "PAUSE", 20000, "WRITE")
            self.target.answer_now(OK * 2)
            wait_until(lambda: self.server.info("stats")["migrate_cached_sockets"] == "1", 10, "the answer to be read")
            self.assertEqual(5, self.server.ask("DBSIZE"))
            self.server.ask("CLIENT", "UNPAUSE")
            self.assertEqual(OK, flight.join())
            self.server.ask("SET", "last", "1")
            self.assertIn([b"DEL", b"a"], replica.read_until([b"SET", b"last", b"1"]))

    def test_a_watched_key_that_leaves_is_a_change(self):
        with self.server.connect() as watcher:
            watcher.ask("WATCH", "a")
            flight = self.launch("KEYS", "a")
            self.target.answer_now(OK * 2)
            self.assertEqual(OK, flight.join())
            watcher.ask("MULTI")
            watcher.ask("PING")
            self.assertEqual(b"*-1\r\n", watcher.request("EXEC"))

    def test_large_values_and_many_keys_go_as_they_are(self):
        with Server(reference_binary()) as redis:
            with self.server.connect() as client:
                for number in range(300):
                    client.ask("SET", f"many:{number}", os.urandom(300 + number * 100))
                client.ask("SET", "large", os.urandom(20_000_000))
                before = {name: client.ask("GET", name) for _, name in client.ask("KEYS", "*")}
            names = sorted(before)
            self.assertEqual(OK, reply_of(self.server, "MIGRATE", redis.host, redis.port, "", 0, 20000, "KEYS", *names))
            self.assertEqual(0, self.server.ask("DBSIZE"))
            with redis.connect() as client:
                self.assertEqual(before, {name: client.ask("GET", name) for name in names})


@beyond_redis
class SlotsInFlight(unittest.TestCase):
    """Two masters, and a slot that is on its way from one to the other."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(count=3).start()
        cls.cluster.create(replicas=0)
        cls.source, cls.other, _ = cls.cluster.servers

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def setUp(self):
        self.key = "{" + TAG + "}key"
        self.slot = slot_of(TAG)
        self.assertLess(self.slot, 5000)
        self.target = FakeTarget(lambda words: None)
        self.addCleanup(self.target.stop)
        self.source.ask("SET", self.key, "1")
        self.source.ask("SET", self.key + "2", "2")
        self.other.ask("CLUSTER", "SETSLOT", self.slot, "IMPORTING", own_id(self.source))
        self.source.ask("CLUSTER", "SETSLOT", self.slot, "MIGRATING", own_id(self.other))
        self.addCleanup(self.close)

    def close(self):
        for server in (self.source, self.other):
            server.ask("CLUSTER", "SETSLOT", self.slot, "STABLE")
        self.source.ask("DEL", self.key, self.key + "2")

    def launch(self, *keys):
        flight = Waiting(self.source, "MIGRATE", "127.0.0.1", self.target.port, "", 0, 10000, "KEYS", *keys)
        wait_until(lambda: len(self.target.requests) >= 1 + len(keys), 10, "the keys to be sent")
        return flight

    def ask_reply(self):
        return f"-ASK {self.slot} {self.other.address}\r\n".encode()

    def test_who_waited_is_sent_after_the_key(self):
        flight = self.launch(self.key)
        self.assertEqual([b"RESTORE-ASKING", self.key.encode()], self.target.words()[1][:2])
        waiting = [Waiting(self.source, "GET", self.key), Waiting(self.source, "MGET", self.key, self.key + "2"),
                   Waiting(self.source, "EXEC", before=(("MULTI",), ("SET", self.key, "3")))]
        wait_until(lambda: self.source.info("clients")["blocked_clients"] == "4", 10, "three waiting calls")
        self.target.answer_now(OK * 2)
        self.assertEqual(OK, flight.join())
        replies = [each.join() for each in waiting]
        self.assertEqual([self.ask_reply(), b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
                          self.ask_reply()], replies)

    def test_setslot_ends_it(self):
        flight = self.launch(self.key)
        waiting = Waiting(self.source, "GET", self.key)
        wait_until(lambda: self.source.info("clients")["blocked_clients"] == "2", 10, "the waiting call")
        self.source.ask("CLUSTER", "SETSLOT", (self.slot + 1), "STABLE")
        self.assertIsNone(flight.reply)
        self.source.ask("CLUSTER", "SETSLOT", self.slot, "STABLE")
        self.assertTrue(flight.join().startswith(GIVEN_UP), flight.reply)
        self.assertEqual(b"$1\r\n1\r\n", waiting.join())

    def test_in_exec_it_is_over_when_exec_is_and_takes_no_longer_than_it_may(self):
        self.target.answer = lambda words: OK
        with self.source.connect() as client:
            client.ask("MULTI")
            client.ask("MIGRATE", "127.0.0.1", self.target.port, self.key, 0, 10000)
            client.ask("EXISTS", self.key)
            self.assertEqual(b"*2\r\n+OK\r\n:0\r\n", client.request("EXEC"))
            self.target.answer = lambda words: None
            client.ask("MULTI")
            # The node timeout is 2 s: nobody takes the node for failed meanwhile.
            client.ask("MIGRATE", "127.0.0.1", self.target.port, self.key + "2", 0, 600000)
            client.ask("EXISTS", self.key + "2")
            self.assertEqual(b"*2\r\n" + READING + b":1\r\n", client.request("EXEC"))


@beyond_redis
class SetslotIsKept(unittest.TestCase):
    """It is answered before the file has been synced, and nevertheless a kill -9 takes nothing back."""

    def test_what_was_answered_is_there_after_a_kill(self):
        with Cluster(count=3) as cluster:
            cluster.create(replicas=0)
            source, other, _ = cluster.servers
            name, mine = own_id(other), own_id(source)
            with other.connect() as client:
                for slot in range(100, 130):
                    client.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", mine)
            for last in (100, 103, 110, 129):
                with source.connect() as client:
                    for slot in range(100, last + 1):
                        client.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", name)
                    source.kill()
                source.start()
                marks = [f"[{slot}->-{name}]" for slot in range(100, last + 1)]
                self.assertEqual(marks, nodes(source)[mine]["slots"][-len(marks):])
            # And what is closed stays closed, whatever was noted before.
            with source.connect() as client:
                for slot in range(100, 130):
                    client.ask("CLUSTER", "SETSLOT", slot, "STABLE")
                source.kill()
            source.start()
            self.assertEqual(["0-5460"], nodes(source)[mine]["slots"])
            for slot in range(100, 130):
                other.ask("CLUSTER", "SETSLOT", slot, "STABLE")
            cluster.wait_agreed()

    def test_a_kill_in_the_middle_of_a_call_takes_back_none_of_those_before(self):
        with Cluster(count=3) as cluster:
            cluster.create(replicas=0)
            source, other, _ = cluster.servers
            name, mine = own_id(other), own_id(source)
            slots = range(100, 300)
            for round_number in range(20):
                with source.connect() as client:
                    client.send(b"".join(request_bytes("CLUSTER", "SETSLOT", slot, "MIGRATING", name) for slot in slots))
                    answered = 0
                    for _ in range(1 + 5 * round_number):
                        self.assertEqual(OK, client.read_reply())
                        answered += 1
                    source.kill()
                    try:
                        while client.read_reply() == OK:
                            answered += 1
                    except (Closed, OSError):
                        pass
                source.start()
                kept = {mark for mark in nodes(source)[mine]["slots"] if mark.startswith("[")}
                self.assertLessEqual({f"[{slot}->-{name}]" for slot in slots[:answered]}, kept, f"{answered} were answered")
                with source.connect() as client:
                    for slot in slots:
                        client.ask("CLUSTER", "SETSLOT", slot, "STABLE")


@beyond_redis
class RestoreAsking(unittest.TestCase):
    """Whoever brings a key deletes his once he hears that it has arrived."""

    def setUp(self):
        self.primary = Server(server_binary(), repl_diskless_sync_delay=0).start()
        self.addCleanup(self.primary.stop)
        self.replica = Server(server_binary(), repl_diskless_sync_delay=0).start()
        self.addCleanup(self.replica.stop)
        follow(self.replica, self.primary)
        self.primary.ask("SET", "x", "1")
        wait_caught_up(self.primary, self.replica)
        self.payload = self.primary.ask("DUMP", "x")

    def restore(self, client, *names):
        for name in names:
            client.send(b"".join((b"*4\r\n$14\r\nRESTORE-ASKING\r\n$%d\r\n%s\r\n$1\r\n0\r\n$%d\r\n%s\r\n" %
                                  (len(name), name.encode(), len(self.payload), self.payload),)))
        return [client.read_reply() for _ in names]

    def test_what_is_answered_survives_the_primary(self):
        # With the first ACK it is in sync.
        wait_until(lambda: self.primary.info("replication")["slave0"].split(",")[3] != "offset=0", 10, "an ACK")
        with self.primary.connect() as client:
            names = [f"key:{number}" for number in range(200)]
            self.assertEqual([OK] * 200, self.restore(client, *names))
            self.primary.kill()
        self.replica.ask("REPLICAOF", "NO", "ONE")
        self.assertEqual(200, self.replica.ask("EXISTS", *names))

    def test_errors_keep_their_place_and_other_replies_follow(self):
        with self.primary.connect() as client:
            self.assertEqual([OK, BUSY, OK], self.restore(client, "a", "a", "b"))
            client.send(b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n")
            self.assertEqual([b"+PONG\r\n", b"$1\r\n1\r\n"], [client.read_reply(), client.read_reply()])

    def test_a_replica_that_does_not_answer_delays_and_stops_nothing(self):
        self.replica.signal(signal.SIGSTOP)
        with self.primary.connect() as client:
            self.assertEqual([OK] * 100, [self.restore(client, f"key:{number}")[0] for number in range(100)])
        self.replica.signal(signal.SIGCONT)
        wait_caught_up(self.primary, self.replica)
        self.assertEqual(101, self.replica.ask("DBSIZE"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
