#!/usr/bin/python3
"""Signals while the last snapshot is written: TERM, QUIT and HUP change nothing, INT gives up and leaves nothing behind."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Connection, Server, beyond_redis, wait_until  # noqa: E402
from testbed.processes import ProcessTest  # noqa: E402

KEYS = 400000


class WhileItSaves(ProcessTest):
    def temporary(self):
        return list(self.folder.glob("temp-*.rdb"))

    def stopped_while_saving(self, begin):
        """A process that stands still in the middle of its last snapshot."""
        process = self.ready(self.spawn(self.conf("save 3600 1\nenable-debug-command yes\n")))
        with Connection(self.port) as client:
            client.ask("DEBUG", "POPULATE", str(KEYS))
        begin(process)
        while not self.temporary():
            self.assertIsNone(process.poll(), self.output())
        process.send_signal(signal.SIGSTOP)
        self.assertTrue(self.temporary(), "it was quicker")
        return process

    @beyond_redis
    def test_whoever_asks_again_by_term_or_quit_does_no_harm(self):
        for first in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
            with self.subTest(first):
                (self.folder / "dump.rdb").unlink(missing_ok=True)
                process = self.stopped_while_saving(lambda process: process.send_signal(first))
                for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
                    process.send_signal(number)
                process.send_signal(signal.SIGCONT)
                self.assertEqual(0, process.wait(30), self.output())
                self.assertEqual([], self.temporary())
                with Server(folder=self.folder) as server, server.connect() as client:
                    wait_until(lambda: client.request("DBSIZE") == b":%d\r\n" % KEYS, 30, "all keys")

    @beyond_redis
    def test_int_gives_up(self):
        process = self.stopped_while_saving(lambda process: process.send_signal(signal.SIGTERM))
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(1, process.wait(30), self.output())
        self.assertIn("exiting now", self.output())
        self.assertEqual([], self.temporary())
        self.assertFalse((self.folder / "dump.rdb").exists())

    def test_a_first_int_after_shutdown_does_no_harm(self):
        def begin(_):
            self.client = Connection(self.port).__enter__()
            self.client.send(b"SHUTDOWN\r\n")

        process = self.stopped_while_saving(begin)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(0, process.wait(30), self.output())
        self.client.close()
        self.assertTrue((self.folder / "dump.rdb").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
