"""redis-cli as a user runs it."""

import subprocess


def redis_cli(*words, password=None, given=None, timeout=90):
    """Runs redis-cli and returns what it printed; `given` is typed into it. Fails when it fails."""
    done = run_redis_cli(*words, password=password, given=given, timeout=timeout)
    if done.returncode != 0:
        raise AssertionError(f"redis-cli {' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def run_redis_cli(*words, password=None, given=None, timeout=90):
    """As redis_cli, but the finished process, whatever its exit code."""
    secret = ["-a", password, "--no-auth-warning"] if password else []
    return subprocess.run(["redis-cli", *secret, *(str(word) for word in words)], input=given, text=True,
                          stdin=subprocess.DEVNULL if given is None else None, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, check=False)
