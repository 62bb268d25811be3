"""When a gateway counts as warm, with spells that are written down."""

from __future__ import annotations

import asyncio

import pytest

from bench.warming import Spell, settle


async def settled(costs, limit=10.0):
    left = iter(costs)

    async def spell():
        await asyncio.sleep(0)
        return Spell(100, next(left))

    return await settle(spell, limit)


async def test_it_goes_on_while_requests_get_cheaper():
    # A fall of less than 5 % beside its neighbour adds up: 6.0, 5.8, 5.6 is one.
    found = await settled([34, 23, 22.7, 15, 6.0, 5.8, 5.6, 5.7, 5.5, 1.0])
    assert (found.requests, found.first_ms, found.level_ms, found.settled) == (900, 34, 5.6, True)


async def test_spells_that_others_made_dear_are_no_fall():
    found = await settled([1.0, 3.0, 0.8, 2.0, 0.79, 0.1])
    assert (found.requests, found.level_ms) == (500, 0.8)


@pytest.mark.parametrize("limit", [0.0, -1.0])
async def test_one_spell_is_the_least_and_is_not_called_settled(limit):
    found = await settled([1.0], limit)
    assert (found.requests, found.settled) == (100, False)


async def test_it_ends_when_the_time_is_up():
    async def spell():
        await asyncio.sleep(0.02)
        spell.cost *= 0.9
        return Spell(1, spell.cost)

    spell.cost = 1.0
    found = await settle(spell, 0.1)
    assert 1 <= found.requests <= 5
    assert not found.settled
