"""A server of real processes on a real socket; what is started here is ended by its id."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from .client import Client

SERVER = Path(__file__).with_name("fake_server.py")


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


class Server:
    def __init__(self, folder, workers, drain=5.0, log="log", **options):
        self.path = folder / "s"
        self.log = folder / log
        given = [str(self.path), str(folder / "run"), str(workers), str(drain), json.dumps(options)]
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            self.process = subprocess.Popen([sys.executable, str(SERVER), *given], stderr=output)
        until(lambda: self.path.exists() and b"is process" in self.log.read_bytes()[before:], 20)
        self.client = Client(self.path)

    def text(self):
        return self.log.read_text()

    def pids(self, workers):
        """The workers' process ids, as the log tells them."""

        def found():
            lines = self.text().splitlines()
            pids = [int(line.split()[-1]) for line in lines if ": worker-" in line and "is process" in line]
            return pids if len(pids) >= workers else None

        return until(found)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def running(pid):
    """A dead process stays a zombie until whoever adopted it looks."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]
    except FileNotFoundError:
        return False


def code_of(answer):
    return json.loads(answer.body)["errors"][0]["extensions"]["code"]
