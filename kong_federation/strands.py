"""
Work that waits without the loop's help.

A task of the event loop costs several microseconds before it has done anything, and each time it waits, it gets on only
in a later turn of the loop. A request waits three or four times, for Kong and for subgraphs, and each time there is
exactly one who waits and one place where the bytes arrive. So here the one who waits goes on there and then:

    Promise   a value to come; an asyncio task may wait for it as for a future
    Strand    runs a coroutine that waits for promises, and at times for futures; no task, no turn of the loop

A coroutine on a strand may await anything but what asks asyncio for the current task, as `asyncio.timeout` and
`asyncio.TaskGroup` do; such parts are made a task and awaited.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any, Final, Generic, TypeVar

_log = logging.getLogger(__name__)

_Value = TypeVar("_Value")

_PENDING: Final = 0
_KEPT: Final = 1
_FAILED: Final = 2
_CANCELLED: Final = 3


class Promise(Generic[_Value]):
    """
    A value to come, or an error.

    Its methods are a future's, with two differences: who is told by `then` is told at once, where the value is set, and
    nobody complains about an error that nobody asked for.
    """

    __slots__ = ("_asyncio_future_blocking", "_state", "_then", "_value")

    _cancel_message: Final = None  # `gather` asks futures for theirs

    def __init__(self) -> None:
        self._state = _PENDING
        self._then: Callable[[Any], object] | None = None
        self._value: Any = None
        self._asyncio_future_blocking = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {('pending', 'kept', 'failed', 'cancelled')[self._state]}>"

    def done(self) -> bool:
        """Whether it has a value or an error, or was cancelled."""
        return self._state != _PENDING

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._state == _CANCELLED

    def result(self) -> _Value:
        """
        The value.

        Raises:
            BaseException: The error that was set.
            CancelledError: It was cancelled.
            InvalidStateError: There is none yet.
        """
        if self._state == _KEPT:
            value: _Value = self._value
            return value
        if self._state == _FAILED:
            raise self._value
        if self._state == _CANCELLED:
            raise asyncio.CancelledError
        raise asyncio.InvalidStateError("nothing has come yet")

    def exception(self) -> BaseException | None:
        """The error; None: there is a value. Raises as `result` does where there is neither."""
        if self._state == _FAILED:
            error: BaseException = self._value
            return error
        self.result()
        return None

    def set_result(self, value: _Value) -> None:
        """Give it its value; who waits on a strand goes on before this returns."""
        self._end(value)

    def set_exception(self, error: BaseException) -> None:
        """Give it its error."""
        self._end(error, _FAILED)

    def _end(self, value: Any, state: int = _KEPT) -> None:
        if self._state != _PENDING:
            raise asyncio.InvalidStateError("it has come already")
        self._state = state
        self._value = value
        then = self._then
        if then is not None:
            self._then = None
            try:
                then(self)
            except Exception:  # noqa: BLE001 - who brings a value must not suffer from what becomes of it
                _log.exception("who waited for a promise has failed")

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002 - a future's signature
        """Say that nobody wants it; False: it is done already."""
        if self._state != _PENDING:
            return False
        self._end(None, _CANCELLED)
        return True

    def then(self, call: Callable[[Any], object]) -> None:
        """Have something called with this promise, at once when it is done, or now if it is."""
        if self._state != _PENDING:
            call(self)
        elif (before := self._then) is None:
            self._then = call
        else:

            def both(promise: Promise[_Value]) -> None:
                try:
                    before(promise)
                finally:
                    call(promise)

            self._then = both

    def add_done_callback(self, call: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Have something called with this promise in the loop's next turn after it is done; this is what tasks use."""
        loop = asyncio.get_running_loop()
        self.then(lambda promise: loop.call_soon(call, promise, context=context))

    def remove_done_callback(self, call: Callable[[Any], object]) -> int:
        """Not done: what was asked for by `add_done_callback` stays; only asyncio's `wait` asks, after the fact."""
        del call
        return 0

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The running loop; a promise belongs to no other."""
        return asyncio.get_running_loop()

    def _make_cancelled_error(self) -> asyncio.CancelledError:
        """What `gather` raises for a future that was cancelled."""
        return asyncio.CancelledError()

    def __await__(self) -> Generator[Any, None, _Value]:
        if self._state == _PENDING:
            self._asyncio_future_blocking = True
            yield self
        if self._state == _KEPT:
            value: _Value = self._value
            return value
        return self.result()


class Strand(Promise[_Value]):
    """
    A coroutine that is run, and the promise of what it returns.

    Args:
        coroutine: It is not begun before `resume` is called.
        ledger: Whoever looks there sees what runs: its first number is `mark` during each step.
        then: Called with the strand when it is over.
    """

    __slots__ = ("_cancelled", "_coroutine", "_ledger", "_waiting", "mark")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, _Value],
        ledger: memoryview | list[int],
        then: Callable[[Any], object] | None = None,
    ) -> None:
        Promise.__init__(self)
        self._then = then
        self._coroutine = coroutine
        self._ledger = ledger
        self._waiting: Promise[Any] | asyncio.Future[Any] | None = None
        self._cancelled = False
        self.mark = 0

    def resume(self, _: object = None) -> None:
        """Run it until it waits again, or is over."""
        if self._state != _PENDING:
            return
        ledger = self._ledger
        before = ledger[0]
        ledger[0] = self.mark
        self._waiting = None
        try:
            waiting = self._coroutine.send(None)
        except StopIteration as stop:
            ledger[0] = before
            self._end(stop.value)
            return
        except asyncio.CancelledError:
            ledger[0] = before
            self._end(None, _CANCELLED)
            return
        except BaseException as error:  # noqa: BLE001 - whoever waits is told, as by a task
            ledger[0] = before
            self._end(error, _FAILED)
            return
        ledger[0] = before
        self._waiting = waiting
        if isinstance(waiting, Promise):
            waiting._asyncio_future_blocking = False  # noqa: SLF001
            if waiting._then is None:  # noqa: SLF001
                waiting._then = self.resume  # noqa: SLF001
            else:
                waiting.then(self.resume)
        elif waiting is not None:
            waiting._asyncio_future_blocking = False  # noqa: SLF001
            waiting.add_done_callback(self.resume)
        else:
            asyncio.get_running_loop().call_soon(self.resume)
        if self._cancelled:
            self._cancelled = False
            self.cancel()

    def cancel(self, msg: object = None) -> bool:
        """Have the coroutine raise CancelledError where it waits; False: it is over already."""
        if self._state != _PENDING:
            return False
        waiting = self._waiting
        if waiting is None or not waiting.cancel(msg):
            # It runs at this moment, or is about to go on; the next thing it waits for will be cancelled.
            self._cancelled = True
        return True
