"""Packets of the cluster bus, made by hand: what anybody who reaches the port can send."""

import socket
import struct

HEADER = 2256
PING, PONG, MEET, FAIL, PUBLISH = range(5)
FORGOTTEN = 2

_CRC = []
for _byte in range(256):
    for _ in range(8):
        _byte = _byte >> 1 ^ (0x82F63B78 if _byte & 1 else 0)
    _CRC.append(_byte)


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def _field(text, size):
    text = text.encode() if isinstance(text, str) else text
    return text[:size].ljust(size, b"\0")


def packet(kind, sender, body=b"", gossip=0, extensions=0, port=7000, ip="", flags=1, epoch=0, length=None, marked=True):
    """`length` says more or less than is there; `marked` puts Skein's checksum in."""
    message_flags = 4 if extensions else 0
    head = b"RCmb" + struct.pack(">IHHHHQQQ", length or HEADER + len(body), 1, port, kind, gossip, epoch, epoch, 0)
    head += _field(sender, 40) + bytes(2048) + bytes(40) + _field(ip, 46) + struct.pack(">H", extensions)
    head += (b"SkCR" if marked else bytes(4)) + bytes(26)
    head += struct.pack(">HHHBBBB", 0, port + 10000, flags, 0, message_flags, 0, 0)
    assert len(head) == HEADER
    whole = head + body
    if marked:
        whole = whole[:2220] + struct.pack(">I", crc32c(whole)) + whole[2224:]
    return whole


def gossip_entry(node, ip, port):
    return _field(node, 40) + struct.pack(">II", 0, 0) + _field(ip, 46) + struct.pack(">HHHHH", port, port + 10000, 1, 0, 0)


def forgotten_extension(node, ban_seconds=60):
    return struct.pack(">IHH", 56, FORGOTTEN, 0) + _field(node, 40) + struct.pack(">Q", ban_seconds)


class BusSocket:
    """A stranger's connection to a node's bus."""

    def __init__(self, server, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect((server.host, server.port + 10000))

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """One packet, or None at the end."""
        data = b""
        while len(data) < 8 or len(data) < struct.unpack(">I", data[4:8])[0]:
            piece = self.socket.recv(65536)
            if not piece:
                return None
            data += piece
        return data

    def is_cut(self):
        """Whether the other end has closed it; what lies there unread is thrown away."""
        self.socket.setblocking(False)
        try:
            while self.socket.recv(1 << 16):
                pass
            return True
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
