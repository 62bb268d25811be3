"""When a program is made, and when it is run."""

import asyncio
import time

import pytest

from kong_federation.executor import prepare
from kong_federation.executor.tier import COMPILED_AT, COMPILED_AT_LAST, MOST_SKIPPED, Tier
from tests.executor.kit import INT, World, query, root

PLAN = query(root(0, "a", "{x}"), x=INT)


@pytest.fixture
def tier():
    return Tier(PLAN)


async def test_a_plan_is_compiled_when_it_comes_again(tier):
    for _ in range(COMPILED_AT):
        assert tier.program() is None
    await tier._compiling
    assert tier.program() is not None


async def test_programs_are_made_one_after_the_other(monkeypatch):
    """Whoever computes in a thread holds up the loop; ten threads do so ten times."""
    under_way, most = [], 0

    def slow(plan, _breathe, *, trusting):
        nonlocal most
        under_way.append(plan)
        most = max(most, len(under_way))
        time.sleep(0.005)
        return under_way.pop()

    monkeypatch.setattr("kong_federation.executor.tier.compile_plan", slow)
    tiers = [Tier(PLAN) for _ in range(10)]
    for tier in tiers * COMPILED_AT:
        tier.program()
    assert await asyncio.gather(*(tier._compiling for tier in tiers)) == [True] * 10
    assert most == 1


async def test_a_plan_that_was_put_off_is_compiled_when_it_has_come_often(tier):
    tier.put_off()
    for use in range(COMPILED_AT_LAST):
        assert (tier.weight, tier.is_compiling) == (0, False), f"before use {use + 1}"
        assert tier.program() is None
    assert tier.is_compiling
    await tier._compiling
    assert not tier.is_compiling
    assert tier.weight == tier.program().weight > 0


def test_a_program_that_gives_up_is_left_alone_for_longer_and_longer(tier):
    tier.compile()
    pauses = []
    for _ in range(10):
        skipped = 0
        while tier.program() is None:
            skipped += 1
        pauses.append(skipped)
        tier.gave_up()
    assert pauses == [0, 1, 2, 4, 8, 16, 32, 64, 64, MOST_SKIPPED]
    while tier.program() is None:
        pass
    tier.succeeded()
    assert tier.program() is not None


async def test_the_interpreter_takes_over_without_sending_anything_again(monkeypatch):
    world = World({"a": {"data": {"x": "no number"}}})
    monkeypatch.setattr("kong_federation.executor.execute.Tier", Tier)
    executable = prepare(PLAN)
    executable.tier.compile()
    result = await executable.execute({}, world.context())
    assert result.data == {"x": None}
    assert len(result.errors) == 1
    assert len(world.sent) == 1
    assert executable.tier.given_up == 1


def test_a_plan_that_cannot_be_compiled_is_interpreted(tier, monkeypatch, caplog):
    def broken(_plan):
        raise ZeroDivisionError

    monkeypatch.setattr("kong_federation.executor.tier.compile_plan", broken)
    assert not tier.compile()
    assert tier.program.__self__ is tier
    assert "could not be compiled" in caplog.text
