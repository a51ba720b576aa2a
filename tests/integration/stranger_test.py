#!/usr/bin/python3
"""What a stranger on the client port may cost: memory, descriptors, lines in the log.

Beside him a client that behaves is served, and what commands wrote stays written.
"""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Connection, Server, request_bytes, wait_until  # noqa: E402
from testbed.replication import link_is_up  # noqa: E402

MIB = 1024 * 1024


def most_resident(server):
    """The most memory the process ever had, in bytes."""
    with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def send_until_cut(connections, request, most):
    """Sends the request to all of them again and again, reads nothing; how many were cut before they took `most` bytes."""
    data = request * 5000
    sent = dict.fromkeys(connections, 0)
    cut = 0
    deadline = time.monotonic() + 60
    while sent and time.monotonic() < deadline:
        for connection, count in list(sent.items()):
            try:
                sent[connection] += connection.socket.send(memoryview(data)[count % len(request):])
            except BlockingIOError:
                continue
            except OSError:
                cut += 1
                del sent[connection]
                continue
            if count > most:
                del sent[connection]
    return cut


class Memory(unittest.TestCase):
    def test_clients_that_are_not_logged_in_and_never_read_are_cut(self):
        with Server(password="sesame") as server:
            before = most_resident(server)
            deaf = [Connection(server.port) for _ in range(20)]
            for connection in deaf:
                connection.socket.setblocking(False)
            self.assertEqual(20, send_until_cut(deaf, request_bytes("PING"), 64 * MIB))
            self.assertLess(most_resident(server) - before, 8 * MIB)
            for connection in deaf:
                connection.close()

    def test_one_that_reads_its_refusals_is_not_cut(self):
        with Server(password="sesame") as server, Connection(server.port) as client:
            count = 20000
            client.send(request_bytes("PING") * count)
            refusal = b"-NOAUTH Authentication required.\r\n"
            self.assertEqual(refusal * count, client.read_exactly(len(refusal) * count))
            self.assertEqual(b"+OK\r\n", client.request("AUTH", "sesame"))

    def test_the_output_limit_binds_inside_a_command_and_a_pipeline(self):
        with Server(loglevel="verbose", **{"client-output-buffer-limit": "normal 1mb 0 0"}) as server:
            server.ask("SET", "large", b"x" * 10 * MIB)
            before = most_resident(server)
            many = request_bytes("MGET", *["large"] * 60)
            for request in (many, request_bytes("GET", "large") * 60, request_bytes("MULTI") + many + request_bytes("EXEC")):
                with Connection(server.port) as client:
                    client.send(request)
                    self.assertLess(len(client.read_until_closed()), 4 * MIB)
            self.assertLess(most_resident(server) - before, 16 * MIB)
            self.assertIn("overcoming of output buffer limits", server.log())

    def test_a_reply_that_is_cut_loses_no_write_of_its_transaction(self):
        with Server(**{"client-output-buffer-limit": "normal 1mb 0 0"}) as server:
            server.ask("SET", "large", b"x" * 10 * MIB)
            with Connection(server.port) as client:
                words = (("MULTI",), ("SET", "before", "1"), ("MGET", *["large"] * 10), ("SET", "after", "1"), ("EXEC",))
                client.send(b"".join(request_bytes(*each) for each in (*words, ("SET", "behind", "1"))))
                client.read_until_closed()
            # What the client sent behind it is not executed, as nobody would hear of it.
            self.assertEqual([b"$1\r\n1\r\n", b"$1\r\n1\r\n", b"$-1\r\n"],
                             [server_reply(server, "GET", key) for key in ("before", "after", "behind")])

    def test_a_client_under_its_limit_gets_all_it_pipelines(self):
        with Server(**{"client-output-buffer-limit": "normal 1mb 0 0"}) as server, Connection(server.port) as client:
            value = b"x" * 20_000
            client.ask("SET", "some", value)
            reply = b"$%d\r\n%s\r\n" % (len(value), value)
            for _ in range(20):
                client.send(request_bytes("GET", "some") * 40)
                self.assertEqual(reply * 40, client.read_exactly(len(reply) * 40))


class Walks(unittest.TestCase):
    def test_a_paused_command_that_drops_the_primary_leaves_nobody_paused(self):
        with Server() as primary, Server(replicaof=("127.0.0.1", primary.port)) as replica:
            wait_until(lambda: link_is_up(replica), 15, "the link")
            clients = [Connection(replica.port) for _ in range(6)]
            for client in clients:
                client.request("PING")
            # Whoever comes behind the link in the list of clients would be passed over when it goes.
            clients[0].ask("CLIENT", "PAUSE", "500", "ALL")
            clients[1].send(request_bytes("REPLICAOF", "NO", "ONE"))
            for client in clients[2:]:
                client.send(request_bytes("GET", "k"))
            self.assertEqual(b"+OK\r\n", clients[1].read_reply())
            for client in clients[2:]:
                self.assertEqual(b"$-1\r\n", client.read_reply())
            for client in clients:
                client.close()


def server_reply(server, *words):
    with server.connect() as client:
        return client.request(*words)


if __name__ == "__main__":
    unittest.main()
