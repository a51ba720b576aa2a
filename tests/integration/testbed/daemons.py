"""Servers as tutorials start them: by a file that says everything, in the background, with a pid file."""

import os
import pathlib
import signal
import subprocess

from .servers import Server, server_binary
from .waiting import wait_until


class Daemon(Server):
    """Started by `redis-server <file>`; the file has `daemonize yes` and `pidfile`.

    `text` is the whole file. The working folder and the log are the file's business.
    """

    def __init__(self, path, text, host, port, pid_file, password=None):
        self.path = pathlib.Path(path)
        super().__init__(port=port, host=host, folder=self.path.parent, password=password)
        self.options = {}
        self.arguments = [str(path)]
        self.pid_file = pathlib.Path(pid_file)
        self.path.write_text(text)
        self._pid = None

    @property
    def pid(self):
        return self._pid

    def launch(self):
        done = subprocess.run([server_binary(), str(self.path)], timeout=20, stdin=subprocess.DEVNULL, cwd="/",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{self.path} ended with {done.returncode}:\n{done.stdout}")
        # What a forking unit of systemd relies on: it is there when the parent has ended. redis-server writes it
        # a moment later.
        wait_until(lambda: self.pid_file.exists() and self.pid_file.read_text().strip(), 5, f"{self.pid_file}")
        self._pid = int(self.pid_file.read_text())
        return self

    def _answers(self):
        if not self.running():
            raise AssertionError(f"{self.path} has ended")
        try:
            with self.connect(timeout=2) as connection:
                return connection.request("PING")
        except Exception as error:  # noqa: BLE001, the server may do anything while it starts
            if isinstance(error, OSError) or type(error).__name__ == "Closed":
                return None
            raise

    def running(self):
        if self._pid is None:
            return False
        try:
            state = pathlib.Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        # It belongs to the machine's first process, which may take its time to notice.
        return state != "Z"

    def title(self):
        """What ps shows."""
        return pathlib.Path(f"/proc/{self._pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()

    def end(self, number=signal.SIGTERM, timeout=20):
        """Ends by a signal, keeps the files."""
        if not self.running():
            return
        os.kill(self._pid, number)
        wait_until(lambda: not self.running(), timeout, f"{self.path} to end")

    def signal(self, number):
        os.kill(self._pid, number)

    def kill(self):
        self.end(signal.SIGKILL)

    def stop(self):
        if self.running():
            os.kill(self._pid, signal.SIGCONT)
        try:
            self.end()
        except AssertionError:
            self.end(signal.SIGKILL)
