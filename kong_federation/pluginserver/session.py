"""
One connection from Kong.

    state     what happens                       what is done                                        next
    IDLE      start, close, another call         answered in one frame                               IDLE
    IDLE      an event                           its handler starts                                  EVENT
    IDLE      an event above the bound           exit 503                                            ANSWERED
    IDLE      bytes that are no call             exit 500                                            ANSWERED
    IDLE      an instance that cannot be kept    closed; Kong gives its client a 500                 CLOSED
    EVENT     a frame, a PDK call waits          the call gets its result                            EVENT
    EVENT     a frame, no PDK call waits         exit 500, the handler is cancelled                  ANSWERED
    EVENT     the handler decides Exit           exit                                                ANSWERED
    EVENT     the handler decides Tell           calls, exit; the replies are thrown away            ANSWERED
    EVENT     the handler decides Proceed        empty frame, return                                 IDLE
    EVENT     the handler decides Restart        closed: the one lawful way without an answer        CLOSED
    EVENT     the handler raises, is cancelled   exit 500                                            ANSWERED
    EVENT     the deadline                       exit 504, the handler is cancelled                  ANSWERED
    EVENT     the drain ends                     exit 503, the handler is cancelled                  ANSWERED
    ANSWERED  anything                           thrown away; Kong closes when its request ends      ANSWERED
    IDLE      the worker is leaving              our end is closed, Kong asks over another one       LEAVING
    LEAVING   anything                           thrown away; Kong has not been promised an answer   LEAVING
    any       the connection ends                the handler is cancelled, nobody is answered        CLOSED

Why an answer is never left out: when the server closes in mid-event, Kong takes the instance for lost and replays the
event at once and without a limit. So bytes that are no call are answered as an event would be; if they were meant as
another call, Kong cannot read the answer and gives its client a 500.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import cast

from kong_federation.errors import ErrorCode
from kong_federation.errors.codes import (
    GATEWAY_TIMEOUT,
    INTERNAL_SERVER_ERROR,
    REQUEST_INTERRUPTED,
    SERVICE_UNAVAILABLE,
)
from kong_federation.kong import (
    CloseInstance,
    Done,
    Exit,
    FrameReader,
    HandleEvent,
    InstanceStarted,
    ProtocolError,
    StartInstance,
    decode_call,
    encode_answer,
    exit_frames,
    exit_parts,
    frame,
)
from kong_federation.kong.event import Decision, Proceed, Tell, decide
from kong_federation.kong.failures import failed
from kong_federation.kong.pdk import Calls, EventOver
from kong_federation.kong.runtime import Runtime, Tenant
from kong_federation.pluginserver.events import Events

_log = logging.getLogger(__name__)

# The gateway keeps the deadline of its configuration itself and can then answer with what it has. This is the time it
# gets for that; then the session answers for it.
_GRACE = 1.0  # seconds
_WITHOUT_TENANT = 10.0  # seconds for an event whose instance nobody knows

_EMPTY = frame(b"")


class State(Enum):
    """Where a connection stands."""

    IDLE = "idle"
    EVENT = "in an event"
    ANSWERED = "answered"
    LEAVING = "leaving"
    CLOSED = "closed"


class Event:
    """
    An event under way; the handler's channel to Kong.

    Args:
        sequence: Of Kong's call.
        deadline: When the session answers in the handler's place, in the loop's time.
        transport: The connection.
    """

    __slots__ = ("_over", "_transport", "_waiting", "afterwards", "deadline", "repeatable", "sequence", "task")

    def __init__(self, sequence: int, deadline: float, transport: asyncio.Transport) -> None:
        self.sequence = sequence
        self.deadline = deadline
        self.task: asyncio.Task[Decision] | None = None
        self.afterwards: Callable[[bool], None] | None = None
        self.repeatable: Callable[[], bool] | None = None
        self._transport = transport
        self._waiting: deque[tuple[asyncio.Future[list[bytes]], int, list[bytes]]] = deque()
        self._over = False

    async def call(self, calls: Calls) -> list[bytes]:
        """Make PDK calls, all in one write."""
        if self._over:
            raise EventOver
        waiter: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        self._waiting.append((waiter, len(calls), []))
        self._transport.write(calls.written)
        return await waiter

    def when_over(self, call: Callable[[bool], None], repeatable: Callable[[], bool]) -> None:
        """Have something called when the connection is over or used again; says whether Kong was told what to do."""
        self.afterwards = call
        self.repeatable = repeatable

    def take(self, results: list[bytes]) -> bool:
        """Give all results of the only call at once, as they nearly always come; False: they are not that."""
        if len(self._waiting) != 1:
            return False
        waiter, expected, earlier = self._waiting[0]
        if earlier or len(results) != expected:
            return False
        self._waiting.clear()
        if not waiter.done():
            waiter.set_result(results)
        return True

    def result(self, content: bytes) -> bool:
        """Give a result to the oldest call; False: none waits."""
        if not self._waiting:
            return False
        waiter, expected, results = self._waiting[0]
        results.append(content)
        if len(results) == expected:
            self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(results)
        return True

    def end(self) -> None:
        """Nobody answers PDK calls any more; the handler is cancelled if it still runs."""
        self._over = True
        self._waiting.clear()
        if self.task is not None and not self.task.done():
            self.task.cancel()


class Session(asyncio.Protocol):
    """
    One connection.

    Args:
        runtime: Instances and gateways.
        events: The events under way in this worker.
    """

    __slots__ = ("_afterwards", "_event", "_events", "_reader", "_runtime", "_transport", "fresh", "state")

    def __init__(self, runtime: Runtime, events: Events) -> None:
        self.state = State.IDLE
        self.fresh = True
        self._runtime = runtime
        self._events = events
        self._reader = FrameReader()
        self._event: Event | None = None
        self._afterwards: Callable[[bool], None] | None = None
        self._transport: asyncio.Transport

    def __repr__(self) -> str:
        return f"<Session {self.state.value}>"

    @property
    def deadline(self) -> float:
        """When the event under way must be answered; never, if there is none."""
        return self._event.deadline if self._event is not None else float("inf")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Kong has connected."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._events.connected(self)

    def data_received(self, data: bytes) -> None:
        """Kong has sent something."""
        state = self.state
        if state is State.ANSWERED or state is State.LEAVING:
            return
        try:
            frames = self._reader.feed(data)
            if state is State.EVENT and self._event is not None and self._event.take(frames):
                return
            for content in frames:
                if self.state is State.IDLE:
                    self._call(content)
                elif self.state is State.EVENT:
                    self._result(content)
                else:
                    return
        except ProtocolError as error:
            _log.error("Kong's bytes were not understood: %s", error)
            self.fail(INTERNAL_SERVER_ERROR)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended; with an error, if something that was written may not have arrived."""
        answered = self.state is State.ANSWERED and exc is None
        self.state = State.CLOSED
        self._end_event()
        self._events.disconnected(self)
        self._be_over(answered=answered)

    def fail(self, code: ErrorCode) -> None:
        """Answer with an error in place of whoever should have."""
        self._exit(failed(code))

    def expire(self) -> None:
        """The deadline of the event is over."""
        _log.warning("a request was not answered in time")
        self.fail(GATEWAY_TIMEOUT)

    def give_up(self) -> None:
        """The worker ends: who may have changed something is not told to try again."""
        repeatable = self._event.repeatable if self._event is not None else None
        self.fail(SERVICE_UNAVAILABLE if repeatable is None or repeatable() else REQUEST_INTERRUPTED)

    def hang_up(self) -> None:
        """Close our end only: what Kong writes at this very moment must not meet a closed connection."""
        if self.state is State.IDLE:
            self.state = State.LEAVING
            self.fresh = False
            self._transport.write_eof()

    def close(self) -> None:
        """Let the connection go after what was written; an event under way must have been answered."""
        self._transport.close()

    def _call(self, content: bytes) -> None:
        self.fresh = False
        match decode_call(content):
            case HandleEvent(sequence, instance, phase):
                self._begin(sequence, instance, phase)
            case StartInstance(sequence, plugin, configuration):
                self._start(sequence, plugin, configuration)
            case CloseInstance(sequence, instance):
                self._runtime.close_instance(instance)
                self._answer(encode_answer(Done(sequence)))
            case other:
                self._answer(encode_answer(Done(other.sequence)))

    def _start(self, sequence: int, plugin: str, configuration: bytes) -> None:
        try:
            instance = self._runtime.start_instance(configuration)
        except Exception:  # noqa: BLE001 - whatever it is
            # Here closing is right: Kong answers its client with 500 and replays nothing.
            _log.exception("an instance cannot be started")
            self._transport.close()
            self.state = State.CLOSED
            return
        self._answer(encode_answer(InstanceStarted(sequence, plugin, instance)))

    def _answer(self, answer: bytes) -> None:
        self._transport.write(frame(answer))

    def _begin(self, sequence: int, instance: int, phase: str) -> None:
        if self._events.full:
            self.fail(SERVICE_UNAVAILABLE)
            return
        loop = asyncio.get_running_loop()
        try:
            tenant = self._runtime.find(instance)
        except Exception:  # noqa: BLE001 - an event must be answered whatever happens
            _log.exception("an instance could not be looked up")
            self.fail(INTERNAL_SERVER_ERROR)
            return
        event = self._event = Event(sequence, loop.time() + _patience(tenant), self._transport)
        self.state = State.EVENT
        self._events.begun(self)
        event.task = loop.create_task(decide(event, phase, tenant, self._runtime))
        event.task.add_done_callback(self._decided)

    def _result(self, content: bytes) -> None:
        assert self._event is not None
        if not self._event.result(content):
            _log.error("Kong sent a result that was not asked for")
            self.fail(INTERNAL_SERVER_ERROR)

    def _decided(self, task: asyncio.Task[Decision]) -> None:
        if task.cancelled():
            decision: Decision = failed(INTERNAL_SERVER_ERROR)
        elif (error := task.exception()) is not None:
            if self._event is not None and self._event.task is task:
                _log.error("a request failed", exc_info=error)
            decision = failed(INTERNAL_SERVER_ERROR)
        else:
            decision = task.result()
        if self._event is None or self._event.task is not task:
            return
        match decision:
            case Exit():
                self._exit(decision)
            case Tell(told, answer):
                self._exit(answer, told)
            case Proceed():
                sequence = self._end_event()
                self.state = State.IDLE
                self._transport.write(_EMPTY + frame(encode_answer(Done(sequence))))
                self._be_over(answered=True)
                if self._events.leaving:
                    self.hang_up()
            case _:
                self._end_event()
                self.state = State.CLOSED
                self._transport.close()

    def _exit(self, answer: Exit, told: bytes = b"") -> None:
        if self.state is not State.EVENT and self.state is not State.IDLE:
            return
        try:
            written = exit_frames(exit_parts(answer.status, answer.headers, answer.body), told)
        except UnicodeEncodeError:
            _log.exception("a header of an answer has characters that HTTP cannot carry")
            answer = failed(INTERNAL_SERVER_ERROR)
            written = exit_frames(exit_parts(answer.status, answer.headers, answer.body))
        self.state = State.ANSWERED
        self.fresh = False
        self._transport.write(written)
        self._end_event()

    def _be_over(self, *, answered: bool) -> None:
        afterwards, self._afterwards = self._afterwards, None
        if afterwards is not None:
            afterwards(answered)

    def _end_event(self) -> int:
        event, self._event = self._event, None
        if event is None:
            return 0
        self._events.ended(self)
        event.end()
        self._afterwards = event.afterwards
        return event.sequence


def _patience(tenant: Tenant | None) -> float:
    """Seconds until the session answers in the handler's place; Kong gives up after 60."""
    return tenant.limits.deadline / 1000 + _GRACE if tenant is not None else _WITHOUT_TENANT
