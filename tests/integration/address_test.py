#!/usr/bin/python3
"""Where nodes are: two that have swapped their addresses, and names announced in place of addresses.

On 127.0.0.x every node has a host of its own, so that they can change places.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Cluster, reference_binary, server_binary, wait_until  # noqa: E402
from testbed.clusters import info, nodes, own_id, unless_loading  # noqa: E402
from testbed.replication import link_is_up  # noqa: E402

SKEIN, REDIS = server_binary(), reference_binary()
HOSTS = tuple(f"127.0.61.{number}" for number in range(1, 5))


class Swapped(unittest.TestCase):
    def test_a_primary_and_its_replica_find_each_other(self):
        with Cluster([SKEIN] * 4, hosts=HOSTS) as cluster:
            cluster.cli("--cluster", "create", *(server.address for server in cluster.servers[:3]), "--cluster-yes")
            cluster.wait_agreed(cluster.servers[:3])
            primary, replica = cluster.servers[0], cluster.servers[3]
            primary.ask("CLUSTER", "MEET", replica.host, replica.port)
            wait_until(lambda: len(nodes(replica)) == 4, 15, "the replica to be met")
            ids = [own_id(server) for server in cluster.servers]
            wait_until(lambda: self.follows(replica, ids[0]), 15, "the replica to follow")

            primary.kill()
            replica.kill()
            primary.host, replica.host = replica.host, primary.host
            for server in (primary, replica):
                server.options |= {"bind": server.host, "bind-source-addr": server.host}
                server.start()

            def all_right():
                for viewer in cluster.servers:
                    rows = unless_loading(lambda viewer=viewer: nodes(viewer))
                    if rows is None:
                        return False
                    for server, node in zip(cluster.servers, ids):
                        if rows[node]["address"] != server.address or "noaddr" in rows[node]["flags"]:
                            return False
                return True

            wait_until(all_right, 30, "everybody to know where everybody is")
            wait_until(lambda: link_is_up(replica), 30, "the replica to find its primary")
            cluster.wait_agreed()
            self.assertEqual(f"{primary.host}:{primary.port}", self.own_row(primary)["address"])

    @staticmethod
    def follows(replica, primary):
        try:
            return replica.ask("CLUSTER", "REPLICATE", primary) and link_is_up(replica)
        except AssertionError:
            return link_is_up(replica)

    @staticmethod
    def own_row(server):
        return nodes(server)[own_id(server)]


class Names(unittest.TestCase):
    def test_of_redis_nodes(self):
        """They announce a name: a Skein node joins them, and follows one of them by it."""
        with Cluster([REDIS] * 3, cluster_announce_ip="localhost") as cluster:
            cluster.create(replicas=0)
            skein = cluster.launch(SKEIN).wait_ready()
            skein.ask("CONFIG", "SET", "cluster-announce-ip", "")
            cluster.servers[0].ask("CLUSTER", "MEET", "127.0.0.1", skein.port)
            wait_until(lambda: all(len(nodes(server)) == 4 for server in cluster.servers), 15, "all to know it")
            self.assertEqual({f"localhost:{server.port}" for server in cluster.servers[:3]},
                             {row["address"] for node, row in nodes(skein).items() if node != own_id(skein)})
            primary = own_id(cluster.servers[0])
            wait_until(lambda: Swapped.follows(skein, primary), 20, "a replica by name")
            self.assertEqual("localhost", skein.info("replication")["master_host"])
            wait_until(lambda: info(skein)["cluster_state"] == "ok", 15, "its state to be ok")
            self.assertIn(":" + str(cluster.servers[0].port), self.moved(skein))
            self.assertIn(" localhost:", self.moved(skein))

    def test_of_skein_nodes(self):
        with Cluster([SKEIN] * 3, cluster_announce_ip="localhost") as cluster:
            cluster.create(replicas=0)
            self.assertEqual({f"localhost:{port}" for port in cluster.ports},
                             {row["address"] for row in nodes(cluster.servers[0]).values()})
            # The name is in nodes.conf, too.
            cluster.servers[1].kill()
            cluster.servers[1].start()
            cluster.wait_agreed()
            self.assertIn(" localhost:", self.moved(cluster.servers[0], cluster.servers[1]))

    @staticmethod
    def moved(*servers):
        """A redirection of one of them."""
        for server in servers:
            with server.connect() as client:
                for i in range(100):
                    reply = client.request("GET", f"key:{i}")
                    if b"MOVED" in reply:
                        return reply.decode()
        return ""


if __name__ == "__main__":
    unittest.main(verbosity=2)
