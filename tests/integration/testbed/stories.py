"""Tests that tell a story with redis-cli --cluster: steps in order, outputs as lines."""

import contextlib
import pathlib
import re
import shutil
import tempfile
import unittest

from .cli import redis_cli, run_redis_cli
from .clusters import info, nodes, own_id, view
from .terminal import interview
from .waiting import wait_until

# How a check ends that found nothing.
CLEAN = ("[OK] All nodes agree about slots configuration.", ">>> Check for open slots...",
         ">>> Check slots coverage...", "[OK] All 16384 slots covered.")


class Story(unittest.TestCase):
    """Steps that build on each other, in the order of their names."""

    broken = None
    password = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="skein-tutorial-"))
        cls.servers = []
        cls.broken = None

    @classmethod
    def tearDownClass(cls):
        with contextlib.ExitStack() as ending:  # all of them, whatever one says
            for server in cls.servers:
                # No farewell: each primary would hand over to its replica first.
                if server.running():
                    server.kill()
                ending.callback(server.stop)
        shutil.rmtree(cls.folder, ignore_errors=True)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before and not type(self).broken:
            type(self).broken = self._testMethodName

    def setUp(self):
        if self.broken:
            self.skipTest(f"{self.broken} failed")

    def cli(self, *words, **options):
        return redis_cli(*words, password=self.password, **options)

    def words(self):
        return ["-a", self.password, "--no-auth-warning"] if self.password else []

    def assert_lines(self, output, *lines):
        """They stand there, each as a whole line, in this order; redis-cli may have coloured them."""
        output = re.sub(r"\x1b\[[0-9;]*m", "", output)
        place = 0
        for line in lines:
            found = re.compile("^" + (line.pattern if isinstance(line, re.Pattern) else re.escape(line)) + "$",
                               re.MULTILINE).search(output, place)
            self.assertTrue(found, f"{line!r} does not stand where it should in\n{output}")
            place = found.end()

    def alive(self):
        return [server for server in self.servers if server.running()]

    def wait_agreed(self, *servers, timeout=40):
        servers = servers or self.alive()

        def agreed():
            views = [view(server) for server in servers]
            return all(info(server)["cluster_state"] == "ok" for server in servers) and all(v == views[0] for v in views)

        wait_until(agreed, timeout, "all nodes to agree")

    def check(self, entry):
        """redis-cli --cluster check once the newest change is everywhere."""
        def clean():
            output = run_redis_cli("--cluster", "check", entry.address, password=self.password).stdout
            return all(line in output for line in CLEAN) and output

        output = wait_until(clean, 40, "a clean check")
        self.assert_lines(output, f">>> Performing Cluster Check (using node {entry.address})", *CLEAN)
        return output

    def assert_summary(self, output, server, keys=r"\d+", slots=r"\d+", replicas=r"\d+"):
        pattern = rf"{re.escape(server.address)} \([0-9a-f]{{8}}\.\.\.\) -> {keys} keys \| {slots} slots \| {replicas} slaves\."
        self.assertRegex(output, pattern)

    def assert_primary(self, output, server, slots, replicas=None):
        """The node's lines of a check: `slots` as "[0-49],[100] (51 slots) master"."""
        lines = [f"M: {own_id(server)} {server.address}", f"   slots:{slots}"]
        if replicas:
            lines.append(f"   {replicas} additional replica(s)")
        self.assert_lines(output, *lines)

    def reshard(self, entry, count, receiver, sources, extra=()):
        """Interactive, as typed; `sources` are servers, or "all"."""
        self.check(entry)
        answers = [("How many slots do you want to move (from 1 to 16384)?", count),
                   ("What is the receiving node ID?", own_id(receiver))]
        if sources == "all":
            answers.append(("Source node #1:", "all"))
        else:
            answers += [(f"Source node #{number + 1}:", own_id(each)) for number, each in enumerate(sources)]
            answers.append((f"Source node #{len(sources) + 1}:", "done"))
        answers.append(("Do you want to proceed with the proposed reshard plan (yes/no)?", "yes"))
        output = interview(*self.words(), *extra, "--cluster", "reshard", entry.address, answers=answers)
        self.assert_lines(output, re.compile("Please enter all the source node IDs\\..*"),
                          "  Type 'all' to use all the nodes as source nodes for the hash slots.",
                          "  Type 'done' once you entered all the source nodes IDs.",
                          f"Ready to move {count} slots.", "  Source nodes:", "  Destination node:", "  Resharding plan:",
                          re.compile(r"    Moving slot \d+ from [0-9a-f]{40}"),
                          re.compile(r"Moving slot \d+ from [\d.:]+ to " + re.escape(receiver.address) + r": \.*"))
        return output

    def create(self, addresses, *expected):
        output = interview(*self.words(), "--cluster", "create", *addresses, "--cluster-replicas", "1",
                           answers=[("Can I set the above configuration? (type 'yes' to accept):", "yes")])
        self.assert_lines(output, f">>> Performing hash slots allocation on {len(addresses)} nodes...",
                          "Master[0] -> Slots 0 - 5460", "Master[1] -> Slots 5461 - 10922",
                          "Master[2] -> Slots 10923 - 16383", re.compile(r"Adding replica \S+ to \S+"), *expected,
                          re.compile(r"M: [0-9a-f]{40} " + re.escape(addresses[0])),
                          "   slots:[0-5460] (5461 slots) master", re.compile(r"S: [0-9a-f]{40} \S+"),
                          re.compile(r"   replicates [0-9a-f]{40}"))
        self.assert_lines(output, ">>> Nodes configuration updated", ">>> Assign a different config epoch to each node",
                          ">>> Sending CLUSTER MEET messages to join the cluster", "Waiting for the cluster to join",
                          f">>> Performing Cluster Check (using node {addresses[0]})",
                          re.compile(r"M: [0-9a-f]{40} " + re.escape(addresses[0])),
                          "   slots:[0-5460] (5461 slots) master", "   1 additional replica(s)",
                          re.compile(r"   slots: \(0 slots\) slave"), re.compile(r"   replicates [0-9a-f]{40}"), *CLEAN)
        return output

    def row(self, seen_by, server):
        """A node's line in CLUSTER NODES of another."""
        return nodes(seen_by)[own_id(server)]
