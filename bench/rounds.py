"""
Measurements of one gateway at a time, in turns: what makes figures comparable on a machine that is fast one second and
slow the next.

A turn is a short run of one operation on one gateway; a round is a turn of every gateway for every operation, and the
medians over the rounds count. Before the first round every gateway is warm on every operation (`warming.py`). CPU is
that of the gateway's whole process tree; clients and subgraphs are other processes.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from bench.clients import BenchError
from bench.figures import Figures, medians
from bench.gateways import FLOOR, OURS, Gateway
from bench.graphs import WORKLOAD_GRAPH
from bench.measure import PATIENCE, cpu, load
from bench.questions import Question
from bench.warming import Spell, Warmth, settle

ALONE = 0.12  # seconds of the single client in each turn
MIXED_SPELL = 0.05  # seconds of each operation when a gateway is warmed on many at once
FAILURES = (BenchError, TimeoutError, OSError, ExceptionGroup)
KNOWN_TO_FLOOR = ("big", "hop2", "users")


class Stats:
    """The subgraphs' own counts."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/stats"

    def read(self) -> tuple[int, float]:
        """Calls so far, and seconds spent on executing those that had not been seen before."""
        with urllib.request.urlopen(self._url, timeout=10) as response:
            stats = json.load(response)
        return sum(stats["calls"].values()), stats["executing_seconds"]


@dataclass(frozen=True, eq=False, slots=True)
class Turn:
    """
    What is run in a round.

    Args:
        gateway: Who.
        graph: On which of its graphs.
        question: What.
    """

    gateway: Gateway
    graph: str
    question: Question

    def __str__(self) -> str:
        on = "" if self.graph == WORKLOAD_GRAPH else f" on {self.graph}"
        return f"{self.gateway.name}, {self.question.name}{on}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """
    How turns are run.

    Args:
        stats: Of the subgraphs.
        seconds: Of one turn.
        rounds: Turns of each.
        warm_up: Most seconds in which each becomes warm before the first round; no more than `seconds`: one spell.
        alone: Seconds of the single client in each turn; 0: none.
        say: Is told of the progress.
        warmth: Is told how each became warm.
    """

    stats: Stats
    seconds: float
    rounds: int
    warm_up: float
    alone: float = ALONE
    say: Callable[[str], None] = lambda _: None
    warmth: dict[tuple[str, str], Warmth] = field(default_factory=dict)


def turns(gateways: Sequence[Gateway], graph: str, asked: Sequence[Question]) -> Iterator[Turn]:
    """Operation by operation every gateway that answers it."""
    for question in asked:
        for gateway in gateways:
            if graph in gateway.lanes and (gateway.name != FLOOR or question.name in KNOWN_TO_FLOOR):
                yield Turn(gateway, graph, question)


async def compare_answers(todo: Sequence[Turn], notes: list[str]) -> list[Turn]:
    """
    Ask everything once before anything is timed.

    Args:
        todo: What is to be asked.
        notes: Is told who answers otherwise than expected.

    Returns:
        The turns whose answer was the expected one.

    Raises:
        BenchError: Ours or the floor's is not.
    """
    right = []
    for turn in todo:
        request, mark = turn.question.next()
        try:
            answer = await asyncio.wait_for(turn.gateway.lanes[turn.graph][0].ask(request), PATIENCE)
            problem = "" if turn.question.is_right(answer, mark) else f"another answer: {answer[:200]!r}"
        except (BenchError, OSError, TimeoutError) as error:
            problem = str(error) or "no answer"
        if not problem:
            right.append(turn)
        elif turn.gateway.name in {OURS, FLOOR}:
            raise BenchError(f"{turn} has {problem}")
        else:
            notes.append(f"{turn} was not timed: {problem}")
    return right


async def rounds(todo: Sequence[Turn], conditions: Conditions, notes: list[str]) -> list[Figures]:
    """
    Run all turns as often as the conditions say. A gateway that fails in a turn is left out of what follows.

    Returns:
        Of each turn the medians.
    """
    runs: dict[Turn, list[Figures]] = {turn: [] for turn in todo}
    await _warm_up(runs, conditions, notes)
    for number in range(1, conditions.rounds + 1):
        conditions.say(f"round {number} of {conditions.rounds}")
        for turn in list(runs):
            try:
                runs[turn].append(await one_turn(turn, conditions))
            except FAILURES as error:
                _give_up(runs, turn, error, notes)
    return [medians(repeated) for repeated in runs.values() if repeated]


async def _warm_up(runs: dict[Turn, list[Figures]], conditions: Conditions, notes: list[str]) -> None:
    """Let plans, connections, just-in-time compilers and the subgraphs' memory settle."""
    for turn in list(runs):
        if conditions.warm_up > conditions.seconds:
            conditions.say(f"warming {turn}")
        try:
            found = await settle(lambda turn=turn: _spell([turn], conditions.seconds), conditions.warm_up)  # type: ignore[misc]
        except FAILURES as error:
            _give_up(runs, turn, error, notes)
        else:
            conditions.warmth[turn.gateway.name, turn.question.name] = found


async def warm_mixed(todo: Sequence[Turn], limit: float) -> Warmth:
    """
    Let a gateway become warm on many operations by turns, as it would in production.

    Args:
        todo: Turns of this one gateway.
        limit: Most seconds.

    Raises:
        BenchError: It failed.
    """
    return await settle(lambda: _spell(todo, MIXED_SPELL), limit)


async def _spell(todo: Sequence[Turn], seconds: float) -> Spell:
    """Load a gateway with each of its turns for so long."""
    gateway = todo[0].gateway
    before = cpu(gateway.child.process.pid)
    requests = 0
    for turn in todo:
        requests += (await load(gateway.lanes[turn.graph], turn.question, seconds)).requests
    used = cpu(gateway.child.process.pid) - before
    return Spell(requests, (used.root + used.below) * 1000 / requests)


def _give_up(runs: dict[Turn, list[Figures]], turn: Turn, error: Exception, notes: list[str]) -> None:
    cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
    if turn.gateway.name in {OURS, FLOOR}:
        raise BenchError(f"{turn}: {cause}") from error
    notes.append(f"{turn} failed under load: {str(cause) or 'no answer in time'}")
    del runs[turn]


async def one_turn(turn: Turn, conditions: Conditions) -> Figures:
    """One question on all lanes for a time, then on one."""
    gateway, lanes, stats = turn.gateway, turn.gateway.lanes[turn.graph], conditions.stats
    calls, _ = stats.read()
    before = cpu(gateway.child.process.pid)
    run = await load(lanes, turn.question, conditions.seconds)
    used = cpu(gateway.child.process.pid) - before
    made = stats.read()[0] - calls
    alone = await load(lanes[:1], turn.question, conditions.alone) if conditions.alone else None
    front, own = (used.root, used.below) if gateway.front else (0.0, used.root + used.below)
    return Figures(
        gateway=gateway.name,
        operation=turn.question.name,
        cpu_ms=own * 1000 / run.requests,
        front_ms=front * 1000 / run.requests,
        requests_per_second=run.requests / run.seconds,
        p50_ms=run.percentile(0.5),
        p99_ms=run.percentile(0.99),
        alone_ms=alone.percentile(0.5) if alone else 0.0,
        subgraph_requests=made / run.requests,
        answers=run.requests + (alone.requests if alone else 0),
        wrong=run.wrong + (alone.wrong if alone else 0),
    )
