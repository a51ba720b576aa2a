"""Free loopback ports, each with its cluster-bus port (10000 above) free as well."""

import os
import random
import socket

# Below the range the kernel takes for outgoing connections (32768 and up), both of them, so
# that no client of a test sits on a port a server is about to ask for.
LOWEST, HIGHEST = 10500, 22700
BUS_OFFSET = 10000

_random = random.Random(os.getpid() ^ int.from_bytes(os.urandom(4), "big"))
_given = set()


def _is_free(host, port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(hosts=("127.0.0.1",)):
    """A port free on every one of `hosts`, and never given out twice by this process."""
    for _ in range(2000):
        port = _random.randint(LOWEST, HIGHEST)
        wanted = {port, port + BUS_OFFSET}
        if wanted & _given:
            continue
        if all(_is_free(host, each) for host in hosts for each in wanted):
            _given.update(wanted)
            return port
    raise AssertionError("no free port")


def free_ports(count, hosts=("127.0.0.1",)):
    return [free_port(hosts) for _ in range(count)]
