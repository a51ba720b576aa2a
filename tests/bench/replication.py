#!/usr/bin/python3
"""Full syncs, snapshots and the stream of writes, Skein beside redis-server in one run.

  replication.py                 all of it with 5 million keys, some ten minutes
  replication.py sync            BGSAVE, full sync and load at start, each as seconds
  replication.py stall           the longest PING of a bystander during BGSAVE
  replication.py stream          replicated SET at a pipeline of 16: CPU per operation of both sides
  replication.py memory          what three replicas that do not read cost the primary
  replication.py --quick         half a million keys and one round: a first impression

Both sides of a sync are of the same kind. Rounds alternate which kind goes first; what is
compared is the median. Checks, compression and checksums are on, as they are by default.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

from bench_servers import CLIENT_CORE, SERVER_CORE, finish_probe, load, skein_binary, start_probe

from testbed import Server, reference_binary, request_bytes, wait_until
from testbed.psync import BareReplica
from testbed.replication import link_is_up, wait_caught_up

KINDS = ("skein", "redis")
POLL = 0.005
# What Skein may take of redis's.
BOUNDS = {"bgsave": 0.6, "full sync": 0.6, "load": 0.6, "primary": 0.5, "replica": 0.5, "stall": 1.0}
# Of three replicas that lag: of the bytes that one of them has still to be sent.
MOST_COPIES = 1.15


def launch(kind, cores=None, **options):
    """A server with its default settings, save points apart, on these cores or on any."""
    binary = skein_binary() if kind == "skein" else reference_binary()
    prefix = ["taskset", "-c", cores] if cores else []
    return Server(binary, prefix=prefix, appendonly="no", repl_diskless_sync_delay=0, **options)


def poll_until(fact, timeout=180):
    """Asked at a fine step, so that the time it took is the server's."""
    start = time.monotonic()
    while not fact():
        if time.monotonic() - start > timeout:
            raise SystemExit(f"nothing after {timeout} s")
        time.sleep(POLL)
    return time.monotonic() - start


def filled(kind, keys):
    server = launch(kind).start()
    load(server, "-m", "prefill", "-P", "100", "-r", keys)
    return server


def save_in_background(server):
    """BGSAVE from the command to the child's end, seen by INFO."""
    with server.connect() as client:
        client.ask("BGSAVE")
        seconds = poll_until(lambda: b"rdb_bgsave_in_progress:0" in client.ask("INFO", "persistence"))
        if b"rdb_last_bgsave_status:ok" not in client.ask("INFO", "persistence"):
            raise SystemExit(f"BGSAVE failed:\n{server.log()[-1000:]}")
    return seconds


def full_sync(kind, primary, keys):
    """From REPLICAOF to the link being up, on an empty replica."""
    replica = launch(kind).start()
    try:
        with replica.connect() as client:
            client.ask("REPLICAOF", primary.host, primary.port)
            seconds = poll_until(lambda: b"master_link_status:up" in client.ask("INFO", "replication"))
            if client.ask("DBSIZE") != keys:
                raise SystemExit(f"{kind}: {client.ask('DBSIZE')} keys instead of {keys}")
        return seconds
    finally:
        replica.stop()


def load_at_start(server, keys):
    """From starting the process to its first PONG."""
    server.launch()
    start = time.monotonic()
    wait_until(server.connect, 10, "a connection").close()
    with server.connect(timeout=120) as client:
        poll_until(lambda: client.request("PING") == b"+PONG\r\n")
        seconds = time.monotonic() - start
        if client.ask("DBSIZE") != keys:
            raise SystemExit(f"loaded {client.ask('DBSIZE')} keys instead of {keys}")
    return seconds


def measure_sync(kind, args):
    primary = filled(kind, args.keys)
    try:
        figures = {"bgsave": save_in_background(primary), "full sync": full_sync(kind, primary, args.keys)}
        size = (pathlib.Path(primary.folder) / "dump.rdb").stat().st_size
        print(f"    {kind}: dump of {size / 1e6:.1f} MB", file=sys.stderr)
        primary.kill()
        figures["load"] = load_at_start(primary, args.keys)
        return figures
    finally:
        primary.stop()


def measure_stall(kind, args):
    server = filled(kind, args.keys)
    try:
        probe = start_probe(server, "ping")
        save_in_background(server)
        return {"stall": finish_probe(probe)["own_max_ms"]}
    finally:
        server.stop()


