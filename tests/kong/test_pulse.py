import asyncio
import os

import pytest
import uvloop

from kong_federation.kong.pulse import LifeState, pulses
from kong_federation.strands import Strand


def test_signs_are_seen_in_another_process():
    board = pulses(3)
    board[1].reset()
    child = os.fork()
    if not child:
        board[1].state = LifeState.SERVING
        board[1].live(7)
        os._exit(0)
    os.waitpid(child, 0)
    assert (board[1].state, board[1].running) == (LifeState.SERVING, 7)
    assert board[1].beat > 0
    assert (board[0].state, board[0].beat, board[2].state) == (LifeState.NONE, 0.0, LifeState.NONE)
    assert repr(board[1]) == "<Pulse serving, 7 running>"


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_each_step_of_a_request_is_marked_and_of_what_it_starts(loop):
    (pulse,) = pulses(1)
    seen = {}

    async def inner(name, place):
        for step in range(3):
            seen[name, step] = pulse.on_cpu == place
            await asyncio.sleep(0)

    async def request(name, place):
        async with asyncio.TaskGroup() as group:
            group.create_task(inner(f"{name} task", place))
            await inner(name, place)
        return name

    async def bystander():
        for step in range(10):
            seen["bystander", step] = pulse.on_cpu == 0
            await asyncio.sleep(0)
        return "bystander"

    async def everything():
        asyncio.get_running_loop().set_task_factory(pulse.make_task)
        strands = run(pulse, 5, in_a_task(request("a", 5))), run(pulse, 9, in_a_task(request("b", 9)))
        return await asyncio.gather(*strands, bystander(), run(pulse, 0, in_a_task(request("nowhere", 0))))

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(everything()) == ["a", "b", "bystander", "nowhere"]
    assert all(seen.values())
    assert len(seen) == 6 * 3 + 10
    assert pulse.on_cpu == 0


def run(pulse, place, work):
    """Run a request as a session does."""
    strand = Strand(work, pulse.ledger)
    strand.mark = place
    strand.resume()
    return strand


async def in_a_task(work):
    """As the gateway runs what needs a task."""
    return await asyncio.get_running_loop().create_task(work)


async def test_errors_and_cancellation_pass_through():
    (pulse,) = pulses(1)

    async def failing():
        await asyncio.sleep(0)
        raise ValueError("as it should")

    async def endless():
        try:
            await asyncio.sleep(60)
        finally:
            seen.append(pulse.on_cpu)

    seen = []
    asyncio.get_running_loop().set_task_factory(pulse.make_task)
    with pytest.raises(ValueError, match="as it should"):
        await run(pulse, 1, in_a_task(failing()))
    strand = run(pulse, 2, in_a_task(endless()))
    await asyncio.sleep(0)
    strand.cancel()
    with pytest.raises(asyncio.CancelledError):
        await strand
    assert seen == [2]
    assert pulse.on_cpu == 0


async def test_a_marked_coroutine_that_is_never_awaited_can_be_closed():
    (pulse,) = pulses(1)

    async def work():
        await asyncio.sleep(0)

    async def request():
        task = asyncio.create_task(work())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.get_running_loop().set_task_factory(pulse.make_task)
    await run(pulse, 1, request())
