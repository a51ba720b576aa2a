"""A replica that is nothing but a socket: it asks for a sync, keeps the snapshot's bytes and reads the stream."""

from .resp import Closed, Connection, parse_reply, reply_end, request_bytes

ACK_PERIOD = 0.1  # seconds
PATIENCE = 200


class BareReplica:
    """Attached when it is made; `answer` is what PSYNC was answered.

    The snapshot, if one came, is in `snapshot`; `commands` are what has been read of the stream.
    """

    def __init__(self, server, replid="?", next_byte=-1, capabilities=("eof", "psync2"), options=()):
        self.link = Connection(server.port, server.host)
        if server.password:
            self.link.ask("AUTH", server.password)
        words = [word for each in capabilities for word in ("capa", each)]
        self.link.ask("REPLCONF", "listening-port", "1", *words)
        for option in options:
            self.link.ask("REPLCONF", *option)
        self.link.send(request_bytes("PSYNC", replid, next_byte))
        self.answer = self._line()
        self.snapshot = None
        self.offset = next_byte - 1
        self.commands = []
        if self.answer.startswith(b"+FULLRESYNC"):
            _, replid, offset = self.answer.decode().split()
            self.replid, self.offset = replid, int(offset)
            self._read_snapshot()
            self.acknowledge()

    def acknowledge(self):
        self.link.send(request_bytes("REPLCONF", "ACK", self.offset))

    def read_until(self, last):
        """Reads the stream up to the command `last`, given as bytes; all commands before it, as lists of words."""
        found = []
        while True:
            words = self.read_command()
            if words == last:
                return found
            found.append(words)

    def read_command(self):
        """The next command of the stream."""
        while True:
            data = self.link.data
            while data[:1] == b"\n":  # a keep-alive
                del data[:1]
            end = reply_end(data) if data else None
            if end is not None:
                raw = bytes(data[:end])
                del data[:end]
                self.offset += len(raw)
                words = [word for _, word in parse_reply(raw)[1]]
                self.commands.append(words)
                return words
            self._receive_stream()

    def _receive_stream(self):
        """As every replica it tells where it is while it waits.

        After a snapshot without a file the stream begins with the first ACK, and one that comes before
        the server knows its child has ended is none.
        """
        for _ in range(PATIENCE):
            self.link.socket.settimeout(ACK_PERIOD)
            try:
                self.link._receive()
                return
            except TimeoutError:
                self.acknowledge()
        raise TimeoutError(f"no stream after {self.commands[-3:]}")

    def closed(self):
        """Whether the server has ended the link; what it still sent is read."""
        try:
            while True:
                self.link._receive()
        except Closed:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.link.close()

    def _line(self):
        while True:
            line, end, rest = bytes(self.link.data).partition(b"\n")
            if end and line.strip():
                self.link.data[:] = rest
                return line.strip()
            if end:
                self.link.data[:] = rest
                continue
            self.link._receive()

    def _read_snapshot(self):
        head = self._line()
        if head.startswith(b"$EOF:"):
            mark = head[5:]
            while self.link.data.find(mark) < 0:
                self.link._receive()
            self.snapshot = self.link.read_exactly(self.link.data.find(mark))
            self.link.read_exactly(len(mark))
        else:
            self.snapshot = self.link.read_exactly(int(head[1:]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
