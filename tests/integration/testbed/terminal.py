"""redis-cli at a terminal: prompts, and replies as a person sees them."""

import os
import pty
import re
import select
import subprocess
import time

# "127.0.0.1:7000> ", also with a database or "(TX)" behind the port.
PROMPT = re.compile(r"^([\w.\-]+:\d+(?:\[\d+\])?(?:\(TX\))?)> $", re.MULTILINE)


class Terminal:
    """One session; `with` ends it. After each line `prompt` is what stands before the next one."""

    def __init__(self, *words, timeout=40):
        self._timeout = timeout
        # A dumb terminal gets no line editing: plain lines go both ways.
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(["redis-cli", *(str(word) for word in words)], stdin=slave, stdout=slave,
                                         stderr=slave, env=os.environ | {"TERM": "dumb"}, start_new_session=True)
        os.close(slave)
        self.prompt = None
        self.greeting = self._read_answer()

    def type(self, line):
        """What is printed until the next prompt, as lines."""
        os.write(self._master, line.encode() + b"\n")
        printed = self._read_answer().split("\n")
        # The terminal echoes what is typed.
        return [each for each in printed[1:] if each]

    def _read_answer(self):
        text = ""
        deadline = time.monotonic() + self._timeout
        while True:
            ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"no prompt after {self._timeout} s: {text!r}")
            try:
                text += os.read(self._master, 65536).decode(errors="replace").replace("\r", "")
            except OSError as ended:
                raise AssertionError(f"redis-cli has ended: {text!r}") from ended
            found = PROMPT.search(text.rsplit("\n", 1)[-1])
            if found:
                self.prompt = found[1]
                return text.rsplit("\n", 1)[0] if "\n" in text else ""

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def interview(*words, answers=(), timeout=90):
    """Runs redis-cli and answers its questions as they come: pairs of what is asked and what is typed.

    Returns everything that stood on the terminal. Fails when a question does not come or the exit
    code is not 0.
    """
    master, slave = pty.openpty()
    process = subprocess.Popen(["redis-cli", *(str(word) for word in words)], stdin=slave, stdout=slave, stderr=slave,
                               env=os.environ | {"TERM": "dumb"}, start_new_session=True)
    os.close(slave)
    text, answered, waiting = "", 0, list(answers)
    deadline = time.monotonic() + timeout
    try:
        while True:
            ready, _, _ = select.select([master], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"redis-cli {words}: nothing more after {timeout} s: {text[-3000:]}")
            try:
                chunk = os.read(master, 65536)
            except OSError:
                chunk = b""
            if not chunk:
                break
            text += chunk.decode(errors="replace").replace("\r", "")
            while waiting and waiting[0][0] in text[answered:]:
                question, answer = waiting.pop(0)
                answered = text.index(question, answered) + len(question)
                os.write(master, str(answer).encode() + b"\n")
        if waiting:
            raise AssertionError(f"redis-cli {words} never asked {waiting[0][0]!r}: {text[-3000:]}")
        if process.wait(10) != 0:
            raise AssertionError(f"redis-cli {words} ended with {process.returncode}: {text[-3000:]}")
        return text
    finally:
        process.kill()
        process.wait()
        os.close(master)
