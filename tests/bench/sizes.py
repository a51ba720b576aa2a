#!/usr/bin/python3
"""Server CPU per operation and requests a second, Skein beside another server, over value sizes and connections.

Both with their default settings and without persistence, on one core, the load generator on the other. For each
size of values both are started and filled alike; then each case is measured in short windows, in turn, so that
what the machine does besides falls on both. Microseconds are the median over the windows of one server; a ratio is the
median over pairs of windows, one right after the other.

  sizes.py                                everything, beside redis-server, and whether the bounds are met
  sizes.py --peer /path/to/other-server   beside that one
  sizes.py --sizes 300,1000 --json FILE   a part of it; FILE keeps what was measured before of other parts
  sizes.py --report FILE                  only prints what FILE has
"""

import argparse
import json
import os
import statistics
import sys

from bench_servers import load, start

SIZES = (16, 100, 300, 1000, 4000, 20_000, 200_000)
PIPELINES = (1, 16, 100)
CONNECTIONS = (1, 2, 5, 20, 50, 200)
MODES = ("get", "set")
# Of a server's data, with what a key takes besides its value.
DATA_SET, MOST_KEYS, PER_KEY = 800_000_000, 1_000_000, 150


def size_bound(mode, size, pipeline):
    """What Skein's CPU may be of the peer's."""
    if mode == "set" and size in (300, 1000) and pipeline > 1:
        return 0.5
    return 0.85 if size <= 4000 else 1.02


def connections_bound(connections):
    return 0.95 if connections <= 2 else 0.90 if connections < 20 else 0.85


def keys_of(size):
    return min(MOST_KEYS, DATA_SET // (size + PER_KEY))


def window(server, mode, size, pipeline, connections, seconds):
    """One window: microseconds of CPU an operation, and operations a second."""
    warmup = connections * pipeline * (2 if size < 100_000 else 1)
    result = load(server, "-m", mode, "-d", size, "-P", pipeline, "-c", connections, "-r", keys_of(size), "-w", warmup,
                  "-t", seconds)
    if mode == "get" and result["misses"]:
        sys.exit(f"{result['misses']} keys missing")
    return result["cpu_ns"] / result["ops"] / 1000, result["ops"] / result["seconds"]


def measure_case(servers, case, args):
    samples = {name: [] for name in servers}
    for number in range(args.rounds):
        order = list(servers.items())
        for name, server in order if number % 2 == 0 else reversed(order):
            samples[name].append(window(server, *case, args.seconds))
    figure = {name: {"us": statistics.median(each[0] for each in values), "samples": [round(each[0], 3) for each in values]}
              for name, values in samples.items()}
    pairs = list(zip(samples["skein"], samples["peer"]))
    figure["cpu"] = statistics.median(skein[0] / peer[0] for skein, peer in pairs)
    figure["requests"] = statistics.median(skein[1] / peer[1] for skein, peer in pairs)
    return figure


def measure_size(size, cases, args, figures):
    """Cases are (mode, size, pipeline, connections)."""
    servers = {"skein": start("skein"), "peer": start("peer", binary=args.peer)}
    try:
        for server in servers.values():
            load(server, "-m", "prefill", "-d", size, "-P", min(100, 1 + 200_000 // size), "-c", 10, "-r", keys_of(size))
        for case in cases:
            figures[" ".join(str(part) for part in case)] = measure_case(servers, case, args)
            print(line_of(case, figures), flush=True)
    finally:
        for server in servers.values():
            server.stop()


def ratios(case, figures):
    figure = figures.get(" ".join(str(part) for part in case))
    if figure is None:
        return None
    return figure["cpu"], figure["requests"]


def line_of(case, figures):
    mode, size, pipeline, connections = case
    figure = figures[" ".join(str(part) for part in case)]
    cpu, speed = ratios(case, figures)
    return (f"  {mode.upper()} {size:>6} bytes, pipeline {pipeline:>3}, {connections:>3} connections: "
            f"{figure['skein']['us']:8.3f} us, peer {figure['peer']['us']:8.3f} us; CPU {cpu:.3f}, requests {speed:.3f}")


def size_cases():
    return [(mode, size, pipeline, 50) for size in SIZES for pipeline in PIPELINES for mode in MODES]


def connection_cases():
    return [(mode, 16, 1, connections) for connections in CONNECTIONS for mode in MODES]


def cell(value, bound, at_least=False):
    """A ratio as the table shows it; what is out of bounds is marked."""
    missed = value < bound if at_least else value > bound
    return f"{value:.2f}{' (!)' if missed else ''}", missed


def print_tables(figures):
    """In Markdown. The number of cells out of bounds."""
    missed = 0
    columns = [(mode, pipeline) for mode in MODES for pipeline in PIPELINES]
    print("\nCPU per operation, Skein's of the peer's; in brackets what misses its bound\n")
    print("| value | " + " | ".join(f"{mode.upper()} at {pipeline}" for mode, pipeline in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for size in SIZES:
        cells = []
        for mode, pipeline in columns:
            found = ratios((mode, size, pipeline, 50), figures)
            text, out = ("", False) if found is None else cell(found[0], size_bound(mode, size, pipeline))
            cells.append(text)
            missed += out
        print(f"| {size:,} | " + " | ".join(cells) + " |")
    print("\nUnpipelined, values of 16 bytes: CPU per operation and requests a second, Skein's of the peer's\n")
    print("| connections | GET CPU | GET requests | SET CPU | SET requests |")
    print("|---|---|---|---|---|")
    for connections in CONNECTIONS:
        cells = []
        for mode in MODES:
            found = ratios((mode, 16, 1, connections), figures)
            if found is None:
                cells += ["", ""]
                continue
            for text, out in (cell(found[0], connections_bound(connections)), cell(found[1], 1.0, at_least=True)):
                cells.append(text)
                missed += out
        print(f"| {connections} | " + " | ".join(cells) + " |")
    print(f"\n{missed or 'no'} figures out of bounds")
    return missed


def numbers(text):
    return [int(part) for part in text.split(",")] if text else []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", metavar="PATH", help="the other server (redis-server)")
    parser.add_argument("--sizes", type=numbers, help="only these sizes of values")
    parser.add_argument("--pipelines", type=numbers, default=list(PIPELINES))
    parser.add_argument("--connections", type=numbers, help="only these numbers of connections, unpipelined")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--rounds", type=int, default=15, help="windows of each server")
    parser.add_argument("--seconds", type=float, default=0.2, help="how long a window is")
    parser.add_argument("--json", metavar="FILE", help="keep the figures there")
    parser.add_argument("--report", metavar="FILE", help="print tables of figures that were kept")
    args = parser.parse_args()

    kept = args.report or args.json
    figures = {}
    if kept and os.path.exists(kept):
        with open(kept, encoding="ascii") as file:
            figures = json.load(file)
    if not args.report:
        only = args.sizes is not None or args.connections is not None
        sizes = SIZES if not only else args.sizes or []
        counts = CONNECTIONS if not only else args.connections or []
        chosen = [case for case in size_cases() if case[1] in sizes and case[2] in args.pipelines]
        chosen += [case for case in connection_cases() if case[3] in counts and case not in chosen]
        chosen = [case for case in chosen if case[0] in args.modes.split(",")]
        for size in sorted({case[1] for case in chosen}):
            measure_size(size, [case for case in chosen if case[1] == size], args, figures)
            if args.json:
                with open(args.json, "w", encoding="ascii") as file:
                    json.dump(figures, file, indent=1)
    return 1 if print_tables(figures) else 0


if __name__ == "__main__":
    sys.exit(main())
