"""What the measuring scripts share: the two servers as a user starts them, and the load generator."""

import json
import os
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "integration"))

from testbed import Server, reference_binary, wait_until  # noqa: E402

BUILD = pathlib.Path(os.environ.get("SKEIN_BUILD", REPOSITORY / "build" / "release"))
SERVER_CORE, CLIENT_CORE = "0", "1"


def skein_binary():
    return os.environ.get("SKEIN_SERVER") or str(BUILD / "bin" / "skein-server")


def start(kind, cluster=False, binary=None):
    """A server with its default settings but without persistence, pinned to its core.

    `kind` is "skein", or anything for `binary` or redis-server. With `cluster` it is a cluster of one node that owns every slot.
    """
    options = {"appendonly": "no"}
    if cluster:
        options["cluster-enabled"] = "yes"
    binary = skein_binary() if kind == "skein" else binary or reference_binary()
    server = Server(binary, prefix=["taskset", "-c", SERVER_CORE], **options).start()
    if cluster:
        server.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        wait_until(lambda: "cluster_state:ok" in server.ask_text("CLUSTER", "INFO"), 10, "cluster_state:ok")
    return server


def load(server, *arguments):
    """One run of the load generator on the client's core; its line of JSON."""
    words = ["taskset", "-c", CLIENT_CORE, str(BUILD / "bin" / "skein-loadgen"), "-h", server.host,
             "-p", str(server.port), "-i", str(server.pid), *(str(word) for word in arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def start_probe(server, *arguments):
    """skein-probe, once it says it is ready; finish_probe ends it."""
    words = ["taskset", "-c", CLIENT_CORE, str(BUILD / "bin" / "skein-probe"), arguments[0], server.host,
             str(server.port), *(str(word) for word in arguments[1:])]
    probe = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if probe.stdout.readline() != "ready\n":
        raise SystemExit(f"{' '.join(words)} did not get ready")
    return probe


def finish_probe(probe):
    output, _ = probe.communicate()
    return json.loads(output)
