"""Waiting for a fact, never for a time."""

import time


def wait_until(fact, timeout=15.0, what=None):
    """Asks `fact` again and again until it gives something true, and returns that.

    An OSError inside counts as "not yet": what is waited for often is a server coming up.
    """
    deadline = time.monotonic() + timeout
    pause = 0.002
    last_error = None
    while True:
        try:
            answer = fact()
            if answer:
                return answer
            last_error = None
        except OSError as error:
            last_error = error
        if time.monotonic() > deadline:
            subject = what or getattr(fact, "__name__", "the fact")
            raise AssertionError(f"waited {timeout} s in vain for {subject}" + (f": {last_error}" if last_error else ""))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
