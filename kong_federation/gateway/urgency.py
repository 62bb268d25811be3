"""How urgent a process is beside others that want the processor."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_LEAST_URGENT = 19


def be_less_urgent(nice: int, pid: int = 0) -> None:
    """
    Lower the priority of a process that is the leader of its session.

    Where Linux shares out the processor by session (sched(7), "autogroup"), as it does outside of containers, a
    process's own nice value counts in its session only, and the session has one of its own.

    Args:
        nice: How much is added to the process's value.
        pid: Whose; 0: this process's.
    """
    # It may have ended.
    with contextlib.suppress(OSError):
        value = min(os.getpriority(os.PRIO_PROCESS, pid) + nice, _LEAST_URGENT)
        os.setpriority(os.PRIO_PROCESS, pid, value)
        Path(f"/proc/{pid or 'self'}/autogroup").write_text(f"{value}\n", encoding="ascii")
