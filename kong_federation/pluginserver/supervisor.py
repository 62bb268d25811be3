"""
The supervisor: owns the socket, keeps the workers going, replaces those that die, are stuck or have grown too large.

It runs no event loop and starts no thread, because it forks. It waits on a pipe into which the signal handlers' numbers
are written, and looks around a few times a second, because nothing tells a process that its parent has died, that a
socket's file was removed, or that a worker stands still. Children learn of its death by a pipe whose writing end only
it holds.

    a worker died                replaced; at once the first time, ever more slowly if its replacements die young
    a worker's loop stands still asked for a trace, killed, replaced
    a worker has grown too large a successor is started, then it finishes its events and leaves; one at a time
    the socket's file is gone    another socket is made, and all workers are succeeded, one at a time
    another server took it over  the workers finish their events and leave; the supervisor stays until it is told to go:
                                 if it went, whoever keeps it running would start it again, and take the socket back
    SIGHUP                       passed on to the workers
    SIGTERM, SIGINT, no parent   the socket's name is taken away, the workers finish their events and leave
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from kong_federation.kong.pulse import LifeState, Pulse
from kong_federation.pluginserver.children import Child, fork
from kong_federation.pluginserver.inquest import Death, Inquest
from kong_federation.pluginserver.listener import Door, ListenError
from kong_federation.pluginserver.logs import Relay
from kong_federation.pluginserver.processes import processor_seconds, resident

_log = logging.getLogger(__name__)

Work = Callable[[Door, int, Pulse], None]
"""What a child does: gets the door, the pipe that ends with the supervisor, and its pulse; returns when it is done."""

_LOOK = 0.25  # seconds between two looks around
_STABLE = 10.0  # seconds after which a child's death is not held against its replacement
_FIRST_DELAY = 0.2  # seconds before the second replacement in a row; the first is at once
_LONGEST_DELAY = 10.0  # seconds
_KILL_AFTER = 5.0  # seconds beyond the drain until a worker that does not end is killed
_TRACE = 0.5  # seconds that a stuck worker gets to write where it is
_NOTED = 1.0  # seconds of silence after which it is noted how much of the processor a worker has used
_BUSY = 0.05  # share of the time since that it was on the processor, to be taken for one that computes without end
_AWAY = 2.0  # seconds beyond its turn after which the supervisor itself has not run: others may not have, either
_WEIGHING = 1.0  # seconds between two looks at the workers' memory
_SUCCESSIONS = 10.0  # seconds from one worker that has grown too large to the next


@dataclass(frozen=True, slots=True)
class SupervisorOptions:
    """
    How the workers are kept.

    Args:
        workers: How many.
        parent: Id of the process whose end is ours, too; up to 1: there is none.
        drain: Seconds that events under way get when their worker leaves.
        stuck: Seconds a worker's loop may stand still; 0: for ever.
        most_memory: Bytes that a worker may have resident; 0: as many as it wants.
    """

    workers: int
    parent: int
    drain: float = 30.0
    stuck: float = 10.0
    most_memory: int = 0


@dataclass(slots=True)
class Slot:
    """
    The place of one child.

    Args:
        name: For the log.
        work: What is done in it.
        serves: Whether it is a worker, which is watched and has successors.
        child: Who has it; None: nobody at the moment.
        successor: Who takes it as soon as it serves.
        succeed: Why it is to be given to another; "": it is not.
        deaths: How many died young in a row.
        due: When the next may be forked, monotonic seconds.
    """

    name: str
    work: Work
    serves: bool = True
    child: Child | None = None
    successor: Child | None = None
    succeed: str = ""
    deaths: int = 0
    due: float = 0.0


class Supervisor:
    """
    Runs workers until it is told to stop or its parent dies.

    Args:
        door: The socket that all workers accept on.
        work: What a worker does.
        options: How they are kept.
        inquest: Judges their deaths.
        board: Signs of life: the first are the supervisor's own, then there are two for each worker and one for each
            helper.
        helpers: Further children that are kept alive, with their names.
    """

    def __init__(
        self,
        door: Door,
        work: Work,
        options: SupervisorOptions,
        inquest: Inquest,
        board: Sequence[Pulse],
        helpers: Sequence[tuple[str, Work]] = (),
    ) -> None:
        self._door = door
        self._options = options
        self._inquest = inquest
        self._pulse, *self._free = board
        self._slots = [Slot(f"worker-{number}", work) for number in range(1, options.workers + 1)]
        self._slots += [Slot(name, helper, serves=False) for name, helper in helpers]
        self._leaving: list[Child] = []
        self._stopping = False
        self._told_to_reread = False
        self._superseded = False
        self._complained = False
        self._looked = self._weighed = monotonic()
        self._succeeded = float("-inf")
        self._awake = 0.0
        # A child of PID 1 (or of nobody, as PID 1 of a container) has no parent whose death it could notice; and who
        # starts it with nohup, which ignores SIGHUP, wants it to stay.
        self._ignores_hangup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self._parent = None if options.parent <= 1 or self._ignores_hangup else options.parent
        self._relay = Relay()
        self._heard = True
        self._wake, self._wake_writer = os.pipe()
        self._lifeline, self._lifeline_writer = os.pipe()
        for descriptor in (self._wake, self._wake_writer):
            os.set_blocking(descriptor, False)

    def run(self) -> None:
        """Run until SIGTERM, SIGINT or the parent's death; returns when all children have ended."""
        self._listen_to_signals()
        gc.collect()
        gc.freeze()
        self._pulse.state = LifeState.SERVING
        while not self._stopping:
            self._fill()
            self._wait(_LOOK)
            self._reap()
            self._look()
            if self._parent is not None and os.getppid() != self._parent:
                _log.warning("the parent process is gone; leaving (nohup keeps the server from doing so)")
                self._stopping = True
        self._stop()

    # --- Signals and time ---

    def _listen_to_signals(self) -> None:
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        if not self._ignores_hangup:
            signal.signal(signal.SIGHUP, self._ask_to_reread)

    def _ask_to_stop(self, *_: object) -> None:
        self._stopping = True

    def _ask_to_reread(self, *_: object) -> None:
        self._told_to_reread = True

    def _wait(self, seconds: float) -> None:
        now = monotonic()
        due = min((slot.due - now for slot in self._slots if self._wants(slot)), default=seconds)
        sources = [self._wake, self._relay.reader] if self._heard else [self._wake]
        ready, _, _ = select.select(sources, [], [], max(0.0, min(seconds, due)))
        self._heard = self._relay.pump()
        if self._wake in ready:
            with contextlib.suppress(BlockingIOError):
                while os.read(self._wake, 4096):
                    pass

    # --- Birth ---

    def _fill(self) -> None:
        now = monotonic()
        for slot in self._slots:
            if self._wants(slot) and slot.due <= now:
                slot.child = self._fork(slot, now)

    def _wants(self, slot: Slot) -> bool:
        return not slot.child and not self._stopping and not self._superseded

    def _fork(self, slot: Slot, now: float) -> Child | None:
        if not self._free:
            slot.due = now + 1.0  # those that leave have to end first
            return None
        pulse = self._free.pop()
        try:
            # What only the supervisor may hold, or only it may read.
            own = (self._wake, self._wake_writer, self._lifeline_writer)
            return fork(slot.name, pulse, lambda pulse: slot.work(self._door, self._lifeline, pulse), self._relay, own)
        except OSError as error:
            # Too many processes, or too little memory: those that run go on.
            self._free.append(pulse)
            slot.due = now + _LONGEST_DELAY
            _log.error("%s cannot be started: %s; tried again in %.0f s", slot.name, error, _LONGEST_DELAY)
            return None

    # --- Death ---

    def _reap(self) -> None:
        dead = [
            (slot, child, os.waitstatus_to_exitcode(status))
            for pid, status in _ended()
            for slot, child in self._children()
            if child.pid == pid
        ]
        self._inquest.hold(
            *(
                Death(child.pid, child.pulse.on_cpu)
                for slot, child, status in dead
                if (slot is None or slot.serves) and _is_to_be_judged(child, status)
            )
        )
        for slot, child, status in dead:
            self._bury(slot, child, status)

    def _bury(self, slot: Slot | None, child: Child, status: int) -> None:
        child.pulse.state = LifeState.NONE
        self._free.append(child.pulse)
        if slot is None:
            self._leaving.remove(child)
        elif child is slot.successor:
            slot.successor = None
            slot.due = monotonic() + _LONGEST_DELAY
            _log.error("%s (process %d) ended before it served: %s", child.name, child.pid, _cause(status))
        else:
            slot.child, slot.successor = slot.successor, None
            if self._wants(slot):
                self._put_off(slot, child, status)

    def _put_off(self, slot: Slot, child: Child, status: int) -> None:
        now = monotonic()
        slot.deaths = slot.deaths + 1 if now - child.started < _STABLE else 0
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** (slot.deaths - 2)) if slot.deaths > 1 else 0.0
        slot.due = now + delay
        _log.error("%s (process %d) ended with %s; replaced in %.1f s", child.name, child.pid, _cause(status), delay)

    # --- Looking around ---

    def _look(self) -> None:
        now = monotonic()
        if now - self._looked > _LOOK + _AWAY:
            self._awake = now  # the machine slept, or all of us were stopped
        self._looked = now
        self._pulse.live()
        self._inquest.tidy()
        if self._told_to_reread:
            self._told_to_reread = False
            self._pass_on_hangup()
        self._look_at_door()
        self._look_for_stuck(now)
        self._look_at_memory(now)
        self._look_after_successions(now)
        for child in self._leaving:
            if now - child.leaving > self._options.drain + _KILL_AFTER and not child.condemned:
                _log.error("%s (process %d) does not end and is killed", child.name, child.pid)
                child.send(signal.SIGKILL)

    def _pass_on_hangup(self) -> None:
        _log.info("told to look again (SIGHUP): the supergraphs' files are read")
        for _, child in self._workers():
            child.send(signal.SIGHUP)

    def _look_at_door(self) -> None:
        if self._superseded or self._door.ours:
            self._door.sign()
            return
        if not self._door.gone:
            _log.warning("another server has taken the socket over; requests under way are finished here")
            self._superseded = True
            self._pulse.state = LifeState.LEAVING
            for slot in self._slots:
                self._tell_to_leave(slot)
            return
        try:
            opened = self._door.reopen()
        except ListenError as error:
            if not self._complained:
                _log.error("the socket's file was removed and cannot be made again: %s", error)
            self._complained = True
            return
        self._complained = False
        _log.warning("the socket's file was removed by somebody; it is there again")
        self._door.close()
        self._door = opened
        for slot in self._slots:
            if slot.serves:
                slot.succeed = "listens on the removed socket"

    def _look_for_stuck(self, now: float) -> None:
        if not self._options.stuck:
            return
        for _, child in self._workers():
            silent = now - max(child.pulse.beat, self._awake)
            if child.condemned:
                if now - child.condemned > _TRACE:
                    child.send(signal.SIGKILL)
            elif silent < min(_NOTED, self._options.stuck / 2):
                child.silence = None
            elif child.silence is None:
                child.silence = processor_seconds(child.pid)
            if silent > self._options.stuck and not child.condemned:
                self._condemn(child, silent, now)

    def _condemn(self, child: Child, silent: float, now: float) -> None:
        used = processor_seconds(child.pid)
        busy = used is not None and child.silence is not None and used - child.silence > _BUSY * (silent - _NOTED)
        _log.error(
            "%s (process %d) has been stuck for %.1f s%s; it is killed",
            child.name,
            child.pid,
            silent,
            ", computing" if busy else "",
        )
        child.condemned = now
        child.send(signal.SIGUSR2)
        self._inquest.hold(Death(child.pid, child.pulse.on_cpu, busy))

    def _look_at_memory(self, now: float) -> None:
        most = self._options.most_memory
        if not most or now - self._weighed < _WEIGHING:
            return
        self._weighed = now
        for slot in self._slots:
            if slot.serves and slot.child and not slot.succeed and now - self._succeeded > _SUCCESSIONS:
                weight = resident(slot.child.pid)
                if weight > most:
                    self._succeeded = now
                    slot.succeed = f"has {weight / 2**20:.0f} MB, more than {most / 2**20:.0f}"

    def _look_after_successions(self, now: float) -> None:
        for slot in self._slots:
            if slot.successor and slot.successor.pulse.state is LifeState.SERVING:
                self._tell_to_leave(slot)
                slot.child, slot.successor, slot.succeed = slot.successor, None, ""
                if self._superseded:
                    self._tell_to_leave(slot)  # it was not needed any more
        if self._superseded or self._stopping or any(slot.successor for slot in self._slots):
            return
        for slot in self._slots:
            if slot.succeed and slot.child and slot.due <= now:
                _log.warning("%s (process %d) %s; it is succeeded", slot.name, slot.child.pid, slot.succeed)
                slot.successor = self._fork(slot, now)
                return
            if slot.succeed and not slot.child:
                slot.succeed = ""  # it died meanwhile; who comes instead is what is wanted

    # --- The end ---

    def _tell_to_leave(self, slot: Slot) -> None:
        if slot.child:
            slot.child.leaving = monotonic()
            slot.child.send(signal.SIGTERM)
            self._leaving.append(slot.child)
            slot.child = None

    def _stop(self) -> None:
        _log.info("stopping; requests under way have %.0f s", self._options.drain)
        self._pulse.state = LifeState.LEAVING
        self._door.hide()
        for slot, child in self._children():
            if slot is None or slot.serves:
                child.send(signal.SIGTERM)
        end = monotonic() + self._options.drain + _KILL_AFTER
        while any(True for _ in self._workers()) and monotonic() < end:
            self._pulse.live()
            self._wait(0.1)
            self._reap()
        for slot, child in [*self._children()]:
            if slot is None or slot.serves:
                _log.error("%s (process %d) did not end and was killed", child.name, child.pid)
            child.send(signal.SIGKILL)
            os.waitpid(child.pid, 0)
        self._relay.pump()
        os.close(self._lifeline_writer)

    def _children(self) -> Iterator[tuple[Slot | None, Child]]:
        for slot in self._slots:
            for child in (slot.child, slot.successor):
                if child:
                    yield slot, child
        for child in self._leaving:
            yield None, child

    def _workers(self) -> Iterator[tuple[Slot | None, Child]]:
        for slot, child in self._children():
            if slot is None or slot.serves:
                yield slot, child


def _ended() -> Iterator[tuple[int, int]]:
    """Process ids and statuses of the children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            yield pid, status


def _is_to_be_judged(child: Child, status: int) -> bool:
    # Who was condemned has been judged; who ended by itself, or before it could answer anything, need not be.
    return status not in {0, -signal.SIGTERM} and not child.condemned


def _cause(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
