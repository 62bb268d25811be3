"""
Gives processes a share of a core each, so that a machine with few cores can show whether workers add up.

    python -m bench.shares SHARE PID...

Each process is looked at a thousand times a second: while it has had more of the processor than its share of the time
that has passed, it is stopped. What it leaves unused it cannot save up. Linux, because of /proc; ends on SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

LOOK = 0.001  # seconds between two looks
SAVED = 0.002  # seconds of the processor that a process may save up: two looks


class Rationed:
    """
    One process and what it may have.

    Args:
        pid: Its id.
        share: Of a core.
    """

    def __init__(self, pid: int, share: float) -> None:
        self._pid = pid
        self._share = share
        self._account = Path(f"/proc/{pid}/schedstat")
        self._used = self._read()
        self._credit = 0.0
        self._stopped = False

    def look(self, passed: float) -> None:
        """
        Stop it or let it go on.

        Args:
            passed: Seconds since the last look.

        Raises:
            ProcessLookupError: It has ended.
        """
        used = self._read()
        self._credit = min(SAVED, self._credit + passed * self._share - (used - self._used))
        self._used = used
        if self._stopped is (self._credit >= 0):
            self._stopped = not self._stopped
            self._tell(signal.SIGSTOP if self._stopped else signal.SIGCONT)

    def free(self) -> None:
        """Let it have what it wants."""
        with contextlib.suppress(ProcessLookupError):
            self._tell(signal.SIGCONT)

    def _tell(self, number: signal.Signals) -> None:
        try:
            os.kill(self._pid, number)
        except ProcessLookupError:
            raise ProcessLookupError(self._pid) from None

    def _read(self) -> float:
        """Seconds of the processor that its main thread has had."""
        try:
            return int(self._account.read_text().split()[0]) / 1e9
        except FileNotFoundError:
            raise ProcessLookupError(self._pid) from None


def main() -> int:
    parser = argparse.ArgumentParser(description="Give processes a share of a core each.")
    parser.add_argument("share", type=float, help="of a core")
    parser.add_argument("pids", type=int, nargs="+", metavar="PID")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    rationed: list[Rationed] = []
    try:
        rationed += [Rationed(pid, arguments.share) for pid in arguments.pids]
        print(f"{len(rationed)} processes have {arguments.share} of a core each", flush=True)
        last = time.monotonic()
        while True:
            time.sleep(LOOK)
            now = time.monotonic()
            for one in rationed:
                one.look(now - last)
            last = now
    except ProcessLookupError as error:
        print(f"process {error} has ended", file=sys.stderr)
        return 1
    finally:
        for one in rationed:
            one.free()


if __name__ == "__main__":
    sys.exit(main())
