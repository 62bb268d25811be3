"""The processes of a host, found by their parents; only what this run has started is ever touched."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

_POLL: Final = 0.02  # seconds
_PIDFD_GETFD: Final = 438  # the number of the system call, on all machines


def children(parent: int) -> list[int]:
    """The ids of a process's children, the oldest first."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        fields = _fields(entry)
        if len(fields) > 19 and int(fields[1]) == parent and fields[0] != "Z":
            found.append((int(fields[19]), int(entry.parent.name)))
    return [pid for _, pid in sorted(found)]


def descendants(root: int) -> Iterator[int]:
    """The ids of all processes below one."""
    for child in children(root):
        yield child
        yield from descendants(child)


def command(pid: int) -> str:
    """How a process was called."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def send(number: signal.Signals, pids: Iterable[int]) -> None:
    """Send a signal to each."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


async def until(condition: Callable[[], bool], patience: float) -> bool:
    """Wait for something, in seconds at most; whether it came."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(_POLL)
    return True


def alive(pid: int) -> bool:
    """Whether a process runs."""
    fields = _fields(Path(f"/proc/{pid}/stat"))
    return bool(fields) and fields[0] != "Z"


def cut_connections(pid: int, path: Path) -> int:
    """
    Cut the connections of a process that came in by a Unix socket, as if the system had.

    Returns:
        How many were cut.
    """
    cut = 0
    process = os.pidfd_open(pid)
    try:
        for link in list(Path(f"/proc/{pid}/fd").iterdir()):
            with contextlib.suppress(OSError):
                if str(link.readlink()).startswith("socket:"):
                    cut += _cut(process, int(link.name), path)
    finally:
        os.close(process)
    return cut


def _cut(process: int, descriptor: int, path: Path) -> int:
    ours = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, process, descriptor, 0)
    if ours < 0:
        raise OSError(ctypes.get_errno(), "the descriptor cannot be had")
    with socket.socket(fileno=ours) as connection:
        # It has the name that the socket was bound to, before it was moved to its place; ours to others have none.
        is_incoming = connection.family == socket.AF_UNIX and Path(connection.getsockname()).parent == path.parent
        if is_incoming and not connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            connection.shutdown(socket.SHUT_RDWR)
            return 1
    return 0


def _fields(path: Path) -> list[str]:
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return []
