#!/usr/bin/python3
"""Skein as a replica whose full sync or stream arrives damaged, or whose primary or itself is killed.

Between the two stands a proxy that spoils what it passes on. Readers of the replica see the
old data set or the new one, never a part of either; the replica stays up and keeps its dump
until a new one is verified; it does not ask more than 20 times a second; and it ends equal.

  damage_test.py --trials 50 --seed 7    each trial prints what it does
"""

import argparse
import hashlib
import os
import random
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import request_bytes, wait_until  # noqa: E402
from testbed.reference import TESTING_REDIS  # noqa: E402
from testbed.replication import follow, server_of, wait_caught_up, wait_same_data  # noqa: E402
from testbed.resp import Closed, Connection, parse_reply  # noqa: E402
from testbed.tamper import BreakStream, CutPayload, Flip, HoldPayload, Insert, Proxy, WrongMark  # noqa: E402

MOST_ATTEMPTS_A_SECOND = 20
OLD_KEYS, NEW_KEYS = 700, 1100
# What no stream holds. Not among them what waits for more bytes: that ends with repl-timeout alone.
BAD_STREAMS = [b"*1\r\n$11\r\nNOSUCHTHING\r\n", b"*3\r\n$3\r\nSET\r\n$x\r\n", b"*1\r\n$-5\r\n", b"*1000000000\r\n",
               b"\x00\xff\xfe\r\n", b"*2\r\n:1\r\n", b"*1\r\n$3\r\nSETxx*1\r\n", b"$5\r\nhello\r\n"]


class Broken(Exception):
    """A rule was broken."""


def fill_generation(server, name, count, source):
    """One data set: every key carries its name."""
    with server.connect() as client:
        client.send(b"".join(request_bytes("SET", f"k:{number}", f"{name}|{number}|" + "p" * source.randrange(200))
                             for number in range(count)))
        for _ in range(count):
            client.read_reply()


class Reader:
    """Reads the whole of the replica's data over and over, and keeps what was wrong."""

    def __init__(self, server, legal):
        self.server = server
        self.legal = legal  # names of data sets and their sizes
        self.seen = []      # the names, each time another than before
        self.reads = 0
        self.wrong = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._request = (request_bytes("MULTI") + request_bytes("DBSIZE")
                         + request_bytes("MGET", *(f"k:{number}" for number in range(max(legal.values()))))
                         + request_bytes("EXEC"))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.is_set() and not self.wrong:
            try:
                with Connection(self.server.port, self.server.host, timeout=10) as client:
                    while not self._stop.is_set() and not self.wrong:
                        self._read(client)
            except (OSError, Closed):
                self._stop.wait(0.01)  # it is being killed or started

    def _read(self, client):
        client.send(self._request)
        replies = [client.read_reply() for _ in range(4)]
        if any(reply.startswith(b"-") for reply in replies):
            if not all(reply.startswith((b"-LOADING", b"-EXECABORT", b"+", b"-ERR EXEC without MULTI")) for reply in replies):
                self.wrong = f"a reader was answered {replies!r:.300}"
            self._stop.wait(0.002)
            return
        (_, size), (_, values) = parse_reply(replies[3])[1]
        names = {value.split(b"|")[0].decode() for _, value in values if value is not None}
        held = sum(value is not None for _, value in values)
        name = next(iter(names)) if len(names) == 1 else None
        self.reads += 1
        if name is None or self.legal.get(name) != held or size < held:
            self.wrong = f"a reader saw {held} keys of {names}, DBSIZE {size}, where there are {self.legal}"
        elif self.seen[-1:] != [name]:
            self.seen.append(name)


# What ends only when no more comes: the silence is told by repl-timeout, and what is missing of a payload of known
# length is taken from the stream behind it, if there is one.
PATIENCE = {"repl_timeout": 4, "repl_ping_replica_period": 1}


