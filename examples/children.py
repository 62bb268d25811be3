"""
Processes that are started together and end together.

A child gets a session of its own, so that Ctrl-C in the terminal reaches the parent alone and the parent ends the
children in order; its output goes to a file, from which the last lines are shown if it dies. Three nets keep orphans
from staying behind: `close` asks and then kills, it also kills what a child had started and left, and on Linux the
kernel tells the children when the parent itself was killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

GRACE = 20.0  # seconds between asking a process to end and killing it; the stand-in gives its own child 15
LAST_LINES = 15
PR_SET_PDEATHSIG = 1  # prctl(2)


class ChildDiedError(Exception):
    """A child ended that should have stayed; the text has its last lines."""


@dataclass(frozen=True, slots=True)
class Child:
    """One process, and the file with what it said."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path

    def last_lines(self) -> str:
        lines = self.output.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join(f"  | {line}" for line in lines) or "  | (it said nothing)"


def tree(root: int) -> dict[int, int]:
    """
    A process and all its descendants.

    Returns:
        By process id the start time in clock ticks, which tells a process from a later one with the same id. Empty
        where there is no /proc.
    """
    parents: dict[int, list[int]] = {}
    started: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it ended while the others were read
            continue
        pid = int(entry.parent.name)
        started[pid] = int(fields[19])
        parents.setdefault(int(fields[1]), []).append(pid)
    found: dict[int, int] = {}
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        if pid in started:
            found[pid] = started[pid]
        waiting += parents.get(pid, ())
    return found


def end_like_ctrl_c() -> None:
    """Make being told to end, and losing the terminal, the same as Ctrl-C, so that `with Children()` ends them all."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def die_with_parent() -> Callable[[], None] | None:
    """What a child runs before it becomes its program, so that it is told to end when this process dies."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded here: between fork and exec as little as possible may happen
    parent = os.getpid()

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # the parent was gone before the kernel knew
            os.kill(os.getpid(), signal.SIGTERM)

    return prepare


class Children:
    """Starts processes, says when one died, and ends them all."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kong-federation-")
        self._children: list[Child] = []

    @property
    def folder(self) -> Path:
        """A directory that lives as long as the children."""
        return Path(self._folder.name)

    def start(self, name: str, command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Child:
        """Start a process; `env` is added to the environment."""
        output = self.folder / f"{name}.log"
        with output.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 -- there are no threads here
            )
        child = Child(name, process, output)
        self._children.append(child)
        return child

    def check(self) -> None:
        """
        Look whether all are alive.

        Raises:
            ChildDiedError: One is not.
        """
        for child in self._children:
            status = child.process.poll()
            if status is not None:
                how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
                raise ChildDiedError(f"{child.name} {how}. Its last lines:\n{child.last_lines()}")

    def forget_the_ended(self) -> None:
        """Mind no longer that some have ended."""
        self._children = [child for child in self._children if child.process.poll() is None]

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float) -> float:
        """
        Wait for something that a child will do.

        Returns:
            The seconds it took.

        Raises:
            ChildDiedError: A child died instead.
            TimeoutError: It did not happen in time.
        """
        start = time.monotonic()
        while not ready():
            self.check()
            if time.monotonic() - start > seconds:
                raise TimeoutError(f"{what} did not answer within {seconds:.0f} s.")
            time.sleep(0.05)
        return time.monotonic() - start

    def close(self) -> None:
        """End all, the last started first, and whatever they left behind."""
        kin = [tree(child.process.pid) for child in self._children]
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + GRACE
        for child in reversed(self._children):
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        left = {pid: started for family in kin for pid, started in family.items()}
        self._end_the_left_behind(left, deadline)
        self._children.clear()
        self._folder.cleanup()

    @staticmethod
    def _end_the_left_behind(left: dict[int, int], deadline: float) -> None:
        asked = False
        while left := {pid: started for pid, started in left.items() if tree(pid).get(pid) == started}:
            late = time.monotonic() > deadline
            if late or not asked:
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
                asked = True
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        handlers = [signal.signal(number, signal.SIG_IGN) for number in numbers]
        self.close()  # a second Ctrl-C must not stop the ending
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
