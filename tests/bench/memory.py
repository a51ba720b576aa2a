#!/usr/bin/python3
"""What keys and idle connections cost, and how long a bystander waits while a table grows.

Keys and values are 16 bytes each. Per key is used_memory, and resident memory, less what the
empty server had. Skein and redis-server are measured one after the other, each from empty.

  memory.py                    all of it, several minutes
  memory.py keys --sizes 1,5   used_memory and RSS per key, in millions: plain, cluster, with TTL
  memory.py idle               per idle connection that has done one GET
  memory.py wait               worst PING while filling to 20 million keys, best of --runs
"""

import argparse
import json
import os
import sys
import time

from bench_servers import finish_probe, load, start, start_probe, wait_until

MILLION = 1_000_000
# Bytes of used_memory per key that Skein may take, and resident memory beside it, both less the empty server's.
BOUNDS = {"plain": 62.5, "cluster": 64.5, "ttl": 62.5}
RESIDENT_SHARE = 1.04
WORST_WAIT_MS = 2.0
# Both servers take an idle connection's buffers back, a share of the connections each second.
IDLE_CALM = 6.0


def resident(server):
    with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


def settled_memory(server, calm=0.5):
    """used_memory and RSS once both stood still for `calm` seconds: a table may still be moving to its new size."""
    since = time.monotonic()
    last = (0, 0)

    def stands_still():
        nonlocal since, last
        now = (int(server.info("memory")["used_memory"]), resident(server))
        if any(abs(now[i] - last[i]) > 64 * 1024 for i in (0, 1)):
            since, last = time.monotonic(), now
        return time.monotonic() - since > calm and now

    return wait_until(stands_still, 60, "used_memory to stand still")


def measure_keys(kind, form, sizes):
    server = start(kind, cluster=form == "cluster")
    expiry = ["-e", "1000000"] if form == "ttl" else []
    rows = []
    try:
        empty_used, empty_resident = settled_memory(server)
        filled = 0
        for size in sizes:
            wanted = int(size * MILLION)
            load(server, "-m", "prefill", "-P", "100", "-f", filled, "-r", wanted - filled, *expiry)
            filled = wanted
            used, rss = settled_memory(server)
            if server.ask("DBSIZE") != filled:
                sys.exit(f"{kind}: {server.ask('DBSIZE')} keys instead of {filled}")
            rows.append({"server": kind, "form": form, "millions": size, "used": (used - empty_used) / filled,
                         "resident": (rss - empty_resident) / filled, "resident_share": (rss - empty_resident) / (used - empty_used)})
        return rows
    finally:
        server.stop()


def judge_key_row(row):
    if row["server"] != "skein":
        return ""
    bound = BOUNDS[row["form"]]
    good = row["used"] <= bound and row["resident_share"] <= RESIDENT_SHARE
    return f"bound {bound}  {'met' if good else 'MISSED'}"


def report_keys(args):
    rows = []
    print("\nBytes per key (16-byte key, 16-byte value), and resident / used")
    for form in args.forms.split(","):
        for kind in args.servers.split(","):
            for row in measure_keys(kind, form, [float(size) for size in args.sizes.split(",")]):
                rows.append(row)
                print(f"  {row['server']:6} {row['form']:8} {row['millions']:4g} million   used {row['used']:6.1f}"
                      f"   resident {row['resident']:6.1f}   {row['resident_share']:.3f}   {judge_key_row(row)}",
                      flush=True)
    return rows


def report_idle(args):
    rows = []
    print(f"\nBytes per idle connection ({args.connections} of them, one GET each)")
    for kind in args.servers.split(","):
        server = start(kind)
        try:
            server.ask("CONFIG", "SET", "maxclients", args.connections + 100)
            before = settled_memory(server)
            probe = start_probe(server, "idle", args.connections)
            after = settled_memory(server, calm=IDLE_CALM)
            finish_probe(probe)
        finally:
            server.stop()
        used, rss = ((after[i] - before[i]) / args.connections for i in (0, 1))
        rows.append({"server": kind, "used": used, "resident": rss})
        print(f"  {kind:6} used {used:7.0f}   resident {rss:7.0f}", flush=True)
    return rows


def put_before_others(server):
    """Real-time priority for every thread of the server.

    What the machine runs beside it keeps a core for a whole scheduler tick (4 ms where this was
    found, by a trace of the scheduler, in a server whose table did not even grow): that wait is
    not the server's.
    """
    try:
        for thread in os.listdir(f"/proc/{server.pid}/task"):
            os.sched_setscheduler(int(thread), os.SCHED_FIFO, os.sched_param(5))
    except PermissionError:
        print("  (no right to real-time priority: waits for other programs are counted too)")


def report_wait(args):
    rows = []
    print(f"\nWorst PING, milliseconds, while the table grows to {args.grow_to} million keys (best of {args.runs})")
    for kind in args.servers.split(","):
        runs = []
        for _ in range(args.runs):
            server = start(kind)
            put_before_others(server)
            try:
                probe = start_probe(server, "ping")
                load(server, "-m", "prefill", "-P", "16", "-c", "4", "-r", args.grow_to * MILLION)
                runs.append(finish_probe(probe))
            finally:
                server.stop()
        rows.append({"server": kind, "runs": runs})
        worst, own, machine = ([run[key] for run in runs] for key in ("max_ms", "own_max_ms", "machine_ms"))
        verdict = "" if kind != "skein" else "met" if min(own) < WORST_WAIT_MS else "MISSED"
        print(f"  {kind:6} best {min(own):.3f}   runs {' '.join(f'{each:.3f}' for each in own)}   {verdict}\n"
              f"         with those while the machine itself stood still: {' '.join(f'{each:.3f}' for each in worst)}"
              f"   (it stood for up to {' '.join(f'{each:.3f}' for each in machine)})",
              flush=True)
    return rows


REPORTS = {"keys": report_keys, "idle": report_idle, "wait": report_wait}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[*REPORTS, []], help="default: all")
    parser.add_argument("--servers", default="skein,redis")
    parser.add_argument("--forms", default="plain,cluster,ttl")
    parser.add_argument("--sizes", default="1,2,5,10", help="millions of keys, rising")
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--grow-to", type=int, default=20)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    args = parser.parse_args()

    figures = {what: REPORTS[what](args) for what in args.what or REPORTS}
    if args.json:
        with open(args.json, "w", encoding="ascii") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
