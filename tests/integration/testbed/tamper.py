"""A TCP proxy between a replica and its primary, that delays, damages and cuts.

It follows what the primary says: the handshake's lines, the payload of a full sync (with its
length or its end mark), then the stream of commands. What is done to the bytes is said by a
plan; without one they pass as they are.
"""

import socket
import threading
import time

from .ports import free_port
from .resp import reply_end


class Cut(Exception):
    """A plan raises it to end the connection; `last` is still sent."""

    def __init__(self, last=b""):
        super().__init__("cut")
        self.last = last


class Plan:
    """What happens to one connection's bytes on their way to the replica. This one does nothing."""

    def handshake(self, data):
        return data

    def payload(self, data, at, whole):
        """A piece of the full sync that begins at byte `at`; `whole` is its length, None with an end mark.

        The end mark counts as payload.
        """
        return data

    def stream(self, data, at):
        """A piece of the command stream, `at` bytes after its begin."""
        return data


class Flip(Plan):
    """Bytes of the full sync at these places are others when they arrive."""

    def __init__(self, places):
        self.places = sorted(places)

    def payload(self, data, at, whole):
        damaged = bytearray(data)
        for place in self.places:
            if at <= place < at + len(data):
                damaged[place - at] ^= 0xff if damaged[place - at] else 0x55
        return bytes(damaged)


class Insert(Plan):
    """Bytes of the full sync come in between, or `drop` of them do not come."""

    def __init__(self, place, extra=b"", drop=0):
        self.place, self.extra, self.drop = place, extra, drop

    def payload(self, data, at, whole):
        if not at <= self.place < at + len(data):
            return data
        cut = self.place - at
        return data[:cut] + self.extra + data[cut + self.drop:]


class WrongMark(Plan):
    """The end of the full sync is announced by another mark than the one that comes."""

    def handshake(self, data):
        if not data.startswith(b"$EOF:"):
            return data
        return data[:10] + (b"0" if data[10:11] != b"0" else b"1") + data[11:]


class CutPayload(Plan):
    """The link ends inside the full sync."""

    def __init__(self, place):
        self.place = place

    def payload(self, data, at, whole):
        if at + len(data) > self.place:
            raise Cut(data[:max(0, self.place - at)])
        return data


class HoldPayload(Plan):
    """The full sync stands still at a place until it is told to go on; `reached` says that it stands."""

    def __init__(self, place):
        self.place = place
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def payload(self, data, at, whole):
        if at + len(data) > self.place:
            self.reached.set()
            self.go_on.wait(60)
        return data


class BreakStream(Plan):
    """After so many commands of the stream come bytes that are none."""

    def __init__(self, after, bad):
        self.after, self.bad = after, bad
        self.waiting = b""

    def stream(self, data, at):
        if self.bad is None:
            return data
        self.waiting += data
        passed = b""
        while self.bad is not None:
            while self.waiting[:1] == b"\n":
                passed, self.waiting = passed + b"\n", self.waiting[1:]
            end_of_command = reply_end(self.waiting) if self.waiting else None
            if end_of_command is None:
                return passed
            passed, self.waiting = passed + self.waiting[:end_of_command], self.waiting[end_of_command:]
            self.after -= 1
            if self.after <= 0:
                passed, self.bad = passed + self.bad, None
        return passed + self.waiting