def cpu_ns(server):
    """Of all threads."""
    tasks = pathlib.Path(f"/proc/{server.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def measure_stream(kind, args):
    primary, replica = launch(kind, SERVER_CORE), launch(kind, CLIENT_CORE)
    primary.options["repl-backlog-size"] = "64mb"
    try:
        primary.start()
        replica.start()
        load(primary, "-m", "prefill", "-P", "100", "-r", 1_000_000)
        replica.ask("REPLICAOF", primary.host, primary.port)
        wait_until(lambda: link_is_up(replica), 60, "the link")
        wait_caught_up(primary, replica)
        before = cpu_ns(replica)
        window = args.window
        result = load(primary, "-m", "set", "-P", "16", "-c", "50", "-r", "1000000", "-w", window // 5, "-n", window)
        wait_caught_up(primary, replica, timeout=60)
        done = result["ops"] + window // 5
        return {"primary": result["cpu_ns"] / result["ops"] / 1000, "replica": (cpu_ns(replica) - before) / done / 1000}
    finally:
        primary.stop()
        replica.stop()


def lagging_memory(kind, count, megabytes):
    """used_memory gained while so many replicas do not read, per byte that one of them has not been sent."""
    server = launch(kind, client_output_buffer_limit="replica 0 0 0").start()
    readers = []
    try:
        with server.connect() as client:
            for number in range(1000):
                client.ask("SET", f"k:{number}", "x" * 1000)
            readers = [BareReplica(server) for _ in range(count)]
            # Each has begun to be sent the stream.
            client.ask("SET", "begin", "1")
            for reader in readers:
                reader.read_until([b"SET", b"begin", b"1"])
            used = int(server.info("memory")["used_memory"])
            batch = b"".join(request_bytes("SET", f"k:{number}", "y" * 1000) for number in range(1000))
            for _ in range(megabytes):
                client.send(batch)
                for _ in range(1000):
                    client.read_reply()
            gained = int(server.info("memory")["used_memory"]) - used
            return gained / (len(batch) * megabytes)
    finally:
        for reader in readers:
            reader.close()
        server.stop()


def report_memory(args):
    print(f"\nMemory gained per byte of a stream of {args.stream_mb} MB that nobody reads, by replicas")
    met = True
    for kind in KINDS:
        figures = {count: lagging_memory(kind, count, args.stream_mb) for count in (1, 3)}
        verdict = ""
        if kind == "skein":
            good = figures[3] <= MOST_COPIES
            met &= good
            verdict = f"bound {MOST_COPIES}  {'met' if good else 'MISSED'}"
        print(f"  {kind:6} one {figures[1]:.3f}   three {figures[3]:.3f}   {verdict}", flush=True)
    return met


def collect(measure, args):
    samples = {kind: {} for kind in KINDS}
    for number in range(args.rounds):
        for kind in KINDS if number % 2 == 0 else reversed(KINDS):
            for name, value in measure(kind, args).items():
                samples[kind].setdefault(name, []).append(value)
        print(f"round {number + 1} of {args.rounds} done", file=sys.stderr, flush=True)
    return samples


def report(title, measure, args, store):
    samples = collect(measure, args)
    print(f"\n{title}: median, samples")
    met = True
    for name in samples["skein"]:
        for kind in KINDS:
            values = samples[kind][name]
            print(f"  {name:10} {kind:6} {statistics.median(values):8.3f}   {' '.join(f'{value:.3f}' for value in values)}")
        ratio = statistics.median(samples["skein"][name]) / statistics.median(samples["redis"][name])
        good = ratio <= BOUNDS[name]
        met &= good
        print(f"  {name:10} ratio  {ratio:8.3f}   bound {BOUNDS[name]:.2f}  {'met' if good else 'MISSED'}", flush=True)
    store.update({kind: store.get(kind, {}) | samples[kind] for kind in KINDS})
    return met


REPORTS = {
    "sync": lambda args, store: report("Seconds", measure_sync, args, store),
    "stall": lambda args, store: report("Longest PING during BGSAVE, milliseconds", measure_stall, args, store),
    "stream": lambda args, store: report("Replicated SET at 16, CPU microseconds per operation", measure_stream, args, store),
    "memory": lambda args, store: report_memory(args),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[*REPORTS, []], help="default: all")
    parser.add_argument("--keys", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--window", type=int, default=2_000_000, help="SETs measured for the stream")
    parser.add_argument("--stream-mb", type=int, default=100)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", metavar="FILE", help="write the samples there too")
    args = parser.parse_args()
    if args.quick:
        args.keys, args.rounds, args.window, args.stream_mb = args.keys // 10, 1, args.window // 4, 40

    store = {}
    met = [REPORTS[what](args, store) for what in args.what or REPORTS]
    if args.json:
        with open(args.json, "w", encoding="ascii") as file:
            json.dump(store, file, indent=1)
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
