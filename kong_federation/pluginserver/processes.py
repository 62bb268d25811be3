"""What the system tells about a process; where it has no /proc, nothing."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_STATE, _USER, _SYSTEM = 0, 11, 12  # fields of `stat` after the name

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def resident(pid: int) -> int:
    """Bytes of memory that a process has, shared ones included; 0: not known."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0


def processor_seconds(pid: int) -> float | None:
    """Seconds of processor time that a process has used; None: not known."""
    try:
        found = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(found[_USER]) + int(found[_SYSTEM])) / _TICKS
    except (OSError, IndexError, ValueError):
        return None


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended, but whose status nobody took, does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_STATE] != "Z"
    except (OSError, IndexError):
        return True


def name(pid: int) -> str:
    """What a process is called; "": not known."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def rename(new: str) -> None:
    """Call this process something else, in at most 15 bytes; where there is no /proc it keeps its name."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(new)


def memory_limit() -> int:
    """Bytes that this container, or the machine, has."""
    machine = _PAGE * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUP_LIMITS:
        try:
            return min(machine, int(Path(path).read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return machine