class Phases:
    """Which part of a primary's answer each byte belongs to."""

    def __init__(self):
        self.phase = "handshake"
        self.waiting = b""     # of a line that has not ended yet
        self.at = 0
        self.whole = None      # the payload's length
        self.mark = None       # the payload's end
        self._last = b""       # to find the mark over pieces

    def split(self, data):
        """The data as (phase, bytes, at), in order."""
        while data:
            if self.phase == "stream":
                yield "stream", data, self.at
                self.at += len(data)
                return
            if self.phase == "payload":
                piece = self._take_payload(data)
                yield "payload", piece, self.at
                self.at += len(piece)
                data = data[len(piece):]
                if self._payload_is_over():
                    self.phase, self.at = "stream", 0
                continue
            line, end, data = (self.waiting + data).partition(b"\n")
            if not end:
                self.waiting = line
                return
            self.waiting = b""
            yield "handshake", line + end, 0
            self._follow_line(line.strip())

    def _follow_line(self, line):
        if line.startswith(b"+FULLRESYNC"):
            self.phase = "announced"
        elif line.startswith(b"+CONTINUE"):
            self.phase, self.at = "stream", 0
        elif self.phase == "announced" and line.startswith(b"$"):
            self.phase, self.at, self._last = "payload", 0, b""
            self.mark = line[5:] if line.startswith(b"$EOF:") else None
            self.whole = None if self.mark else int(line[1:])

    def _take_payload(self, data):
        if self.mark is None:
            return data[:self.whole - self.at]
        joined = self._last + data
        end = joined.find(self.mark)
        if end < 0:
            self._last = joined[-(len(self.mark) - 1):]
            return data
        self._last = self.mark
        return data[:end + len(self.mark) - (len(joined) - len(data))]

    def _payload_is_over(self):
        return self._last == self.mark if self.mark else self.at == self.whole


class Proxy:
    """Listens on a port of its own and passes on to `target`, a server."""

    def __init__(self, target):
        self.target = target
        self.host = "127.0.0.1"
        self.port = free_port()
        self.connect_times = []   # of attempts that reached us, refused ones too
        self.full_syncs = 0       # announced over all connections
        self.plan = None          # called for each new connection: a Plan, or None
        self._refusing = False
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._sockets = set()
        self._listener = socket.create_server((self.host, self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, and_refuse=False):
        """Every connection ends; new ones are taken unless they shall be refused."""
        self._refusing = and_refuse
        with self._lock:
            gone, self._sockets = self._sockets, set()
        for each in gone:
            end(each)

    def refuse(self):
        self.cut(and_refuse=True)

    def accept_again(self):
        self._refusing = False

    def hold(self):
        """Nothing passes until let_flow: the link is there and silent."""
        self._flowing.clear()

    def let_flow(self):
        self._flowing.set()

    def most_connects_in(self, seconds):
        """The largest number of attempts in any span so long."""
        times = self.connect_times
        return max((sum(1 for each in times if start <= each < start + seconds) for start in times), default=0)

    def close(self):
        end(self._listener)
        self._flowing.set()
        self.cut(and_refuse=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connect_times.append(time.monotonic())
            if self._refusing:
                end(client)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection((self.target.host, self.target.port), timeout=10)
        except OSError:
            end(client)
            return
        server.settimeout(None)
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets |= {client, server}
        plan = self.plan() if self.plan else None
        threading.Thread(target=self._pump, args=(client, server, None), daemon=True).start()
        self._pump(server, client, plan or Plan())

    def _pump(self, source, sink, plan):
        phases = Phases() if plan else None
        try:
            while True:
                data = source.recv(1 << 16)
                self._flowing.wait()
                if not data:
                    break
                if phases is None:
                    sink.sendall(data)
                else:
                    self._pass_on(phases, plan, data, sink)
        except Cut as cut:
            try:
                sink.sendall(cut.last)
            except OSError:
                pass
        except OSError:
            pass
        finally:
            with self._lock:
                self._sockets -= {source, sink}
            end(source)
            end(sink)

    def _pass_on(self, phases, plan, data, sink):
        for phase, piece, at in phases.split(data):
            if phase == "handshake":
                self.full_syncs += piece.startswith(b"+FULLRESYNC")
                piece = plan.handshake(piece)
            elif phase == "payload":
                piece = plan.payload(piece, at, phases.whole)
            else:
                piece = plan.stream(piece, at)
            sink.sendall(piece)


def end(connection):
    """Closed for both directions at once, whoever is reading from it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()
