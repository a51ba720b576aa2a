"""Primaries and replicas of either kind: who follows whom, how far each is, whether data is equal."""

import os
import threading

from .clusters import nodes, own_id
from .resp import Connection
from .servers import Server, reference_binary, server_binary
from .waiting import wait_until

# A sync begins as soon as it is asked for, and DEBUG DIGEST may be asked.
OPTIONS = {"enable-debug-command": "yes", "repl-diskless-sync-delay": 0}
DATABASES = 16


def binary_of(kind):
    """By "skein" and "redis". With SKEIN_SERVER=redis-server all are redis, which proves the tests."""
    return {"skein": server_binary, "redis": reference_binary}[kind]()


def server_of(kind, **options):
    """Not started yet. Options as of Server."""
    return Server(binary_of(kind), **(OPTIONS | {name.replace("_", "-"): value for name, value in options.items()}))


def follow(replica, primary, port=None):
    """REPLICAOF, by way of `port` if there is a proxy between them; on return the link is up."""
    replica.ask("REPLICAOF", primary.host, port or primary.port)
    wait_link_up(replica)


def link_is_up(replica):
    return replica.info("replication").get("master_link_status") == "up"


def wait_link_up(replica, timeout=20):
    try:
        wait_until(lambda: link_is_up(replica), timeout, f"the link of {replica.address}")
    except AssertionError as vain:
        raise AssertionError(f"{vain}\nlog of {replica.binary}:\n{replica.log()[-2500:]}") from None


def wait_link_down(replica, timeout=20):
    wait_until(lambda: not link_is_up(replica), timeout, f"the link of {replica.address} to be down")


def offset(server):
    return int(server.info("replication")["master_repl_offset"])


def replica_offset(server):
    return int(server.info("replication").get("slave_repl_offset", "-1"))


def wait_caught_up(primary, *replicas, timeout=20):
    """Links up and offsets equal: everything written so far is on every replica."""
    def equal():
        wanted = offset(primary)
        return all(link_is_up(each) and replica_offset(each) == wanted for each in replicas)

    try:
        wait_until(equal, timeout, f"the replicas to be where {primary.address} is")
    except AssertionError as vain:
        facts = "\n".join(f"{each.binary} {each.address}: {each.info('replication')}\n{each.log()[-1500:]}"
                          for each in (primary, *replicas))
        raise AssertionError(f"{vain}\n{facts}") from None


def digest(server):
    """Of all keys and values of all databases. Not of their expiry times, as redis-server has it."""
    return server.ask_text("DEBUG", "DIGEST")


def contents(server):
    """Every key with its value and moment of expiry, by database. Strings alone."""
    found = {}
    with server.connect() as client:
        databases = 1 if "cluster_enabled:1" in client.ask_text("INFO", "cluster") else DATABASES
        for number in range(databases):
            client.ask("SELECT", number)
            names = sorted(name for _, name in client.ask("KEYS", "*"))
            for name in names:
                found[number, name] = (client.ask("GET", name), client.ask("PEXPIRETIME", name))
    return found


def difference(one, other):
    """What of two contents is not the same, for a message; empty when nothing is."""
    names = sorted({*one, *other})
    rows = [(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)]
    return "" if not rows else f"{len(rows)} of {len(names)} keys: {str(rows[:5])[:2000]}"


def wait_same_data(primary, *replicas, timeout=20):
    """Caught up, and equal in every key, value and expiry; raises with what is not."""
    wait_caught_up(primary, *replicas, timeout=timeout)
    for replica in replicas:
        # A key whose time is over now and not when the other was asked is no difference for long.
        seen = []

        def equal(replica=replica):
            seen[:] = [difference(contents(primary), contents(replica))]
            return not seen[0]

        try:
            wait_until(equal, 5, "equal data")
        except AssertionError:
            raise AssertionError(f"{replica.binary} {replica.address} differs from its primary: {seen[0]}") from None
        # What goes by time, expired or evicted, may go between the two questions.
        wait_until(lambda replica=replica: digest(primary) == digest(replica), 5,
                   f"{replica.address}: every key equal, DEBUG DIGEST not")


def syncs(primary):
    """How many full syncs and how many partial ones it has given."""
    facts = primary.info("stats")
    return int(facts["sync_full"]), int(facts["sync_partial_ok"])


def primary_in_cluster(server):
    """The id of the node this one replicates, "-" if none."""
    return nodes(server)[own_id(server)]["master"]


def fill(server, random, count=300, prefix="fill"):
    """Strings of all kinds over some databases: integers, long and compressible ones, binary, with expiry."""
    with server.connect() as client:
        for number in range(count):
            if number % 50 == 0:
                client.ask("SELECT", random.choice([0, 0, 1, 9, 15]))
            name = f"{prefix}:{number}"
            value = random.choice([str(random.randrange(-10**random.randint(1, 18), 10**12)), "", "x" * 5000,
                                   random.randbytes(random.randrange(300)), "abc" * random.randrange(2000),
                                   f"value {number}"])
            client.ask("SET", name, value)
            if number % 3 == 0:
                client.ask("PEXPIRE", name, random.choice([10**7, 10**10, 5 * 10**6]))


class Writer:
    """A client in a thread of its own that increments counters at whoever is the primary.

    A write counts as acknowledged when it was answered; one that was refused, or whose connection broke
    before it was sent, is tried again elsewhere.
    """

    def __init__(self, *servers, database=0, keys=7):
        self.servers = servers
        self.database = database
        self.keys = keys
        self.acknowledged = 0
        self.unsure = 0  # sent, and the connection ended before the answer
        self.refused = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        self._thread.join()

    def wait_written(self, more=200, timeout=20):
        goal = self.acknowledged + more
        wait_until(lambda: self.acknowledged >= goal, timeout, f"{more} more acknowledged writes")

    def _run(self):
        turn = 0
        while not self._stop.is_set():
            server = self.servers[turn % len(self.servers)]
            turn += 1
            try:
                with Connection(server.port, server.host, timeout=10) as client:
                    client.ask("SELECT", self.database)
                    self._write_while_let(client)
            except (OSError, AssertionError):
                # Ended or starting: another is asked.
                self._stop.wait(0.01)
            except Exception as error:  # Closed: what was sent last may have been carried out
                if type(error).__name__ != "Closed":
                    raise

    def _write_while_let(self, client):
        while not self._stop.is_set():
            name = f"counter:{self.acknowledged % self.keys}"
            self.unsure += 1
            reply = client.request("INCR", name)
            self.unsure -= 1
            if not reply.startswith(b":"):
                self.refused += 1
                self._stop.wait(0.003)
                return
            self.acknowledged += 1

    def total(self, server):
        """The sum of its counters."""
        with server.connect() as client:
            client.ask("SELECT", self.database)
            return sum(int(client.ask("GET", f"counter:{number}") or 0) for number in range(self.keys))


def testing_pairs():
    """The role pairs as (primary, replica), for a table of tests; SKEIN_PAIRS=redis:skein,... chooses."""
    chosen = os.environ.get("SKEIN_PAIRS", "skein:redis,redis:skein,skein:skein")
    return [tuple(each.split(":")) for each in chosen.split(",")]
