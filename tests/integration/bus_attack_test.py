#!/usr/bin/python3
"""What a stranger who reaches the cluster bus may do: every id is told to anybody who asks there."""

import os
import random
import resource
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Cluster, Server, wait_until  # noqa: E402
from testbed.bus import (MEET, PING, PUBLISH, BusSocket, forgotten_extension, gossip_entry, packet)  # noqa: E402
from testbed.clusters import info, nodes, own_id  # noqa: E402


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def exchange(server, data):
    """Sends it and waits until it has been handled: whatever it is, it ends with a PING."""
    with BusSocket(server) as bus:
        bus.send(data)
        return bus.receive()


class InACluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(count=3).start()
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.create(replicas=0)
        cls.first, cls.second, cls.third = cls.cluster.servers

    def test_one_packet_of_invented_nodes(self):
        names = [f"{0xabc000000 + i:040x}" for i in range(5200)]
        body = b"".join(gossip_entry(name, "127.0.0.1", 25000 + i % 400) for i, name in enumerate(names))
        exchange(self.first, packet(PING, own_id(self.second), body, gossip=len(names), port=self.second.port))
        known = int(info(self.first)["cluster_known_nodes"])
        self.assertLessEqual(known, 3 + 64)
        for server in self.cluster.servers:
            self.assertEqual(b"PONG", server.ask("PING"))
            self.assertLess(int(server.info("clients")["cluster_connections"]), 100)
        self.first.ask("CLUSTER", "SAVECONFIG")
        self.assertNotIn("0abc0000", (self.first.folder / "nodes.conf").read_text())
        self.assertEqual("3", info(self.second)["cluster_known_nodes"])
        self.first.terminate()
        self.first.start()
        self.assertEqual("3", info(self.first)["cluster_known_nodes"])
        self.cluster.wait_agreed()

    def test_forget_of_a_live_primary(self):
        body = forgotten_extension(own_id(self.third))
        exchange(self.first, packet(PING, own_id(self.second), body, extensions=1, port=self.second.port))
        self.assertIn(own_id(self.third), nodes(self.first))
        self.assertEqual("16384", info(self.first)["cluster_slots_ok"])

    def test_a_message_of_an_invented_node(self):
        fake = "e" * 40
        exchange(self.first, packet(PING, own_id(self.second), gossip_entry(fake, "127.0.0.1", 25599), gossip=1,
                                    port=self.second.port))
        with BusSocket(self.first) as bus:
            bus.send(packet(PING, fake, port=25599))
            self.assertIsNotNone(bus.receive())
            bus.send(packet(PUBLISH, fake, length=1 << 30, marked=False))
            wait_until(bus.is_cut, 5, "the link to be cut")
        self.assertNotIn(fake, (self.first.folder / "nodes.conf").read_text())


class ALoneNode(unittest.TestCase):
    def start(self, **options):
        server = Server(cluster_enabled="yes", cluster_node_timeout=2000, **options)
        self.addCleanup(server.stop)
        server.start()
        server.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        wait_until(lambda: info(server)["cluster_state"] == "ok", 10, "cluster_state:ok")
        return server

    def test_idle_links(self):
        server = self.start(maxclients=300)
        before = descriptors(server)
        idle = [BusSocket(server) for _ in range(400)]
        self.addCleanup(lambda: [each.close() for each in idle])
        wait_until(lambda: sum(each.is_cut() for each in idle) >= 400 - 128, 10, "the oldest to be cut")
        self.assertLessEqual(descriptors(server), before + 130)
        self.assertEqual(b"PONG", server.ask("PING"))
        server.ask("CLUSTER", "SAVECONFIG")
        wait_until(lambda: all(each.is_cut() for each in idle), 10, "those that say nothing to be cut")

    def test_without_descriptors_it_says_so_and_goes_on_later(self):
        server = self.start(maxclients=300)
        _, most = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (descriptors(server) + 5, most))
        links = [BusSocket(server) for _ in range(10)]
        said = "Accepting cluster bus link: accept: Too many open files"
        wait_until(lambda: said in server.log(), 10, "the line")
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (most, most))
        links[-1].send(packet(PING, "f" * 40))
        self.assertIsNotNone(links[-1].receive())
        self.assertLess(server.log().count(said), 10)
        for link in links:
            link.close()

    def test_links_that_never_read(self):
        server = self.start(maxmemory="100mb", maxmemory_policy="allkeys-lru")
        with server.connect() as client:
            client.send(b"".join(b"*3\r\n$3\r\nSET\r\n$5\r\nk%04d\r\n$50000\r\n%b\r\n" % (i, b"x" * 50000) for i in range(1000)))
            for _ in range(1000):
                self.assertEqual(b"+OK\r\n", client.read_reply())
        questions = packet(PING, "f" * 40) * 2000
        links = [BusSocket(server, receive_buffer=4096) for _ in range(10)]

        def ask(link):
            try:
                link.send(questions)
            except OSError:
                pass  # it is cut
        askers = [threading.Thread(target=ask, args=(link,)) for link in links]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        for link in links:
            link.close()
        self.assertEqual(1000, server.ask("DBSIZE"))
        memory = server.info("memory")
        self.assertLess(int(memory["mem_cluster_links"]), 8 << 20)
        self.assertLess(int(memory["used_memory_peak"]), 80 << 20)

    def test_a_flood_of_meets_keeps_nobody_out(self):
        server = self.start()
        newcomer = Server(cluster_enabled="yes", cluster_node_timeout=2000)
        self.addCleanup(newcomer.stop)
        newcomer.start()
        stop = threading.Event()
        source = random.Random(1)
        sent = []

        def flood():
            with BusSocket(server) as bus:
                while not stop.is_set():
                    bus.send(b"".join(packet(MEET, f"{source.getrandbits(150):040x}", ip=f"127.0.0.{source.randrange(2, 250)}",
                                             port=source.randrange(1, 50000), marked=False) for _ in range(20)))
                    bus.is_cut()
                    bus.socket.settimeout(10)
                    sent.append(20)
                    stop.wait(0.005)
        attacker = threading.Thread(target=flood)
        attacker.start()
        try:
            wait_until(lambda: sum(sent) > 3000, 20, "a flood")
            self.assertIn("handshake", server.ask_text("CLUSTER", "NODES"))
            newcomer.ask("CLUSTER", "MEET", server.host, server.port)
            wait_until(lambda: own_id(newcomer) in nodes(server), 10, "the newcomer to be known")
            self.assertEqual(b"PONG", server.ask("PING"))
        finally:
            stop.set()
            attacker.join()
        self.assertLess(len(server.log()), 100_000)


if __name__ == "__main__":
    unittest.main()
