"""A process of our own: started, waited for, and ended by its id, with its output kept in a file."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

_Found = TypeVar("_Found")

ROOT: Final = Path(__file__).parents[1]
"""The repository; children run here, so that they find the project's packages."""

_POLL = 0.05  # seconds
_PATIENCE = 10.0  # seconds from SIGTERM to SIGKILL


class Child:
    """
    A child process, as a context.

    Its standard input is a pipe that closes when this process ends, so a child that watches it never stays behind.

    Args:
        arguments: What follows `python`.
        log: The file its output goes to.
        environment: The whole environment of the child; None: this process's own.
    """

    def __init__(self, arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self._arguments = [sys.executable, *arguments]
        self._log = log
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=self._environment,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()

    def output(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace")

    def until(self, ready: Callable[[], _Found | None], patience: float) -> _Found:
        """
        Wait for something the child brings about.

        Args:
            ready: Looks once; None means not yet.
            patience: Seconds to wait.

        Raises:
            RuntimeError: The child ended or the time is over; the message has its output.
        """
        end = time.monotonic() + patience
        while True:
            found = ready()
            if found is not None:
                return found
            ended = self._process.poll()
            if ended is not None or time.monotonic() > end:
                why = "is not ready in time" if ended is None else f"ended with status {ended}"
                raise RuntimeError(f"{' '.join(self._arguments[1:])}: {why}\n{self.output()}")
            time.sleep(_POLL)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    """Whether somebody accepts connections on this port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
