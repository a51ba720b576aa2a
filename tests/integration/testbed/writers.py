"""Clients that write into a cluster, whatever happens to it, and remember what was acknowledged."""

import threading
import time

from .resp import Closed, Connection


class ClusterWriter:
    """Writes `prefix:0`, `prefix:1`, ... one after the other, following MOVED and ASK.

    `acknowledged` holds (moment, key) for each write that was answered OK. A write that got
    another answer, or none, is not tried again: whether it happened is unknown.
    """

    REPLY_TIMEOUT = 8

    def __init__(self, servers, prefix):
        self._entries = [(server.host, server.port) for server in servers]
        self._prefix = prefix
        self._connections = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._owners = {}  # by slot, once a MOVED has told
        self.acknowledged = []
        self.refused = 0   # answered by an error
        self.unknown = 0   # not answered
        self.failure = None

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self._stop.set()
        self._thread.join()
        for connection in self._connections.values():
            connection.close()
        if self.failure:
            raise AssertionError(f"a writer was answered {self.failure!r}")

    def _run(self):
        number = 0
        while not self._stop.is_set() and self.failure is None:
            self._write(*self._nth(number))
            number += 1

    def _nth(self, number):
        """Key and value of the n-th write."""
        return f"{self._prefix}:{number}", "x"

    def _note(self, key, value):
        self.acknowledged.append((time.monotonic(), key.encode()))

    def _write(self, key, value):
        slot = slot_of(key.encode())
        address = self._owners.get(slot) or self._entries[len(key) % len(self._entries)]
        asking = False
        for _ in range(40):
            if self._stop.is_set():
                return
            try:
                reply = self._send(address, key, value, asking)
            except (OSError, Closed):
                self._drop(address)
                self._owners.pop(slot, None)
                self.unknown += 1
                self._stop.wait(0.01)
                return
            if reply.startswith(b"+OK"):
                self._note(key, value)
                return
            asking = False
            if reply.startswith((b"-MOVED", b"-ASK")):
                host, _, port = reply.decode().split()[2].rpartition(":")
                address = (host, int(port))
                asking = reply.startswith(b"-ASK")
                if not asking:
                    self._owners[slot] = address
                continue
            if reply.startswith((b"-CLUSTERDOWN", b"-TRYAGAIN", b"-LOADING", b"-MASTERDOWN", b"-READONLY")):
                self.refused += 1
                self._owners.pop(slot, None)
                address = self._entries[(self.refused + len(key)) % len(self._entries)]
                self._stop.wait(0.01)
                continue
            self.failure = reply
            return

    def _send(self, address, key, value, asking):
        connection = self._connections.get(address)
        if connection is None:
            connection = self._connections[address] = Connection(address[1], address[0], timeout=self.REPLY_TIMEOUT)
        if asking:
            connection.request("ASKING")
        return connection.request("SET", key, value)

    def _drop(self, address):
        connection = self._connections.pop(address, None)
        if connection is not None:
            connection.close()


class RisingWriter(ClusterWriter):
    """Writes the same keys over and over, each time a greater number.

    What a key holds in the end is at least the last number that was acknowledged, unless a write
    was lost or hidden. `numbers` holds those that belong to `acknowledged`, in the same order.
    """

    def __init__(self, servers, prefix, keys):
        super().__init__(servers, prefix)
        self._keys = keys
        self.numbers = []

    def _nth(self, number):
        return f"{self._prefix}:{number % self._keys}", str(number)

    def _note(self, key, value):
        self.numbers.append(int(value))
        super()._note(key, value)


def _crc16_table():
    table = []
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
        table.append(crc)
    return table


_CRC16 = _crc16_table()


def slot_of(key):
    """The hash slot of a key (bytes)."""
    begin = key.find(b"{")
    if begin >= 0:
        end = key.find(b"}", begin + 1)
        if end > begin + 1:
            key = key[begin + 1:end]
    crc = 0
    for byte in key:
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[(crc >> 8) ^ byte]
    return crc % 16384
