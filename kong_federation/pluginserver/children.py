"""
The supervisor's children: how they are forked, and what is remembered of each.

A child inherits all that was imported, so it serves within milliseconds and shares the memory of code and constants.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import NoReturn

from kong_federation.kong.pulse import Pulse
from kong_federation.pluginserver.logs import Relay, name_process

_log = logging.getLogger(__name__)

HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
"""The signals that the supervisor answers; blocked while it forks."""

# Until a child has its own handlers: told to leave, it may just end, and what else comes is not for it.
_DEFAULT = (signal.SIGTERM, signal.SIGCHLD)
_IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR2)


@dataclass(slots=True, eq=False)
class Child:
    """
    One process.

    Args:
        name: For the log.
        pid: Its process id.
        pulse: Its signs of life.
        started: When it was forked, monotonic seconds.
        leaving: When it was told to leave; 0: it was not.
        silence: Processor seconds that it had used when its silence was noticed; None: it is not silent.
        condemned: When it was asked where it is stuck, before it is killed; 0: it was not.
    """

    name: str
    pid: int
    pulse: Pulse
    started: float = field(default_factory=monotonic)
    leaving: float = 0.0
    silence: float | None = None
    condemned: float = 0.0

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; it may have ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


def fork(name: str, pulse: Pulse, work: Callable[[Pulse], None], relay: Relay, close: Sequence[int]) -> Child:
    """
    Start a child.

    Args:
        name: For the log.
        pulse: Its signs of life.
        work: What it does; it ends when this returns.
        relay: Takes what it says.
        close: Descriptors that are not for it.

    Raises:
        OSError: No process can be made.
    """
    pulse.reset()
    # A signal between the fork and the child's own handlers would be taken for the supervisor's.
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        pid = os.fork()
        if not pid:
            _become(name, pulse, work, relay, close)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    _log.debug("%s is process %d", name, pid)
    return Child(name, pid, pulse)


def _become(name: str, pulse: Pulse, work: Callable[[Pulse], None], relay: Relay, close: Sequence[int]) -> NoReturn:
    status = 1
    try:
        relay.adopt()
        name_process(name)
        signal.set_wakeup_fd(-1)
        for number in _DEFAULT:
            signal.signal(number, signal.SIG_DFL)
        # A terminal sends Ctrl-C to the whole group; it is the supervisor who tells its children to stop.
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        for descriptor in close:
            os.close(descriptor)
        work(pulse)
        status = 0
    except BaseException:  # noqa: BLE001 - this process must not go on as a second supervisor
        _log.exception("the process failed")
    finally:
        logging.shutdown()
        sys.stdout.flush()
        os._exit(status)
