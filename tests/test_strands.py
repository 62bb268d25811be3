"""Promises and strands: who goes on when, and what becomes of errors and of those who leave."""

import asyncio

import pytest
import uvloop

from kong_federation.strands import Promise, Strand


def strand_of(work, mark=0, ledger=None):
    strand = Strand(work, [0] if ledger is None else ledger)
    strand.mark = mark
    strand.resume()
    return strand


async def value_of(promise, log=None):
    value = await promise
    if log is not None:
        log.append(value)
    return value


def test_who_waits_goes_on_where_the_value_is_set():
    promise, log = Promise(), []
    strand = strand_of(value_of(promise, log))
    assert not strand.done()
    promise.set_result(7)
    assert (log, strand.result(), strand.exception()) == ([7], 7, None)


def test_a_kept_promise_is_not_waited_for():
    promise = Promise()
    promise.set_result(7)
    assert strand_of(value_of(promise)).result() == 7


def test_errors_reach_who_waits_and_nobody_else():
    promise = Promise()
    strand = strand_of(value_of(promise))
    promise.set_exception(ValueError("as it should"))
    with pytest.raises(ValueError, match="as it should"):
        strand.result()
    assert isinstance(strand.exception(), ValueError)


def test_a_promise_is_kept_once_and_has_nothing_before():
    promise = Promise()
    with pytest.raises(asyncio.InvalidStateError):
        promise.result()
    promise.set_result(1)
    with pytest.raises(asyncio.InvalidStateError):
        promise.set_result(2)
    assert not promise.cancel()
    assert repr(promise) == "<Promise: kept>"


def test_several_are_told_in_order_and_late_ones_at_once():
    promise, log = Promise(), []
    for name in "abc":
        promise.then(lambda _, name=name: log.append(name))
    promise.set_result(None)
    promise.then(lambda _: log.append("late"))
    assert log == ["a", "b", "c", "late"]


def test_who_brings_a_value_does_not_suffer_from_what_becomes_of_it(caplog):
    promise = Promise()
    promise.then(lambda _: 1 / 0)
    promise.set_result(1)
    assert promise.result() == 1
    assert "ZeroDivisionError" in caplog.text


def test_who_fails_when_told_takes_nothing_from_the_next(caplog):
    promise, log = Promise(), []
    promise.then(lambda _: 1 / 0)
    promise.then(lambda _: log.append("told"))
    promise.set_result(1)
    assert log == ["told"]
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("collected", [False, True])
async def test_cancelled_promises_can_be_gathered(collected):
    kept, cancelled = Promise(), Promise()
    gathered = asyncio.gather(kept, cancelled, return_exceptions=collected)
    kept.set_result(1)
    cancelled.cancel()
    done, _ = await asyncio.wait({gathered}, timeout=5)
    assert done == {gathered}
    if collected:
        value, error = gathered.result()
        assert (value, type(error)) == (1, asyncio.CancelledError)
    else:
        with pytest.raises(asyncio.CancelledError):
            gathered.result()


def test_each_step_is_marked_also_inside_anothers():
    ledger, seen = [0], []
    first, second = Promise(), Promise()

    async def outer():
        await first
        seen.append(("outer", ledger[0]))
        second.set_result(None)
        seen.append(("outer", ledger[0]))

    async def inner():
        seen.append(("inner", ledger[0]))
        await second
        seen.append(("inner", ledger[0]))

    strand_of(outer(), 5, ledger)
    strand_of(inner(), 9, ledger)
    assert ledger == [0]
    first.set_result(None)
    assert seen == [("inner", 9), ("outer", 5), ("inner", 9), ("outer", 5)]
    assert ledger == [0]


def test_cancelling_a_strand_cancels_what_it_waits_for():
    promise, ended = Promise(), []

    async def work():
        try:
            await promise
        finally:
            ended.append(True)

    strand = strand_of(work())
    assert strand.cancel()
    assert promise.cancelled()
    assert strand.cancelled()
    assert ended == [True]
    assert not strand.cancel()
    with pytest.raises(asyncio.CancelledError):
        strand.result()


def test_what_cancels_itself_ends_at_the_next_wait():
    never = Promise()

    async def work():
        strand.cancel()
        await never

    strand = Strand(work(), [0])
    strand.resume()
    assert strand.cancelled()
    assert never.cancelled()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_strands_wait_for_what_the_loop_has_and_tasks_for_promises(loop):
    async def futures():
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)
        future = loop.create_future()
        loop.call_soon(future.set_result, 1)
        return await future + await loop.create_task(asyncio.sleep(0, 2)) + await asyncio.to_thread(lambda: 4)

    async def everything():
        promise = Promise()
        task = asyncio.create_task(value_of(promise))
        await asyncio.sleep(0)
        promise.set_result(8)
        shielded = Promise()
        waiting = asyncio.shield(shielded)
        shielded.set_result(16)
        return await strand_of(futures()) + await task + await waiting

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(everything()) == 31


async def test_a_cancelled_task_gives_its_promise_up():
    promise = Promise()
    task = asyncio.create_task(value_of(promise))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert promise.cancelled()


async def test_a_strand_is_cancelled_while_it_waits_for_a_future():
    strand = strand_of(value_of(asyncio.get_running_loop().create_future()))
    strand.cancel()
    with pytest.raises(asyncio.CancelledError):
        await strand


async def test_a_future_that_has_come_is_not_lost_by_cancelling():
    """Between a future's result and the turn in which who waits learns of it, there is nothing to cancel."""
    future, later = asyncio.get_running_loop().create_future(), Promise()

    async def work():
        await future
        await later

    strand = strand_of(work())
    future.set_result(1)
    strand.cancel()
    await asyncio.sleep(0)
    assert strand.cancelled()
    assert later.cancelled()
