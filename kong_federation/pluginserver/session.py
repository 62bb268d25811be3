"""
One connection from Kong.

    state     what happens                       what is done                                        next
    IDLE      start, close, another call         answered in one frame                               IDLE
    IDLE      an event                           what it always needs is asked                       EVENT
    IDLE      an event of another phase          empty frame, return                                 IDLE
    IDLE      an event above the bound           exit 503                                            ANSWERED
    IDLE      bytes that are no call             exit 500                                            ANSWERED
    IDLE      an instance that cannot be kept    closed; Kong gives its client a 500                 CLOSED
    EVENT     the last result of these           its handler starts                                  EVENT
    EVENT     a frame, a PDK call waits          the call gets its result                            EVENT
    EVENT     a frame, no PDK call waits         exit 500, the handler is cancelled                  ANSWERED
    EVENT     the handler decides Exit           what it told, exit; of the replies, bytes count     ANSWERED
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
from collections.abc import Callable
from enum import Enum
from time import monotonic

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
    InstanceStarted,
    ProtocolError,
    StartInstance,
    cut,
    decode_call,
    encode_answer,
    exit_frames,
    frame,
    read_event,
)
from kong_federation.kong.event import Decision, Proceed, decide, opening
from kong_federation.kong.failures import failed
from kong_federation.kong.pdk import Calls, Entry, EventOver
from kong_federation.kong.runtime import Runtime, Tenant
from kong_federation.pluginserver.events import Events
from kong_federation.strands import Promise, Strand
from kong_federation.streams import Stream

_log = logging.getLogger(__name__)

_WITHOUT_TENANT = 10.0  # seconds for an event whose instance nobody knows

_EMPTY = frame(b"")
_NEVER = float("inf")


class State(Enum):
    """Where a connection stands."""

    IDLE = "idle"
    EVENT = "in an event"
    ANSWERED = "answered"
    LEAVING = "leaving"
    CLOSED = "closed"


# In Python 3.11, asking an enumeration for a member costs as much as a call.
_IDLE, _EVENT, _ANSWERED, _LEAVING, _CLOSED = State


class Event(Strand[Decision]):
    """
    An event whose handler runs; its channel to Kong.

    Args:
        tenant: Who the event's instance belongs to.
        runtime: Where instances live.
        replies: What Kong said to the opening.
        transport: The connection.
        decided: Called when the handler has decided.
    """

    __slots__ = ("_calls", "_got", "_over", "_transport", "entry", "told")

    def __init__(
        self,
        tenant: Tenant | None,
        runtime: Runtime,
        replies: list[bytes],
        transport: asyncio.Transport,
        decided: Callable[[Event], None],
    ) -> None:
        Strand.__init__(self, decide(self, tenant, runtime, replies), runtime.guard.pulse.ledger, decided)
        self.told = b""
        self.entry: Entry | None = None
        self._transport = transport
        self._calls: list[tuple[Promise[list[bytes]], int]] = []
        self._got: list[bytes] = []
        self._over = False

    def call(self, calls: Calls) -> Promise[list[bytes]]:
        """Make PDK calls, all in one write."""
        if self._over:
            raise EventOver
        promise: Promise[list[bytes]] = Promise()
        self._calls.append((promise, len(calls.calls)))
        self._transport.write(calls.written)
        return promise

    def enter(self, entry: Entry) -> None:
        """Have a request looked after."""
        if self._over:
            # Its end came between a result and the turn in which it goes on. Nothing has been begun.
            entry.over(answered=True)
            raise EventOver
        self.entry = entry
        self.mark = self._ledger[0] = entry.place

    def take(self, results: list[bytes]) -> list[bytes]:
        """Give results to the calls that wait for them, the oldest first; returns those that nobody waits for."""
        if self._got:
            results = self._got + results
            self._got = []
        while results and self._calls:
            promise, expected = self._calls[0]
            if len(results) < expected:
                self._got = results
                return []
            del self._calls[0]
            rest = results[expected:]
            # Here the handler goes on, and may make further calls or end the event.
            promise.set_result(results[:expected])
            results = rest
        return results

    def end(self) -> None:
        """Nobody answers PDK calls any more; the handler is cancelled."""
        self._over = True
        self._calls.clear()
        self.cancel()


class Session(Stream):
    """
    One connection.

    Args:
        runtime: Instances and gateways.
        events: The events under way in this worker.

    Attributes:
        state: Where it stands.
        fresh: Whether nothing has been asked of it yet.
        deadline: When the event under way must be answered, monotonic seconds; never, if there is none.
    """

    __slots__ = (
        "_asked",
        "_due",
        "_entry",
        "_event",
        "_events",
        "_got",
        "_reader",
        "_runtime",
        "_sequence",
        "_tenant",
        "_transport",
        "deadline",
        "fresh",
        "state",
    )

    def __init__(self, runtime: Runtime, events: Events) -> None:
        self.state = _IDLE
        self.fresh = True
        self.deadline = _NEVER
        self._runtime = runtime
        self._events = events
        self._reader: FrameReader | None = None  # nearly always, what comes are whole frames
        self._event: Event | None = None  # None in an event: the opening is not answered yet
        self._entry: Entry | None = None
        self._tenant: Tenant | None = None
        self._sequence = 0
        self._asked = 0  # calls of the opening
        self._due = 0  # bytes of Kong's without which it has not taken the answer
        self._got: list[bytes] = []  # its results, as long as some are missing
        self._transport: asyncio.Transport

    def __repr__(self) -> str:
        return f"<Session {self.state.value}>"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Kong has connected."""
        # uvloop's transports are no subclasses of asyncio's, so nothing could be asserted.
        self._transport = transport  # type: ignore[assignment]
        self._events.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Kong has sent something."""
        state = self.state
        if state is _ANSWERED or state is _LEAVING:
            self._due -= len(data)
            return
        try:
            if self._reader is None:
                frames, consumed = cut(data)
                if consumed < len(data):
                    self._reader = FrameReader()
                    self._reader.feed(data[consumed:])
            else:
                frames = self._reader.feed(data)
            while frames:
                if self.state is _EVENT:
                    frames = self._results(frames)
                elif self.state is _IDLE:
                    self._call(frames.pop(0))
                else:
                    return
        except ProtocolError as error:
            _log.error("Kong's bytes were not understood: %s", error)
            self.fail(INTERNAL_SERVER_ERROR)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended; with an error, if something that was written may not have arrived."""
        # Kong replies to what it is told before the answer, and where it cannot it may send the event again, the answer
        # unread.
        answered = self.state is _ANSWERED and exc is None and self._due <= 0
        if self.state is _EVENT:
            self._end_event()
        self.state = _CLOSED
        self._events.connections.discard(self)
        entry = self._entry
        if entry is not None:
            self._entry = None
            entry.over(answered=answered)

    def fail(self, code: ErrorCode) -> None:
        """Answer with an error in place of whoever should have."""
        self._exit(failed(code))

    def expire(self) -> None:
        """The deadline of the event is over."""
        _log.warning("a request was not answered in time")
        self.fail(GATEWAY_TIMEOUT)

    def give_up(self) -> None:
        """The worker ends: who may have changed something is not told to try again."""
        entry = self._event.entry if self._event is not None else None
        self.fail(SERVICE_UNAVAILABLE if entry is None or entry.repeatable else REQUEST_INTERRUPTED)

    def hang_up(self) -> None:
        """Close our end only: what Kong writes at this very moment must not meet a closed connection."""
        if self.state is _IDLE:
            self.state = _LEAVING
            self.fresh = False
            self._transport.write_eof()

    def close(self) -> None:
        """Let the connection go after what was written; an event under way must have been answered."""
        self._transport.close()

    def _results(self, frames: list[bytes]) -> list[bytes]:
        """Give an event its results; what is left belongs to whatever comes after it."""
        event = self._event
        if event is not None:
            left = event.take(frames)
            if left and self._event is event:
                _log.error("Kong sent a result that was not asked for")
                self.fail(INTERNAL_SERVER_ERROR)
            return left
        if self._got:
            frames = self._got + frames
        if len(frames) < self._asked:
            self._got = frames
            return []
        left = frames[self._asked :]
        self._got = []
        replies = frames[: self._asked]
        event = self._event = Event(self._tenant, self._runtime, replies, self._transport, self._decided)
        event.resume()
        return left

    def _call(self, content: bytes) -> None:
        self.fresh = False
        event = read_event(content)
        if event is None:
            self._other_call(content)
            return
        self._sequence, instance, phase = event
        try:
            tenant = self._runtime.find(instance)
        except Exception:  # noqa: BLE001 - an event must be answered whatever happens
            _log.exception("an instance could not be looked up")
            self.fail(INTERNAL_SERVER_ERROR)
            return
        asked = opening(phase, tenant)
        if asked is None:
            self._proceed()
            return
        if not self._events.begin(self):
            self.fail(SERVICE_UNAVAILABLE)
            return
        self.state = _EVENT
        self.deadline = monotonic() + (tenant.patience if tenant is not None else _WITHOUT_TENANT)
        self._tenant = tenant
        self._asked = len(asked.calls)
        self._transport.write(asked.written)

    def _other_call(self, content: bytes) -> None:
        match decode_call(content):
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
            self.state = _CLOSED
            return
        self._answer(encode_answer(InstanceStarted(sequence, plugin, instance)))

    def _answer(self, answer: bytes) -> None:
        self._transport.write(frame(answer))

    def _decided(self, event: Event) -> None:
        if self._event is not event:
            return
        try:
            decision = event.result()
        except asyncio.CancelledError:
            decision = failed(INTERNAL_SERVER_ERROR)
        except BaseException:  # noqa: BLE001 - whatever it is, Kong waits for an answer
            _log.exception("a request failed")
            decision = failed(INTERNAL_SERVER_ERROR)
        if isinstance(decision, Exit):
            self._exit(decision, event.told)
            return
        self._end_event()
        if isinstance(decision, Proceed):
            self._proceed()
        else:
            self.state = _CLOSED
            self._transport.close()

    def _proceed(self) -> None:
        """Let the request pass; the connection is used again."""
        self.state = _IDLE
        self._transport.write(_EMPTY + frame(encode_answer(Done(self._sequence))))
        entry, self._entry = self._entry, None
        if entry is not None:
            entry.over(answered=True)
        if self._events.leaving:
            self.hang_up()

    def _exit(self, answer: Exit, told: bytes = b"") -> None:
        state = self.state
        if state is not _EVENT and state is not _IDLE:
            return
        try:
            status, headers, body = answer
            written = exit_frames(status, headers, body, told)
        except UnicodeEncodeError:
            _log.exception("a header of an answer has characters that HTTP cannot carry")
            answer = failed(INTERNAL_SERVER_ERROR)
            written = exit_frames(answer.status, answer.headers, answer.body)
        self.state = _ANSWERED
        self.fresh = False
        if told and self._tenant is not None:
            self._due = self._tenant.conversation.receipt
        self._transport.write(written)
        if state is _EVENT:
            self._end_event()

    def _end_event(self) -> None:
        event, self._event = self._event, None
        self.deadline = _NEVER
        self._events.running.discard(self)
        if event is not None:
            self._entry = event.entry
            if not event.done():
                event.end()
