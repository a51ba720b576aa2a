"""Sends the same to both servers and compares what comes back.

A step is one command by one of a few clients, or a small scene that needs more than one
request: a whole SCAN, a pipeline behind CLIENT REPLY OFF, a killed client, a paused write,
bytes that are no request at all.
"""

import re

from testbed.resp import Closed, Connection, parse_reply, request_bytes

from .commands import DIRECTIVES, OTHER_TYPES, random_command
from .grammar import PerServer, key, pattern, value
from .malformed import cut_up, malformed
from .may_differ import may_differ

CLIENTS = 4
CLOSED = b"<closed>"
HELLO_ID = re.compile(rb"\$2\r\nid\r\n:\d+\r\n")


class Mismatch(Exception):
    def __init__(self, what, ours, theirs):
        super().__init__(what)
        self.what, self.ours, self.theirs = what, ours, theirs


def shown(data):
    text = repr(data)
    return text if len(text) < 900 else f"{text[:600]} ... {text[-200:]} ({len(data)} bytes)"


class Client:
    """The same client of both servers."""

    def __init__(self, servers, protocol):
        self.servers = servers
        self.protocol = protocol
        self.connections = []
        self.open()

    def open(self):
        for connection in self.connections:
            connection.close()
        self.connections = [Connection(server.port, server.host, timeout=15) for server in self.servers]
        self.in_transaction = False
        self.queued = []
        # Before the server lets it in, a client has no id to ask for.
        self.ids = [self._own_id(connection) for connection in self.connections]
        if self.protocol == 3:
            for connection in self.connections:
                connection.request("HELLO", "3")

    @staticmethod
    def _own_id(connection):
        kind, payload = parse_reply(connection.request("CLIENT", "ID"))
        return payload if kind == ":" else 0

    def exchange(self, data_of):
        """Sends each server its bytes; one reply each, CLOSED where there is no connection any more."""
        replies = []
        for index, connection in enumerate(self.connections):
            try:
                connection.send(data_of(index))
            except OSError:
                pass
        for connection in self.connections:
            try:
                reply = connection.read_reply()
                # Behind a push comes the reply itself.
                replies.append(reply + connection.read_reply() if reply.startswith(b">") else reply)
            except Closed as closed:
                replies.append(CLOSED + closed.rest)
            except TimeoutError:
                replies.append(b"<no reply> " + bytes(connection.data))
        if any(reply.startswith(b"<") for reply in replies):
            self.open()
        return replies


