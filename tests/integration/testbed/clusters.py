"""Clusters of servers, made the way a user makes them: with redis-cli --cluster create."""

import contextlib

from .cli import redis_cli
from .ports import free_ports
from .servers import Server, server_binary
from .waiting import wait_until

NODE_TIMEOUT = 2000


class Cluster:
    """Servers in cluster mode: one for each binary, on `hosts` in turn.

    Without hosts all are on 127.0.0.1. The first masters of `create` are the first servers.
    """

    def __init__(self, binaries=None, count=6, hosts=("127.0.0.1",), password=None, **options):
        self.binaries = binaries or [server_binary()] * count
        self.password = password
        self.options = {"cluster-enabled": "yes", "cluster-node-timeout": NODE_TIMEOUT} | options
        self.servers = []
        self.hosts = hosts
        self.ports = free_ports(-(-len(self.binaries) // len(hosts)), hosts)

    def start(self):
        for index, binary in enumerate(self.binaries):
            self.launch(binary, self.hosts[index % len(self.hosts)], self.ports[index // len(self.hosts)])
        for server in self.servers:
            server.wait_ready()
        return self

    def launch(self, binary=None, host=None, port=None):
        """One more server, that is in no cluster yet."""
        host = host or self.hosts[0]
        options = dict(self.options)
        if len(self.hosts) > 1:
            # Real hosts have one address to come from; here all would come from 127.0.0.1.
            options["bind-source-addr"] = host
        server = Server(binary, port=port, host=host, password=self.password, **options)
        self.servers.append(server.launch())
        return server

    def create(self, replicas=1):
        output = self.cli("--cluster", "create", *(server.address for server in self.servers),
                          "--cluster-replicas", replicas, "--cluster-yes")
        self.wait_agreed()
        return output

    def cli(self, *words, **options):
        return redis_cli(*words, password=self.password, **options)

    def alive(self):
        return [server for server in self.servers if server.running()]

    def wait_agreed(self, servers=None, timeout=30):
        """Until these nodes, all by default, say ok and have one view of slots, roles and members."""
        servers = servers or self.alive()

        def agreed():
            try:
                views = [view(server) for server in servers]
                return all(info(server)["cluster_state"] == "ok" for server in servers) and all(
                    each == views[0] for each in views)
            except AssertionError as refused:
                # A replica that takes its primary's data answers nothing for that long.
                if ": LOADING" in str(refused):
                    return False
                raise

        wait_until(agreed, timeout, "all nodes to agree")

    def stop(self):
        with contextlib.ExitStack() as ending:  # all of them, whatever one says
            for server in self.servers:
                ending.callback(server.stop)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def told(server, *words):
    """A CLUSTER command's text. A replica that loads a full copy answers LOADING for a moment, at any time in trials."""
    def reply():
        try:
            return server.ask_text("CLUSTER", *words)
        except AssertionError as error:
            if "LOADING" not in str(error):
                raise
            return None
    return wait_until(reply, 15, "the end of loading")


def nodes(server):
    """CLUSTER NODES by id: address, flags without `myself`, master, epoch, link, slots."""
    rows = {}
    for line in told(server, "NODES").splitlines():
        words = line.removeprefix("txt:").split()
        flags = [flag for flag in words[2].split(",") if flag != "myself"]
        rows[words[0]] = {"address": words[1].split("@")[0], "flags": flags, "master": words[3],
                          "epoch": int(words[6]), "link": words[7], "slots": words[8:]}
    return rows


def view(server):
    """What all nodes of a settled cluster have to agree on."""
    return {node: (row["address"], tuple(row["flags"]), row["master"], row["epoch"], tuple(row["slots"]))
            for node, row in nodes(server).items()}


def info(server):
    lines = server.ask_text("CLUSTER", "INFO").split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


def unless_loading(ask):
    """What `ask()` returns, or None while the server that it asks loads a data set."""
    try:
        return ask()
    except AssertionError as refused:
        if ": LOADING" in str(refused):
            return None
        raise


def own_id(server):
    return told(server, "MYID")
