#!/usr/bin/python3
"""Server CPU per operation, Skein beside redis-server.

Both with their default settings (statistics, slowlog and latency tracking on), without
persistence, on one core, the load generator on the other. A round starts each server
afresh, fills it with a million 16-byte keys and values and measures every case; rounds
alternate which server goes first. What is measured is CPU time over all threads of the
server, from schedstat, between two moments at which it has nothing to do.

  compare.py                   Skein and redis-server
  compare.py --cluster         Skein plain and Skein as a cluster of one node, and redis both ways
  compare.py --rounds 3 --quick  a first impression
"""

import argparse
import json
import statistics
import sys

from bench_servers import load, start

CASES = [(mode, pipeline) for pipeline in (1, 16, 100) for mode in ("get", "set")]
# Operations in a measured window, so that each lasts about a second of the slower server.
WINDOW = {1: 200_000, 16: 1_000_000, 100: 2_000_000}
# What Skein may cost of redis's, and what cluster mode may add of plain mode's.
BOUNDS = {1: 0.88, 16: 0.50, 100: 0.25}
CLUSTER_EXTRA_SHARE, CLUSTER_EXTRA_US = 0.03, 0.03


def measure(variant, args):
    kind, _, mode = variant.partition(" ")
    server = start(kind, cluster=mode == "cluster")
    try:
        load(server, "-m", "prefill", "-P", "100", "-r", args.keys)
        figures = {}
        for case in CASES:
            name, pipeline = case
            window = WINDOW[pipeline] // (5 if args.quick else 1)
            result = load(server, "-m", name, "-P", pipeline, "-c", args.connections, "-r", args.keys,
                          "-w", window // 5, "-n", window)
            figures[case] = {"us": result["cpu_ns"] / result["ops"] / 1000,
                             "busy": result["cpu_ns"] / 1e9 / result["seconds"],
                             "misses": result["misses"]}
        return figures
    finally:
        server.stop()


def collect(variants, args):
    samples = {variant: {case: [] for case in CASES} for variant in variants}
    for number in range(args.rounds):
        for variant in variants if number % 2 == 0 else reversed(variants):
            for case, figure in measure(variant, args).items():
                samples[variant][case].append(figure["us"])
                if figure["misses"]:
                    sys.exit(f"{variant}: {figure['misses']} keys missing")
                if figure["busy"] < 0.9:
                    print(f"  note: {variant} {case} was busy only {figure['busy']:.0%} of the time", file=sys.stderr)
        print(f"round {number + 1} of {args.rounds} done", file=sys.stderr, flush=True)
    return samples


def label(case):
    return f"{case[0].upper()} at {case[1]}" if case[1] > 1 else f"{case[0].upper()} unpipelined"


def print_samples(samples):
    print("\nServer CPU, microseconds per operation: median, minimum, samples")
    for case in CASES:
        for variant, figures in samples.items():
            values = figures[case]
            listed = " ".join(f"{value:.3f}" for value in values)
            print(f"  {label(case):16} {variant:14} {statistics.median(values):7.3f} {min(values):7.3f}   {listed}")


def ratio(samples, case, one, other, of=statistics.median):
    return of(samples[one][case]) / of(samples[other][case])


def print_ratios(samples, one, other):
    print(f"\n{one} / {other}")
    met = True
    for case in CASES:
        by_median = ratio(samples, case, one, other)
        bound = BOUNDS[case[1]]
        met &= by_median <= bound
        print(f"  {label(case):16} median {by_median:.3f}  minimum {ratio(samples, case, one, other, min):.3f}"
              f"  bound {bound:.2f}  {'met' if by_median <= bound else 'MISSED'}")
    return met


def print_cluster_cost(samples, plain, cluster, bounded):
    print(f"\n{cluster} - {plain}, microseconds per operation")
    met = True
    for case in CASES:
        before = statistics.median(samples[plain][case])
        extra = statistics.median(samples[cluster][case]) - before
        bound = CLUSTER_EXTRA_SHARE * before if case[1] == 1 else CLUSTER_EXTRA_US
        verdict = f"  bound {bound:.3f}  {'met' if extra <= bound else 'MISSED'}" if bounded else ""
        met &= extra <= bound or not bounded
        print(f"  {label(case):16} {extra:+.3f}{verdict}")
    return met


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--cluster", action="store_true", help="what cluster mode costs, of each server")
    parser.add_argument("--only-skein", action="store_true", help="leave redis-server out")
    parser.add_argument("--quick", action="store_true", help="windows a fifth as long")
    parser.add_argument("--json", metavar="FILE", help="write the samples there too")
    args = parser.parse_args()

    kinds = ["skein"] if args.only_skein else ["skein", "redis"]
    variants = [f"{kind}{mode}" for mode in ("", " cluster") for kind in kinds] if args.cluster else kinds
    samples = collect(variants, args)
    print_samples(samples)
    met = True
    if "redis" in samples:
        met &= print_ratios(samples, "skein", "redis")
    if args.cluster:
        for kind in kinds:
            met &= print_cluster_cost(samples, kind, f"{kind} cluster", bounded=kind == "skein")
    if args.json:
        table = {variant: {label(case): values for case, values in figures.items()}
                 for variant, figures in samples.items()}
        with open(args.json, "w", encoding="ascii") as file:
            json.dump(table, file, indent=1)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