class Driver:
    def __init__(self, servers, rows, random, with_other_types=False, protocols=(2, 3), trace=False):
        self.servers = servers
        self.rows = rows
        self.random = random
        self.trace = trace
        self.sides = []
        self.open_sides()
        self.clients = [Client(servers, protocols[index % len(protocols)]) for index in range(CLIENTS)]
        self.scenes = []
        self.settings = [self._settings(side) for side in self.sides]
        self.with_other_types = with_other_types
        self.make_other_types()

    def open_sides(self):
        """The driver's own connections, let in everywhere."""
        for side in self.sides:
            side.close()
        self.sides = [Connection(server.port, server.host) for server in self.servers]
        self.ask_both("AUTH", "sesame")

    def ask_both(self, *words):
        return [side.request(*words) for side in self.sides]

    def enable(self, *scenes):
        self.scenes += scenes

    def step(self):
        """One step; raises Mismatch."""
        client = self.random.choice(self.clients[:1] * 3 + self.clients)
        if self.scenes and self.random.random() < 0.1:
            scene = self.random.choice(self.scenes)
            if scene in (self.malformed, self.final_state) or not client.in_transaction:
                scene(client)
                return
        rows = self.rows
        if client.in_transaction and self.random.random() < 0.2:
            command = [self.random.choice([b"EXEC", b"EXEC", b"DISCARD"])]
        else:
            command = random_command(rows, self.random)
        self.command(client, command)

    def command(self, client, command):
        def bytes_for(index):
            return request_bytes(*(self.rendered(word, index) for word in command))

        if self.trace:
            print(self.clients.index(client), command)
        ours, theirs = self._without_own_ids(command, client.exchange(bytes_for))
        if b"<no reply>" in ours + theirs or ours != theirs and not self._mean_the_same(client, command, ours, theirs):
            who = f"client {self.clients.index(client)} {command!r}"
            raise Mismatch(who + self._first_difference(client, command, ours, theirs), ours, theirs)
        self._follow(client, command, theirs)

    def _without_own_ids(self, command, replies):
        """An error repeats what was asked, and with it the id each server was asked by."""
        if b"own_id" not in command:
            return replies
        return [reply.replace(self.rendered(b"own_id", index), b"own_id") if reply.startswith(b"-") else reply
                for index, reply in enumerate(replies)]

    def rendered(self, word, index):
        if isinstance(word, PerServer):
            return word.render(index)
        if word == b"own_id":
            kind, payload = parse_reply(self.sides[index].request("CLUSTER", "MYID"))
            return payload if kind == "$" else word
        return word

    def _mean_the_same(self, client, command, ours, theirs):
        if CLOSED in ours or CLOSED in theirs or b"<no reply>" in ours + theirs:
            return False
        mine, reference = parse_reply(ours), parse_reply(theirs)
        name = command[0].upper()
        if name == b"RANDOMKEY" and mine[1] is not None:
            return reference[1] is not None and self._all_have(mine[1]) and self._all_have(reference[1])
        if name == b"EXEC" and mine[0] == reference[0] == "*" and len(mine[1]) == len(reference[1]):
            return all(one == other or may_differ(queued, one, other)
                       for queued, one, other in zip(client.queued, mine[1], reference[1]))
        return may_differ(command, mine, reference)

    @staticmethod
    def _first_difference(client, command, ours, theirs):
        """Which of the commands behind EXEC it was."""
        if command[0].upper() != b"EXEC" or not (ours.startswith(b"*") and theirs.startswith(b"*")):
            return ""
        pairs = zip(client.queued, parse_reply(ours)[1] or [], parse_reply(theirs)[1] or [])
        return "".join(f"\n  {queued!r}\n    {one!r}\n    {other!r}"[:700] for queued, one, other in pairs
                       if one != other and not may_differ(queued, one, other))

    def _all_have(self, name):
        """Whether the key is in some database of both servers."""
        found = [False, False]
        for database in range(16):
            if self.ask_both("SELECT", database) == [b"+OK\r\n", b"+OK\r\n"]:
                found = [had or reply == b":1\r\n" for had, reply in zip(found, self.ask_both("EXISTS", name))]
        self.ask_both("SELECT", 0)
        return all(found)

    @staticmethod
    def _follow(client, command, reply):
        name = command[0].upper()
        if name == b"QUIT" or reply.startswith(b"-ERR Protocol error"):
            client.open()
        elif reply == b"+QUEUED\r\n":
            client.queued.append(command)
        elif name == b"MULTI" and reply == b"+OK\r\n":
            client.in_transaction = True
            client.queued = []
        elif name == b"EXEC" or client.in_transaction and not reply.startswith(b"-"):
            client.in_transaction = False
            client.queued = []

    # Scenes

    def malformed(self, _client):
        """Bytes that may break the protocol: everything answered until the server closes."""
        data = malformed(self.random)
        pieces = cut_up(data, self.random)
        answers = [b"", b""]
        # Closing before all was read resets the connection, and a reset may overtake the last
        # reply: only an answer that never comes is missing.
        for _ in range(5):
            answers = [max(had, self._all_answers(server, pieces), key=len)
                       for had, server in zip(answers, self.servers)]
            if self._only_ids_differ(*answers):
                return
        raise Mismatch(f"bytes {shown(data)}", *answers)

    @staticmethod
    def _all_answers(server, pieces):
        with Connection(server.port, server.host, timeout=15) as connection:
            try:
                for piece in pieces:
                    connection.send(piece)
                connection.half_close()
            except OSError:
                pass
            try:
                return connection.read_until_closed()
            except TimeoutError:
                return b"<still open> " + bytes(connection.data)

    @staticmethod
    def _only_ids_differ(ours, theirs):
        """A HELLO in the middle tells the connection's id."""
        return HELLO_ID.sub(b"", ours) == HELLO_ID.sub(b"", theirs)

    def scan(self, client):
        """A whole iteration; the keys as a set."""
        extra = self.random.choice([[], [b"MATCH", *pattern(self.random)], [b"COUNT", b"1"], [b"COUNT", b"1000"],
                                    [b"TYPE", b"string"], [b"TYPE", b"string", b"MATCH", b"*t*", b"COUNT", b"3"]])
        for _ in range(self.random.choice([0, 0, 30])):
            self.command(client, [b"SET", b"scan:%d" % self.random.randrange(500), b"x"])
        found = []
        for connection in client.connections:
            cursor, names = b"0", set()
            while True:
                kind, payload = parse_reply(connection.request("SCAN", cursor, *extra))
                if kind == "-":
                    names.add(payload)
                    break
                cursor = payload[0][1]
                names.update(name for _, name in payload[1][1])
                if cursor == b"0":
                    break
            found.append(names)
        if found[0] != found[1]:
            raise Mismatch(f"whole SCAN {extra}", sorted(found[0] - found[1]), sorted(found[1] - found[0]))

    def random_key(self, client):
        """RANDOMKEY deletes expired keys it comes upon, so first they all have to be gone."""
        self.command(client, [b"SCAN", b"0", b"COUNT", b"100000"])
        self.command(client, [b"RANDOMKEY"])

    def quiet_pipeline(self, client):
        """A pipeline with CLIENT REPLY OFF or SKIP in it, up to a marker."""
        marker = b"end-%d" % self.random.randrange(10**9)
        words = [[b"GET", *key(self.random)], [b"SET", *key(self.random), *value(self.random)], [b"INCR", b"a"],
                 [b"CLIENT", b"REPLY", b"SKIP"], [b"CLIENT", b"REPLY", b"OFF"], [b"CLIENT", b"REPLY", b"ON"],
                 [b"nosuch"], [b"CLIENT", b"REPLY", b"SKIP"], [b"PING"]]
        requests = [self.random.choice(words) for _ in range(self.random.randint(2, 12))]
        requests += [[b"CLIENT", b"REPLY", b"ON"], [b"ECHO", marker]]
        data = b"".join(request_bytes(*request) for request in requests)
        self._compare_up_to(client, data, marker, f"client {self.clients.index(client)} pipeline {requests!r}")

    def mixed_pipeline(self, client):
        """Commands that change the connection in the middle of a pipeline."""
        marker = b"end-%d" % self.random.randrange(10**9)
        # Longer, without a password the server would close before it has read the rest.
        short = value(self.random)[0][:16000]
        pool = [[b"SELECT", b"1"], [b"SELECT", b"0"], [b"HELLO", b"2"], [b"HELLO", b"3"], [b"MULTI"], [b"EXEC"],
                [b"DISCARD"], [b"RESET"], [b"AUTH", b"x", b"y"], [b"SET", *key(self.random), short],
                [b"GET", *key(self.random)], [b"MGET", *key(self.random), *key(self.random)], [b"INCR", b"counter"],
                [b"PING"], [b"WATCH", *key(self.random)], [b"nosuch"], [b"CLIENT", b"SETNAME", b"mid"],
                [b"CLIENT", b"GETNAME"]]
        requests = [self.random.choice(pool) for _ in range(self.random.randint(3, 40))]
        # Whatever state that left, from here on the marker is answered with itself.
        requests += [[b"DISCARD"], [b"RESET"], [b"AUTH", b"sesame"], [b"ECHO", marker]]
        data = b"".join(request_bytes(*request) for request in requests)
        self._compare_up_to(client, data, marker, f"client {self.clients.index(client)} pipeline {requests!r}")
        client.in_transaction = False
        client.queued = []

    def _compare_up_to(self, client, data, marker, what):
        last = b"$%d\r\n%s\r\n" % (len(marker), marker)
        collected = []
        for connection in client.connections:
            connection.send(data)
            replies = []
            try:
                while not replies or replies[-1] != last:
                    replies.append(connection.read_reply())
            except Closed as closed:
                replies.append(CLOSED + closed.rest)
            except TimeoutError:
                # Wrong even if both do it: the marker always comes.
                replies.append(b"<no reply %d>" % len(collected))
            collected.append(replies)
        ours, theirs = collected
        same = len(ours) == len(theirs) and all(
            one == other or self._only_ids_differ(one, other) for one, other in zip(ours, theirs))
        if not same or ours[-1] != last:
            client.open()
        if not same:
            raise Mismatch(what, b"".join(ours), b"".join(theirs))

    def kill(self, client):
        """One client ends another, or itself, by id or address."""
        victim = self.random.choice(self.clients)
        by_id = PerServer("id", lambda index: str(victim.ids[index]))
        by_address = PerServer("address", lambda index: victim.connections[index].local_address)
        form = self.random.choice([[b"ID", by_id], [b"ADDR", by_address], [by_address],
                                   [b"ID", by_id, b"SKIPME", b"yes"], [b"ID", by_id, b"SKIPME", b"no"],
                                   [b"ID", by_id, b"USER", b"default"], [b"ADDR", by_address, b"TYPE", b"normal"],
                                   [b"ID", by_id, b"ADDR", b"127.0.0.1:1"]])
        self.command(client, [b"CLIENT", b"KILL", *form])
        self.command(victim, [b"PING"])

    def pause(self, client):
        """A write waits while writes are paused, in order, and goes on after UNPAUSE."""
        other = self.random.choice([each for each in self.clients if each is not client])
        if other.in_transaction:
            return
        # One that was killed would find out only now, and nothing would be paused.
        self.command(client, [b"PING"])
        self.command(other, [b"PING"])
        self.command(client, [b"CLIENT", b"PAUSE", b"100000", b"WRITE"])
        write = request_bytes(b"APPEND", b"paused", b"x") + request_bytes(b"PING")
        for connection in other.connections:
            connection.send(write)
        self.command(client, [b"GET", b"paused"])
        self.command(client, [b"CLIENT", b"UNPAUSE"])
        replies = other.exchange(lambda index: b"")
        pongs = other.exchange(lambda index: b"")
        if replies[0] != replies[1] or pongs[0] != pongs[1]:
            raise Mismatch("a write behind CLIENT PAUSE", replies[0] + pongs[0], replies[1] + pongs[1])

    def final_state(self, _client=None):
        """All keys and values of all databases, as the digest of both; if not equal, which differ."""
        ours, theirs = self.ask_both("DEBUG", "DIGEST")
        if ours == theirs:
            return
        differing = []
        for database in range(16):
            self.ask_both("SELECT", database)
            names = {name for side in self.ask_both("KEYS", "*") for _, name in parse_reply(side)[1]}
            for name in sorted(names):
                for words in (["DEBUG", "DIGEST-VALUE", name], ["PEXPIRETIME", name], ["GET", name]):
                    one, other = self.ask_both(*words)
                    if one != other:
                        differing.append((database, name, words[0], one[:80], other[:80]))
        self.ask_both("SELECT", 0)
        raise Mismatch(f"DEBUG DIGEST; {differing}", ours, theirs)

    def start_afresh(self):
        """The same empty state and configuration on both, after a mismatch."""
        self.open_sides()
        for side, settings in zip(self.sides, self.settings):
            side.request("CLIENT", "UNPAUSE")
            side.request("FLUSHALL")
            for name, value in settings.items():
                side.request("CONFIG", "SET", name, value)
        for client in self.clients:
            client.open()
        self.make_other_types()

    def make_other_types(self):
        if self.with_other_types:
            for words in OTHER_TYPES:
                self.ask_both(*words)

    @staticmethod
    def _settings(side):
        """What CONFIG SET may change during a run."""
        kind, payload = parse_reply(side.request("CONFIG", "GET", *DIRECTIVES))
        return {} if kind == "-" else {name[1]: value[1] for name, value in zip(payload[0::2], payload[1::2])}
