"""Servers under test and their reference, each in a temporary folder, ended by its own pid."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from .ports import free_port
from .resp import Closed, Connection
from .waiting import wait_until

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]


def server_binary():
    """The server under test: $SKEIN_SERVER, else the release build's."""
    return os.environ.get("SKEIN_SERVER") or str(REPOSITORY / "build" / "release" / "bin" / "skein-server")


def reference_binary():
    """What Skein is compared with: $SKEIN_REFERENCE, else the redis-server on the PATH."""
    return os.environ.get("SKEIN_REFERENCE") or shutil.which("redis-server")


class Server:
    """One process. `options` are directives; underscores stand for dashes, a list for several values.

    Without persistence and on 127.0.0.1 unless told otherwise; `prefix` goes before the binary
    (taskset, say); `arguments` go between the binary and the options.
    """

    def __init__(self, binary=None, port=None, host="127.0.0.1", password=None, folder=None, prefix=(),
                 arguments=(), **options):
        self.binary = binary or server_binary()
        self.host = host
        self.port = port or free_port((host,))
        self.password = password
        self._owns_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="skein-test-"))
        self.prefix = list(prefix)
        self.arguments = list(arguments)
        self.options = {"port": self.port, "bind": host, "save": "", "dir": self.folder}
        if password:
            self.options |= {"requirepass": password, "masterauth": password}
        self.options |= {name.replace("_", "-"): value for name, value in options.items()}
        self.log_path = self.folder / "server.log"
        self.process = None

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def command_line(self):
        words = [*self.prefix, self.binary, *self.arguments]
        for name, value in self.options.items():
            if value is None:
                continue
            values = value if isinstance(value, (list, tuple)) else [value]
            words += [f"--{name}", *(str(each) for each in values)]
        return words

    def launch(self):
        """Starts the process and does not wait for anything."""
        log = open(self.log_path, "ab")
        with log:
            self.process = subprocess.Popen(self.command_line(), cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT)
        return self

    def start(self, timeout=15.0):
        self.launch()
        return self.wait_ready(timeout)

    def wait_ready(self, timeout=15.0):
        wait_until(self._answers, timeout, f"{self.address} to answer PING")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.binary} ended with {self.process.returncode}:\n{self.log()}")
        try:
            with Connection(self.port, self.host, timeout=2) as connection:
                return connection.request("PING")
        except Closed:
            return None

    def connect(self, timeout=20.0):
        """A client, let in by password where there is one."""
        connection = Connection(self.port, self.host, timeout=timeout)
        if self.password:
            connection.ask("AUTH", self.password)
        return connection

    def ask(self, *words):
        with self.connect() as connection:
            return connection.ask(*words)

    def ask_text(self, *words):
        return self.ask(*words).decode()

    def info(self, *sections):
        """INFO's fields."""
        lines = self.ask_text("INFO", *sections).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def is_sanitized(self):
        """A sanitizer's build: it keeps what was freed, and reserves more address space than there is."""
        return self.info("memory")["mem_allocator"] == "libc"

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        os.kill(self.process.pid, number)

    def wait(self, timeout=15.0):
        """The exit code; negative for a signal, as in subprocess."""
        return self.process.wait(timeout)

    def kill(self):
        """As a crash: no chance to say goodbye."""
        if self.running():
            self.process.kill()
        self.process.wait()

    def terminate(self, timeout=15.0):
        """Ends the process gracefully, keeps the folder."""
        if not self.process:
            return None
        if self.running():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"{self.address} did not stop on SIGTERM:\n{self.log()[-3000:]}") from None
        return self.process.returncode

    def stop(self):
        """Ends the process whatever it does and removes its folder."""
        if self.running():
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        report = self.sanitizers_report()
        if self._owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        if report:
            raise AssertionError(f"{self.address}:\n{report}")

    def sanitizers_report(self):
        """What a sanitizer's build has found; ThreadSanitizer goes on after a race, and nobody else would notice."""
        found = re.search(r"^.*(Sanitizer: |: runtime error: )", self.log(), re.MULTILINE)
        return self.log()[found.start():][:8000] if found else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
