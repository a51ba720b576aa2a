"""skein-server as a process among others: started by its words alone, in a folder of the test's own."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from .ports import free_port
from .resp import Connection
from .servers import server_binary
from .waiting import wait_until


class ProcessTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skein-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.port = free_port()

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def conf(self, text="", name="server.conf"):
        return self.write(name, f"port {self.port}\nbind 127.0.0.1\nsave \"\"\ndir {self.folder}\n{text}")

    def spawn(self, *words, given=None, binary=None, **options):
        """Starts the binary with these words; ended after the test whatever happens."""
        log = open(self.folder / "output", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([binary or server_binary(), *(str(word) for word in words)], cwd=self.folder,
                                   stdin=subprocess.PIPE if given is not None else subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT, **options)
        if given is not None:
            process.stdin.write(given.encode())
            process.stdin.close()

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()

        self.addCleanup(end)
        return process

    def output(self):
        return (self.folder / "output").read_text(errors="replace")

    def ready(self, process, port=None):
        def answers():
            if process.poll() is not None:
                raise AssertionError(f"ended with {process.returncode}:\n{self.output()}")
            with Connection(port or self.port) as client:
                return client.request("PING") == b"+PONG\r\n"

        wait_until(answers, 15, "PONG")
        return process

    def refused(self, *words, given=None):
        """What a start that must fail prints."""
        process = self.spawn(*words, given=given)
        self.assertNotEqual(0, process.wait(15), self.output())
        return self.output()

    def config(self, name, port=None):
        with Connection(port or self.port) as client:
            reply = client.ask("CONFIG", "GET", name)
            return reply[1][1].decode() if reply else None
