"""
The supervisor: owns the listening socket, forks the workers, replaces those that die.

It runs no event loop and starts no thread, because it forks. Everything the workers need is imported before, so that a
replacement answers within milliseconds and the workers share the memory of code and constants.

It waits on a pipe into which the signal handlers' numbers are written, and looks up once a second, because nothing
tells a process that its parent has died. Workers learn of the supervisor's death by a pipe whose writing end only the
supervisor holds.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import NoReturn

from kong_federation.pluginserver.logs import name_process

_log = logging.getLogger(__name__)

Work = Callable[[socket.socket, int], None]
"""What a worker does: gets the listening socket and the pipe that ends with the supervisor; returns when it is done."""

_LOOK = 1.0  # seconds between two looks at the parent
_STABLE = 10.0  # seconds after which a worker's death is not held against its replacement
_FIRST_DELAY = 0.2  # seconds before the second replacement in a row; the first is at once
_LONGEST_DELAY = 10.0  # seconds
_KILL_AFTER = 5.0  # seconds beyond the drain until a worker that does not end is killed

_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


@dataclass(slots=True)
class Slot:
    """
    The place of one worker.

    Args:
        number: For the log, from 1.
        pid: Of the worker; 0: none runs.
        started: When it was forked, monotonic seconds.
        deaths: How many died young in a row.
        due: When the next may be forked, monotonic seconds.
    """

    number: int
    pid: int = 0
    started: float = 0.0
    deaths: int = 0
    due: float = 0.0


class Supervisor:
    """
    Runs workers until it is told to stop or its parent dies.

    Args:
        listening: The socket that all workers accept on.
        work: What a worker does.
        workers: How many.
        drain: Seconds that workers get to finish on SIGTERM.
    """

    def __init__(self, listening: socket.socket, work: Work, workers: int, drain: float) -> None:
        self._listening = listening
        self._work = work
        self._drain = drain
        self._slots = [Slot(number) for number in range(1, workers + 1)]
        self._stopping = False
        # A child of PID 1 (or of nobody, as PID 1 of a container) has no parent whose death it could notice; and who
        # starts it with nohup, which ignores SIGHUP, wants it to stay.
        parent = os.getppid()
        stays = parent <= 1 or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self._parent = None if stays else parent
        self._wake, self._wake_writer = os.pipe()
        self._lifeline, self._lifeline_writer = os.pipe()
        for descriptor in (self._wake, self._wake_writer):
            os.set_blocking(descriptor, False)

    def run(self) -> None:
        """Run until SIGTERM, SIGINT or the parent's death; returns when all workers have ended."""
        self._listen_to_signals()
        gc.collect()
        gc.freeze()
        while not self._stopping:
            self._fill()
            self._wait(_LOOK)
            self._reap()
            if self._parent is not None and os.getppid() != self._parent:
                _log.warning("the parent process is gone; leaving (nohup keeps the server from doing so)")
                self._stopping = True
        self._stop()

    def _listen_to_signals(self) -> None:
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask_to_stop(self, *_: object) -> None:
        self._stopping = True

    def _wait(self, seconds: float) -> None:
        now = monotonic()
        due = min((slot.due - now for slot in self._slots if not slot.pid), default=seconds)
        ready, _, _ = select.select([self._wake], [], [], max(0.0, min(seconds, due)))
        if ready:
            with contextlib.suppress(BlockingIOError):
                while os.read(self._wake, 4096):
                    pass

    def _fill(self) -> None:
        now = monotonic()
        for slot in self._slots:
            if not slot.pid and slot.due <= now and not self._stopping:
                slot.started = now
                try:
                    slot.pid = self._fork(slot.number)
                except OSError as error:
                    # Too many processes, or too little memory: the workers that run go on.
                    slot.due = now + _LONGEST_DELAY
                    _log.error(
                        "worker %d cannot be started: %s; tried again in %.0f s", slot.number, error, _LONGEST_DELAY
                    )

    def _fork(self, number: int) -> int:
        # A signal between the fork and the worker's own handlers would be taken for the supervisor's.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        try:
            pid = os.fork()
            if not pid:
                self._become_worker(number)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        _log.debug("worker %d is process %d", number, pid)
        return pid

    def _become_worker(self, number: int) -> NoReturn:
        status = 1
        try:
            name_process(f"worker-{number}")
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # A terminal sends Ctrl-C to the whole group; it is the supervisor who tells the workers to stop.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
            for descriptor in (self._wake, self._wake_writer, self._lifeline_writer):
                os.close(descriptor)
            self._work(self._listening, self._lifeline)
            status = 0
        except BaseException:  # noqa: BLE001 - this process must not go on as a second supervisor
            _log.exception("the worker failed")
        finally:
            logging.shutdown()
            sys.stdout.flush()
            os._exit(status)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for slot in self._slots:
                if slot.pid == pid:
                    self._bury(slot, os.waitstatus_to_exitcode(status))

    def _bury(self, slot: Slot, status: int) -> None:
        now = monotonic()
        pid, slot.pid = slot.pid, 0
        if self._stopping:
            return
        slot.deaths = slot.deaths + 1 if now - slot.started < _STABLE else 0
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** (slot.deaths - 2)) if slot.deaths > 1 else 0.0
        slot.due = now + delay
        cause = f"signal {-status}" if status < 0 else f"status {status}"
        _log.error("worker %d (process %d) ended with %s; replaced in %.1f s", slot.number, pid, cause, delay)

    def _stop(self) -> None:
        _log.info("stopping; requests under way have %.0f s", self._drain)
        self._signal(signal.SIGTERM)
        end = monotonic() + self._drain + _KILL_AFTER
        while any(slot.pid for slot in self._slots) and monotonic() < end:
            self._wait(0.1)
            self._reap()
        self._signal(signal.SIGKILL)
        for slot in self._slots:
            if slot.pid:
                _log.error("worker %d (process %d) did not end and was killed", slot.number, slot.pid)
                os.waitpid(slot.pid, 0)
        os.close(self._lifeline_writer)

    def _signal(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if slot.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(slot.pid, number)