class Trial:
    def __init__(self, seed, number, kind=None):
        self.source = random.Random(f"damage {seed} {number}")
        self.primary_kind = self.source.choice(["skein", "redis"])
        kinds = [self.flipped, self.flipped, self.cut, self.cut, self.added, self.stream, self.stream,
                 self.replica_killed, self.primary_killed]
        # redis-server drops its data first, and ends when what it loads is damaged.
        self.kind = self.source.choice([self.cut] if TESTING_REDIS else kinds)
        self.load = self.source.choice(["disabled", "disabled", "swapdb", "on-empty-db"])
        self.diskless = self.source.choice(["yes", "no"])
        self.times = self.source.randint(1, 3)
        if kind:
            self.kind, self.times = getattr(self, kind), 1
        # Each of them is a matter of one kind of full sync.
        self.diskless = {"mark_is_wrong": "yes", "lacks_bytes": "no"}.get(self.kind.__name__, self.diskless)
        self.patience = PATIENCE if self.kind.__name__ in ("mark_is_wrong", "lacks_bytes") else {}
        self.servers = []

    def __str__(self):
        return (f"{self.kind.__name__} x{self.times}, primary {self.primary_kind}, diskless sync {self.diskless}, "
                f"repl-diskless-load {self.load}")

    def run(self):
        self.proxy = None
        try:
            self.primary = self.start(self.primary_kind, repl_diskless_sync=self.diskless, **self.patience)
            self.replica = self.start("skein", repl_diskless_load=self.load, **self.patience)
            proxy = self.proxy = Proxy(self.primary)
            fill_generation(self.primary, "new", NEW_KEYS, self.source)
            fill_generation(self.replica, "old", OLD_KEYS, self.source)
            for server in self.servers:
                server.ask("SAVE")
            self.whole = (self.primary.folder / "dump.rdb").stat().st_size
            with Reader(self.replica, {"old": OLD_KEYS, "new": NEW_KEYS}) as reader:
                self.kind()
            self.judge(reader, proxy)
        except (AssertionError, OSError, Closed) as failure:
            raise Broken(f"{failure}\nlog of the replica:\n{self.servers[-1].log()[-4000:]}") from None
        finally:
            if self.proxy:
                self.proxy.close()
            for server in self.servers:
                server.stop()

    def start(self, kind, **options):
        server = server_of(kind, **options)
        self.servers.append(server)
        return server.start()

    def judge(self, reader, proxy):
        if TESTING_REDIS:
            return
        if reader.wrong:
            raise AssertionError(reader.wrong)
        if reader.reads < 10 or reader.seen not in (["old", "new"], ["new"], ["old"]):
            raise AssertionError(f"{reader.reads} reads saw in turn {reader.seen}")
        most = proxy.most_connects_in(1.0)
        if most > MOST_ATTEMPTS_A_SECOND:
            raise AssertionError(f"{most} attempts in a second")

    # What befalls it

    def dump_digest(self):
        return hashlib.sha1((self.replica.folder / "dump.rdb").read_bytes()).hexdigest()

    def place(self):
        """Somewhere in the payload, before the end mark."""
        edge = self.source.random()
        return self.source.randrange(12) if edge < 0.1 else self.source.randrange(self.whole - 60)

    def spoiled(self, plans):
        """Every one of the plans meets a connection; old data and dump stay as they are until the next one."""
        dump = self.dump_digest()
        left = list(plans)

        def next_plan():
            return left.pop(0) if left else None

        self.proxy.plan = next_plan
        self.replica.ask("REPLICAOF", "127.0.0.1", self.proxy.port)
        wait_until(lambda: not left, 30, "all damage to be done")
        if self.proxy.full_syncs <= len(plans) and not TESTING_REDIS:
            # The last damaged one may still be on its way; the good one behind it replaces the file.
            now = self.dump_digest()
            if now != dump and self.proxy.full_syncs < len(plans):
                raise AssertionError("the dump was replaced by a sync that was not whole")
        self.ends_equal()
        if self.proxy.full_syncs <= len(plans):
            raise AssertionError(f"{self.proxy.full_syncs} full syncs after {len(plans)} damaged ones: one of those was taken")

    def flipped(self):
        self.spoiled([Flip({self.place() for _ in range(self.source.choice([1, 1, 1, 5, 100]))}) for _ in range(self.times)])

    def cut(self):
        self.spoiled([CutPayload(self.place()) for _ in range(self.times)])

    def added(self):
        extra = self.source.randbytes(self.source.randint(1, 2000))
        # Of a payload of known length see `lacks_bytes`.
        drop = self.source.randint(1, 50) if self.diskless == "yes" and self.source.random() < 0.5 else 0
        self.spoiled([Insert(self.place(), b"" if drop else extra, drop) for _ in range(self.times)])

    def lacks_bytes(self):
        """The first commands of the stream are taken for the missing bytes, and what that makes is found out."""
        self.spoiled([Insert(self.place(), b"", self.source.randint(1, 20))])

    def mark_is_wrong(self):
        self.spoiled([WrongMark()])

    def stream(self):
        """Whole transactions before the damage count, and nothing of what came with it."""
        follow(self.replica, self.primary, self.proxy.port)
        wait_caught_up(self.primary, self.replica)
        for _ in range(self.times):
            plan = BreakStream(self.source.randint(1, 60), self.source.choice(BAD_STREAMS))
            print(f"  {plan.bad!r} after {plan.after} commands", flush=True)
            had = self.proxy.full_syncs
            plans = [plan]
            self.proxy.plan = lambda: plans.pop() if plans else None
            self.proxy.cut()  # continues, and then meets the damage
            self.write_until(lambda: self.proxy.full_syncs > had)
            self.proxy.plan = None
        self.ends_equal()

    def write_until(self, fact):
        """Pairs of keys change together; a reader beside must never see them apart."""
        turn = 0
        with self.primary.connect() as client, self.replica.connect() as reader:
            def one_more():
                nonlocal turn
                turn += 1
                for words in (["MULTI"], ["SET", "pair:a", turn], ["SET", "pair:b", turn], ["EXEC"], ["INCR", "counter"]):
                    client.request(*words)
                reply = reader.request("MGET", "pair:a", "pair:b")
                if not reply.startswith(b"-"):
                    (_, one), (_, other) = parse_reply(reply)[1]
                    if one != other:
                        raise AssertionError(f"half a transaction was seen: {one} and {other}")
                return fact()

            wait_until(one_more, 30, "a full sync after the damage of the stream")

    def replica_killed(self):
        hold = HoldPayload(self.place())
        plans = [hold]
        self.proxy.plan = lambda: plans.pop() if plans else None
        self.replica.ask("REPLICAOF", "127.0.0.1", self.proxy.port)
        wait_until(hold.reached.is_set, 20, "the full sync to be half done")
        self.replica.kill()
        hold.go_on.set()
        # What it had is there again, before its primary can help.
        self.proxy.refuse()
        self.replica.options["replicaof"] = ["127.0.0.1", self.proxy.port]
        self.replica.start()
        wait_until(lambda: self.replica.ask("GET", "k:0").startswith(b"old|"), 10, "the old data")
        if self.replica.ask("DBSIZE") != OLD_KEYS:
            raise AssertionError("not all of the old data came back")
        self.proxy.accept_again()
        self.ends_equal()

    def primary_killed(self):
        hold = HoldPayload(self.place())
        plans = [hold]
        self.proxy.plan = lambda: plans.pop() if plans else None
        self.replica.ask("REPLICAOF", "127.0.0.1", self.proxy.port)
        wait_until(hold.reached.is_set, 20, "the full sync to be half done")
        self.primary.kill()
        # Cut first: what is held back may be all that was missing.
        self.proxy.cut()
        hold.go_on.set()
        if not self.replica.ask("GET", "k:0").startswith(b"old|"):
            raise AssertionError("the old data is gone")
        self.primary.start()
        self.ends_equal()

    def ends_equal(self):
        wait_same_data(self.primary, self.replica, timeout=40)
        if not self.replica.running():
            raise AssertionError("the replica ended")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", type=int, default=None, help="this trial of the seed alone")
    args = parser.parse_args()
    seed = int.from_bytes(os.urandom(3), "big") if args.seed is None else args.seed
    print(f"seed {seed}", flush=True)
    failures = 0
    chosen = [(number, None) for number in range(args.trials)] + [(args.trials, "lacks_bytes"), (args.trials + 1, "mark_is_wrong")]
    if TESTING_REDIS:
        chosen = chosen[:args.trials]
    for number, kind in chosen if args.only is None else chosen[args.only:args.only + 1]:
        trial = Trial(seed, number, kind)
        print(f"trial {number}: {trial}", flush=True)
        try:
            trial.run()
        except Broken as broken:
            failures += 1
            print(f"BROKEN in trial {number} of seed {seed}: {broken}", flush=True)
    print(f"seed {seed}: {failures} of the trials broke a rule")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
