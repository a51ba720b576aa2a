"""RESP2 and RESP3 as bytes: exact replies, and a plain parse of them where meaning is asked.

A parsed reply is a pair (kind, payload): kind is the reply's first byte as a str, payload bytes,
an int (`:`), None (null forms) or a list of pairs (`*`, `~`, `>`, and `%` with keys and values
in turn).
"""

import socket

AGGREGATES = {b"*": 1, b"~": 1, b">": 1, b"%": 2, b"|": 2}
BLOBS = (b"$", b"!", b"=")


def request_bytes(*words):
    """The words as an array of bulk strings."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        if isinstance(word, str):
            word = word.encode()
        elif not isinstance(word, bytes):
            word = str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


def reply_end(data, start=0, inside=False):
    """Where the reply that begins at `start` ends, or None while it is not all there.

    An attribute belongs to the reply behind it; inside another reply (EXEC's) a push does so too.
    """
    line = data.find(b"\r\n", start)
    if line < 0:
        return None
    kind = bytes(data[start:start + 1])
    after = line + 2
    if kind in BLOBS:
        length = int(data[start + 1:line])
        end = after if length < 0 else after + length + 2
        return end if end <= len(data) else None
    if kind in AGGREGATES:
        for _ in range(max(0, int(data[start + 1:line])) * AGGREGATES[kind]):
            after = reply_end(data, after, True)
            if after is None:
                return None
        return reply_end(data, after, inside) if goes_before(kind, inside) else after
    if kind not in (b"+", b"-", b":", b"_", b"#", b",", b"("):
        raise AssertionError(f"not a reply: {bytes(data[start:start + 60])!r}")
    return after


def goes_before(kind, inside):
    return kind == b"|" or inside and kind == b">"


def parse_reply(data):
    """One whole reply as (kind, payload)."""
    value, end = _parse(data, 0)
    if end != len(data):
        raise AssertionError(f"more than one reply: {data[end:end + 60]!r}")
    return value


def _parse(data, start, inside=False):
    line = data.index(b"\r\n", start)
    kind, head, after = data[start:start + 1], data[start + 1:line], line + 2
    name = kind.decode()
    if kind in BLOBS:
        length = int(head)
        if length < 0:
            return (name, None), after
        return (name, data[after:after + length]), after + length + 2
    if kind in AGGREGATES:
        if int(head) < 0:
            return (name, None), after
        items = []
        for _ in range(int(head) * AGGREGATES[kind]):
            item, after = _parse(data, after, True)
            items.append(item)
        if goes_before(kind, inside):
            item, after = _parse(data, after, inside)
            items.append(item)
        return (name, items), after
    if kind == b":":
        return (name, int(head)), after
    return (name, None if kind == b"_" else head), after


class Closed(Exception):
    """The server closed the connection; `rest` is what came before that and was no whole reply."""

    def __init__(self, rest=b""):
        super().__init__(f"connection closed after {rest!r}")
        self.rest = rest


class Connection:
    """One client: sends what it is told and gives back replies as the bytes they are."""

    def __init__(self, port=None, host="127.0.0.1", path=None, timeout=20.0):
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(path)
        else:
            self.socket = socket.create_connection((host, port), timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = bytearray()

    def send(self, data):
        self.socket.sendall(data)

    def read_reply(self):
        """The next whole reply's bytes."""
        while True:
            end = reply_end(self.data) if self.data else None
            if end is not None:
                reply = bytes(self.data[:end])
                del self.data[:end]
                return reply
            self._receive()

    def request(self, *words):
        """Sends one command and returns its reply's bytes."""
        self.send(request_bytes(*words))
        return self.read_reply()

    def ask(self, *words):
        """As request, but only the reply's payload; an error reply raises."""
        kind, payload = parse_reply(self.request(*words))
        if kind == "-":
            raise AssertionError(f"{words}: {payload.decode()}")
        return payload

    def ask_text(self, *words):
        return self.ask(*words).decode()

    def read_exactly(self, count):
        while len(self.data) < count:
            self._receive()
        taken = bytes(self.data[:count])
        del self.data[:count]
        return taken

    def read_until_closed(self):
        """Everything until the server closes."""
        try:
            while True:
                self._receive()
        except Closed:
            rest = bytes(self.data)
            self.data.clear()
            return rest

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    @property
    def local_address(self):
        host, port = self.socket.getsockname()[:2]
        return f"{host}:{port}"

    def _receive(self):
        try:
            more = self.socket.recv(1 << 18)
        except (ConnectionResetError, BrokenPipeError):
            more = b""
        if not more:
            raise Closed(bytes(self.data))
        self.data += more

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
