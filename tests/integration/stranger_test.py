#!/usr/bin/python3
"""What a stranger on the client port may cost: memory, descriptors, lines in the log.

Beside him a client that behaves is served, and what commands wrote stays written.
"""

import os
import resource
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
            if not server.is_sanitized():
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
            if not server.is_sanitized():
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


class Lines(unittest.TestCase):
    """The log is a file that somebody reads and that has to fit a disk."""

    def test_words_of_strangers_make_no_lines_of_their_own(self):
        with Server(**{"repl-diskless-sync-delay": 0}) as server:
            with Connection(server.port) as client:
                client.send(request_bytes("PSYNC", "\n99999:M 01 Jan 2030 00:00:00.000 # FORGED", 1))
                wait_until(lambda: "# FORG" in server.log(), 10, "the line")
            self.assertFalse([line for line in server.log().splitlines() if line.startswith("99999:M")])
            size = len(server.log())
            with Connection(server.port) as client:
                client.send(request_bytes("PSYNC", "A" * 5_000_000, 1, "FAILOVER"))
                wait_until(lambda: "bytes)" in server.log()[size:], 10, "the line")
            self.assertLess(len(server.log()) - size, 16 * 1024)

    def test_hosts_are_hosts(self):
        with Server() as server, Connection(server.port) as client:
            forged = "1.2.3.4\r\nrole:slave\r\nforged_field:1"
            for words in (("REPLICAOF", forged, "1"), ("REPLCONF", "ip-address", forged),
                          ("CONFIG", "SET", "replica-announce-ip", forged),
                          ("CONFIG", "SET", "cluster-announce-ip", forged),
                          ("MIGRATE", forged, "1", "k", "0", "100"), ("REPLICAOF", "h" * 3_000_000, "1")):
                reply = client.request(*words)
                self.assertTrue(reply.startswith(b"-ERR"), f"{words[:2]}: {reply!r}")
            self.assertNotIn("forged_field", server.ask_text("INFO", "everything"))
            self.assertNotIn("forged_field", server.log())

    def test_ports_do_not_wrap(self):
        with Server() as target, Server() as server, Connection(server.port) as client:
            client.ask("SET", "k", "v")
            port = target.port
            for port in (port + 65536, port - 65536, f"{port}x", f" {port}", 4294967296 + port):
                for words in (("MIGRATE", "127.0.0.1", port, "k", "0", "200"), ("REPLICAOF", "127.0.0.1", port)):
                    reply = client.request(*words)
                    self.assertTrue(reply.startswith(b"-ERR"), f"{words}: {reply!r}")
            self.assertEqual(0, target.ask("EXISTS", "k"))
            self.assertEqual(b"+OK\r\n", client.request("MIGRATE", "127.0.0.1", target.port, "k", "0", "5000"))

    def test_a_flood_of_one_kind_has_a_line_a_second(self):
        with Server(password="sesame") as server:
            size = len(server.log())
            for _ in range(2000):
                with Connection(server.port) as client:
                    client.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
                    client.read_until_closed()
            # How long that took is the machine's; the lines that were left out are counted.
            wait_until(lambda: "lines about connections that speak HTTP were left out" in server.log(), 10, "the count")
            lines = [line for line in server.log()[size:].splitlines() if "HTTP" in line]
            self.assertLess(len(lines), 200)

    def test_passwords_stay_out_of_the_slowlog(self):
        with Server(**{"slowlog-log-slower-than": 0}) as server, Connection(server.port) as client:
            calls = [
                ("MIGRATE", "127.0.0.1", "1", "k", "0", "10", "AUTH", "Secret", "KEYS", "nokey"),
                ("MIGRATE", "127.0.0.1", "1", "k", "0", "10", "AUTH", "Secret", "BOGUS"),
                ("MIGRATE", "127.0.0.1", "1", "k", "0", "10", "BOGUS", "AUTH", "Secret"),
                ("MIGRATE", "127.0.0.1", "1", "k", "zero", "10", "AUTH", "Secret"),
                ("MIGRATE", "127.0.0.1", "-1", "k", "0", "10", "AUTH", "Secret"),
                ("MIGRATE", "127.0.0.1", "1", "k", "0", "10", "COPY", "AUTH2", "u", "Secret"),
                ("MIGRATE", "127.0.0.1", "1", "k", "0", "10", "COPY", "AUTH2", "Secret"),
                ("AUTH", "Secret"), ("AUTH", "default", "Secret"), ("AUTH", "a", "b", "Secret"),
                ("HELLO", "3", "AUTH", "default", "Secret"),
                ("HELLO", "2", "SETNAME", "a b", "AUTH", "default", "Secret"),
                ("HELLO", "abc", "AUTH", "default", "Secret"),
                ("HELLO", "2", "BOGUS", "AUTH", "default", "Secret"),
                ("HELLO", "2", "AUTH", "Secret"),
                ("CONFIG", "SET", "requirepasss", "Secret"),
                ("CONFIG", "SET", "masterauth", "Secret"),
                ("CONFIG", "SET", "requirepass", "Secret", "hz", "notanumber"),
                ("CONFIG", "SET", "nosuch", "x", "requirepass", "Secret"),
                ("ACL", "SETUSER", "bob", "on", ">Secret"), ("ACL", "SETUSER", "default", ">Secret"),
            ]
            for call in calls:
                client.request(*call)
                kept = client.request("SLOWLOG", "GET", "3")
                self.assertNotIn(b"Secret", kept, f"{call}")
            self.assertNotIn("Secret", server.log())


class Descriptors(unittest.TestCase):
    def test_without_descriptors_it_says_so_and_goes_on_later(self):
        with Server(maxclients=1000, prefix=("bash", "-c", 'ulimit -n 128; exec "$@"', "-")) as server:
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (48, 128))
            clients = [Connection(server.port) for _ in range(60)]
            wait_until(lambda: "Too many open files" in server.log(), 10, "the line")
            self.assertEqual(b"+PONG\r\n", clients[0].request("PING"))
            for client in clients[:30]:
                client.close()
            self.assertEqual(b"+PONG\r\n", clients[-1].request("PING"))
            self.assertLess(server.log().count("Too many open files"), 20)
            for client in clients[30:]:
                client.close()


def server_reply(server, *words):
    with server.connect() as client:
        return client.request(*words)


if __name__ == "__main__":
    unittest.main()
