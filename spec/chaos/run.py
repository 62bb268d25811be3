"""One run: the load goes on while one fault follows the other, and each is judged by the answers of its time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from spec.chaos.faults import Fault, Stage
from spec.chaos.hosts import PATH, Host, standing
from spec.chaos.load import Answer, Load, Outcome
from spec.chaos.subgraphs import World, running

_SETTLE: Final = 0.7  # seconds of load after a fault is over, in which everything must be right again
_PATIENCE: Final = 60.0  # seconds for the first right answer
_SHOWN: Final = 5  # wrong answers that are shown of each fault


@dataclass(slots=True)
class Report:
    """
    What came out.

    Args:
        faults: How many were done.
        answers: How many of each kind.
        failures: What was wrong, in sentences.
    """

    faults: int = 0
    answers: Counter[Outcome] = field(default_factory=Counter)
    excess: int = 0
    failures: list[str] = field(default_factory=list)
    twice: set[str] = field(default_factory=set)

    @property
    def wrong(self) -> int:
        return self.answers[Outcome.WRONG] + self.excess

    @property
    def failed(self) -> bool:
        return bool(self.wrong or self.answers[Outcome.LOST] or self.failures)

    def total(self) -> str:
        """The last line."""
        requests = sum(self.answers.values())
        lost, errors = self.answers[Outcome.LOST], self.answers[Outcome.ERROR]
        return f"CHAOS faults={self.faults} requests={requests} wrong={self.wrong} lost={lost} errors={errors}"


async def run(faults: Sequence[Fault], folder: Path, binary: str, clients: int, pause: float) -> Report:
    """
    Do these faults to a host.

    Args:
        faults: What is done, in this order.
        folder: For everything that is written.
        binary: Kong's executable; "": behind the stand-in.
        clients: How many ask at the same time.
        pause: Seconds each rests between two requests.
    """
    report = Report()
    async with running() as world, standing(folder, world.urls, binary) as host:
        load = Load(host.url, clients, pause)
        await _first_answer(host)
        asking = asyncio.create_task(load.run())
        print(f"{host.name}: {clients} clients at {PATH}", flush=True)
        for fault in faults:
            if host.name in fault.hosts:
                await _do(fault, Stage(host, world, load), report)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        _count_orders(world, load, report)
        report.answers = Counter(answer.outcome for answer in load.answers)
    return report


async def _do(fault: Fault, stage: Stage, report: Report) -> None:
    load = stage.load
    first = len(load.answers)
    in_hand = load.in_flight
    load.allowed = fault.allowed
    began = time.monotonic()
    await fault.inject(stage)
    await asyncio.sleep(fault.seconds)
    if fault.heal is not None:
        await fault.heal(stage)
    load.allowed = frozenset()
    await asyncio.sleep(_SETTLE)
    report.faults += 1
    _judge(fault, stage, load.answers[first:], in_hand, began, report)


def _judge(fault: Fault, stage: Stage, answers: Sequence[Answer], in_hand: int, began: float, report: Report) -> None:
    errors = [answer for answer in answers if answer.outcome is Outcome.ERROR]
    counts = Counter(answer.outcome for answer in answers)
    codes = Counter(code for answer in errors for code in set(answer.codes))
    # A request may be on its way between the look at the load and the fault.
    if fault.only_in_hand and len(errors) > in_hand + 2:
        report.excess += len(errors) - in_hand
        report.failures.append(f"{fault.name}: {len(errors)} errors, but {in_hand} requests were in hand")
    report.failures += [f"{fault.name}: {text}" for text in stage.broken]
    _count_double(stage.world, fault.name, report)
    bad = [answer for answer in answers if answer.outcome in {Outcome.WRONG, Outcome.LOST}]
    for answer in bad[:_SHOWN]:
        when = f"after {answer.ended - began:.2f} s ({answer.ended - answer.began:.2f} s long)"
        report.failures.append(f"{fault.name}: {answer.outcome.value} {when}: {answer.text}")
    until = {code: max(one.ended for one in errors if code in one.codes) - began for code in codes}
    notes = [f"{code} {number} until {until[code]:.2f} s" for code, number in sorted(codes.items())]
    slowest = max((answer.ended - answer.began for answer in answers), default=0.0)
    print(
        f"{fault.name:<32} requests {len(answers):>5}  right {counts[Outcome.RIGHT]:>5}  errors {len(errors):>4}"
        f"  wrong {counts[Outcome.WRONG]}  lost {counts[Outcome.LOST]}  slowest {slowest:.2f} s"
        f"{''.join(f'; {note}' for note in (*notes, *stage.notes))}",
        flush=True,
    )


def _count_double(world: World, when: str, report: Report) -> None:
    twice = {order for order, times in world.orders.items() if times > 1} - report.twice
    report.twice |= twice
    report.excess += len(twice)
    report.failures += [f"{when}: order {order} was carried out {world.orders[order]} times" for order in sorted(twice)]


def _count_orders(world: World, load: Load, report: Report) -> None:
    _count_double(world, "at the end", report)
    never = [order for order in load.confirmed if not world.orders[order]]
    report.excess += len(never)
    report.failures += [f"order {order} was confirmed and not carried out" for order in never]
    print(
        f"orders: {len(load.ordered)} sent, {len(load.confirmed)} confirmed, {len(report.twice)} carried out twice",
        flush=True,
    )


async def _first_answer(host: Host) -> None:
    """Wait until the graph is served."""
    load = Load(host.url, 3, 0.05)
    asking = asyncio.create_task(load.run())
    end = time.monotonic() + _PATIENCE
    try:
        while sum(answer.outcome is Outcome.RIGHT for answer in load.answers[-9:]) < 9:
            if time.monotonic() > end:
                raise RuntimeError(f"{host.name}: no right answer: {load.answers[-1:]}")
            await asyncio.sleep(0.05)
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
