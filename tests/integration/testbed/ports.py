"""Free loopback ports, each with its cluster-bus port (10000 above) free as well."""

import fcntl
import os
import pathlib
import random
import socket
import tempfile

# Below the range the kernel takes for outgoing connections (32768 and up), both of them, so
# that no client of a test sits on a port a server is about to ask for.
LOWEST, HIGHEST = 10500, 22700
BUS_OFFSET = 10000
# Tests run beside each other: each process draws from a share of its own while there are any.
# Between two looks at a port, servers of another test cannot take it then.
SHARES = 12

_random = random.Random(os.getpid() ^ int.from_bytes(os.urandom(4), "big"))
_given = set()
_share = None  # (lowest, highest, the open file whose lock makes it ours)


def _is_free(host, port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _take_share():
    width = (BUS_OFFSET // SHARES)  # a share and its bus ports never meet another share
    for number in _random.sample(range(SHARES), SHARES):
        file = open(pathlib.Path(tempfile.gettempdir()) / f"skein-test-ports-{os.getuid()}-{number}", "w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        lowest = LOWEST + number * width
        return lowest, lowest + width - 1, file
    return LOWEST, HIGHEST, None


def free_port(hosts=("127.0.0.1",)):
    """A port free on every one of `hosts`, and never given out twice by this process."""
    global _share
    if _share is None:
        _share = _take_share()
    lowest, highest, _ = _share
    for _ in range(2000):
        port = _random.randint(lowest, highest)
        wanted = {port, port + BUS_OFFSET}
        if wanted & _given:
            continue
        if all(_is_free(host, each) for host in hosts for each in wanted):
            _given.update(wanted)
            return port
    raise AssertionError("no free port")


def free_ports(count, hosts=("127.0.0.1",)):
    return [free_port(hosts) for _ in range(count)]
