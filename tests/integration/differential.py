#!/usr/bin/python3
"""Random commands to Skein and to redis-server: the replies have to be equal, byte for byte.

What may differ is the list at the top of diffing/may_differ.py. The seed is printed and gives
the same run again. Modes are pairs of servers:

  plain     strings, keys, transactions, connection, server; CLUSTER on a plain server
  password  the same with requirepass, most clients not let in
  cluster   one node that owns all slots
  slots     one node whose slots come and go, CLUSTER alone

  differential.py --count 20000 --seed 7
  differential.py --modes plain --groups strings,keys --skip-unknown
"""

import argparse
import os
import random
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from diffing.commands import FOREIGN, GROUPS, OTHER_TYPES, known_words, make_other_types_busy  # noqa: E402
from diffing.driver import Driver, Mismatch, shown  # noqa: E402
from testbed import Server, reference_binary, server_binary, wait_until  # noqa: E402
from testbed.resp import Connection  # noqa: E402

COMMON = ["strings", "keys", "transactions", "connection", "server", "cluster"]
MODES = {
    "plain": COMMON + ["cluster-changes"],
    "password": ["strings", "transactions", "connection", "server"],
    "cluster": COMMON,
    "slots": ["cluster", "cluster-changes"],
}
# How much of the count each mode gets.
SHARES = {"plain": 0.55, "password": 0.1, "cluster": 0.25, "slots": 0.1}


def start_pair(mode):
    options = {"enable-debug-command": "yes", "cluster-node-timeout": 15000}
    if mode in ("cluster", "slots"):
        options["cluster-enabled"] = "yes"
    if mode == "password":
        options["requirepass"] = "sesame"
    servers = []
    try:
        for binary in (server_binary(), reference_binary()):
            servers.append(Server(binary, **options).start())
        for server in servers:
            with Connection(server.port) as connection:
                # Keys whose time is over go when they are touched, at the same step on both.
                connection.request("AUTH", "sesame")
                connection.request("DEBUG", "SET-ACTIVE-EXPIRE", "0")
                if mode == "cluster":
                    connection.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
                if "cluster-enabled" in options:
                    # For its first two seconds redis-server's state and size are only a beginning.
                    settled = b"cluster_state:ok" if mode == "cluster" else b"cluster_size:0"
                    wait_until(lambda: settled in connection.ask("CLUSTER", "INFO"), 10, settled)
        return servers
    except BaseException:
        for server in servers:
            server.stop()
        raise


def unknown_to(server, rows):
    """The rows whose command this server does not have; nothing is carried out to find out."""
    missing = []
    with Connection(server.port) as connection:
        connection.request("AUTH", "sesame")
        for row, head in known_words(rows):
            if not head:
                continue
            name = head[0] if isinstance(head[0], bytes) else head[0].encode()
            if name in (b"nosuch", b"QUIT", b"MULTI", b"EXEC", b"DISCARD", b"RESET"):
                continue
            connection.request("MULTI")
            reply = connection.request(*head)
            connection.request("DISCARD")
            if reply.startswith((b"-ERR unknown command", b"-ERR unknown subcommand")) and b"nosuch" not in reply:
                missing.append(row)
    return missing


def leave_out_foreign(server):
    """COMMAND GETKEYS finds the keys of commands that are there; the others come with later milestones."""
    missing = unknown_to(server, FOREIGN)
    FOREIGN[:] = [row for row in FOREIGN if row not in missing]


def knows_other_types(server):
    with Connection(server.port) as connection:
        connection.request("AUTH", "sesame")
        return all(b"unknown command" not in connection.request(row[0]) for row in OTHER_TYPES)


def enable_scenes(driver, mode):
    driver.enable(driver.malformed)
    # Not with a password: a client that is not let in is cut off when its replies outgrow a
    # buffer whose size changes with time, so what a long pipeline gets there is chance.
    if mode in ("plain", "cluster"):
        driver.enable(driver.scan, driver.random_key, driver.quiet_pipeline, driver.mixed_pipeline, driver.kill,
                      driver.pause, driver.final_state)


def run_mode(mode, count, args):
    source = random.Random(f"{args.seed} {mode}")
    groups = [group for group in MODES[mode] if not args.groups or group in args.groups.split(",")]
    rows = [row for group in groups for row in GROUPS[group]]
    servers = start_pair(mode)
    mismatches = 0
    try:
        if args.skip_unknown:
            missing = unknown_to(servers[0], rows)
            rows = [row for row in rows if row not in missing]
            if missing:
                names = sorted({" ".join(str(part) for part in row[1:3] if isinstance(part, str)) for row in missing})
                print(f"{mode}: not there yet, left out: {', '.join(names)}")
        if not rows:
            return 0
        with_other_types = mode in ("plain", "cluster") and knows_other_types(servers[0])
        if with_other_types:
            make_other_types_busy()
        leave_out_foreign(servers[0])
        driver = Driver(servers, rows, source, with_other_types, trace=args.trace)
        if not args.no_scenes:
            enable_scenes(driver, mode)
        for step in range(count):
            try:
                driver.step()
            except Mismatch as mismatch:
                mismatches += 1
                print(f"MISMATCH seed {args.seed} mode {mode} step {step}: {mismatch.what[:2000]}\n"
                      f"  skein  {shown(mismatch.ours)}\n  redis  {shown(mismatch.theirs)}", flush=True)
                if mismatches >= args.mismatches:
                    print(f"{mode}: stopped after {mismatches} mismatches")
                    break
                driver.start_afresh()
        return mismatches
    except BaseException:
        print(f"{mode} seed {args.seed}: broke off; log of the server under test:\n{servers[0].log()[-3000:]}")
        raise
    finally:
        for server in servers:
            server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--groups", default="", help="only these of: " + ", ".join(GROUPS))
    parser.add_argument("--mismatches", type=int, default=10, help="go on until so many were found, in each mode")
    parser.add_argument("--skip-unknown", action="store_true", help="leave out commands the server does not have")
    parser.add_argument("--no-scenes", action="store_true", help="single commands only")
    parser.add_argument("--trace", action="store_true", help="print every command before it is sent")
    args = parser.parse_args()
    if args.seed is None:
        args.seed = int.from_bytes(os.urandom(3), "big")

    # Ended from outside, the servers still have to go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"seed {args.seed}, {args.count} steps", flush=True)
    modes = args.modes.split(",")
    whole = sum(SHARES[mode] for mode in modes)
    found = {mode: run_mode(mode, int(args.count * SHARES[mode] / whole), args) for mode in modes}
    print(f"seed {args.seed}: " + ", ".join(f"{mode} {number} mismatches" for mode, number in found.items()))
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
