"""Hosts of their own: network namespaces joined by a bridge, whose cables can be pulled.

The bridge is in a namespace too, and whoever wants to talk to the hosts runs in there: nothing of
the machine's own network is touched.
"""

import os
import subprocess

NETWORK = "10.213.77"


def run_ip(*words):
    done = subprocess.run(["ip", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(words)}: {done.stdout.strip()}")
    return done.stdout


class Namespaces:
    """`count` hosts at 10.213.77.1 and up. Raises OSError where it is not permitted."""

    def __init__(self, count, name=None):
        self.name = name or f"sk{os.getpid()}"
        self.count = count

    @property
    def bridge(self):
        return f"{self.name}b"

    def host(self, number):
        return f"{self.name}h{number}"

    def address(self, number):
        return f"{NETWORK}.{number}"

    def make(self):
        try:
            run_ip("netns", "add", self.bridge)
            run_ip("-n", self.bridge, "link", "set", "lo", "up")
            run_ip("-n", self.bridge, "link", "add", "br0", "type", "bridge")
            run_ip("-n", self.bridge, "addr", "add", f"{NETWORK}.254/24", "dev", "br0")
            run_ip("-n", self.bridge, "link", "set", "br0", "up")
            for number in range(1, self.count + 1):
                run_ip("netns", "add", self.host(number))
                run_ip("-n", self.host(number), "link", "set", "lo", "up")
                run_ip("-n", self.bridge, "link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns",
                       self.host(number))
                run_ip("-n", self.bridge, "link", "set", f"port{number}", "master", "br0")
                run_ip("-n", self.bridge, "link", "set", f"port{number}", "up")
                run_ip("-n", self.host(number), "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
                run_ip("-n", self.host(number), "link", "set", "eth0", "up")
        except OSError:
            self.remove()
            raise
        return self

    def remove(self):
        """Its interfaces go with it."""
        for name in [self.host(number) for number in range(1, self.count + 1)] + [self.bridge]:
            subprocess.run(["ip", "netns", "del", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def pull(self, number):
        """Packets go nowhere and nobody is told: no reset, no refusal."""
        run_ip("-n", self.bridge, "link", "set", f"port{number}", "nomaster")

    def plug(self, number):
        run_ip("-n", self.bridge, "link", "set", f"port{number}", "master", "br0")

    def inside(self, name, *words):
        """The command that runs `words` in there. It has the pid of what it runs."""
        return ["ip", "netns", "exec", name, *words]
