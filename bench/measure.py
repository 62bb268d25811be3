"""
What a run of load costs: time seen by clients, CPU and memory of process trees.

CPU is user and system time of every process of a tree, from /proc. The time of children that ended and were waited for
is in their parent's account, so a builder process that lives for one plan is counted too. The resolution is the clock
tick, 10 ms: a run has to take many of them.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench.clients import Lane
from bench.questions import Question
from examples.children import tree

TICK = os.sysconf("SC_CLK_TCK")
UTIME = 11  # fields of /proc/<pid>/stat after the name, proc(5)
MEGABYTE = 1024 * 1024
YARDSTICK_TIMES = 20
PATIENCE = 20.0  # seconds for the last answers of a run


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of CPU: of the process that was started, and of everything below it."""

    root: float
    below: float

    def __sub__(self, earlier: Cpu) -> Cpu:
        return Cpu(self.root - earlier.root, self.below - earlier.below)


@dataclass(frozen=True, slots=True)
class Memory:
    """
    Megabytes of a process.

    Args:
        command: What was started, its arguments separated by spaces.
        resident: All its pages; those that forks share count for each of them.
        proportional: The same with shared pages divided among those who share them.
    """

    command: str
    resident: float
    proportional: float


@dataclass(frozen=True, slots=True)
class Run:
    """
    What clients saw in one run of load.

    Args:
        seconds: How long it took.
        latencies: Seconds, sorted.
        wrong: Answers that were not equal to the expected one.
    """

    seconds: float
    latencies: Sequence[float]
    wrong: int

    @property
    def requests(self) -> int:
        return len(self.latencies)

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that this share of the requests did not exceed."""
        return self.latencies[min(self.requests - 1, int(share * self.requests))] * 1000


def cpu(root: int) -> Cpu:
    """The CPU that a tree has used so far."""
    own = below = 0.0
    for pid in tree(root):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended; its parent's account has it
            continue
        user, system, children_user, children_system = (int(field) / TICK for field in fields[UTIME : UTIME + 4])
        if pid == root:
            own += user + system
            below += children_user + children_system
        else:
            below += user + system + children_user + children_system
    return Cpu(own, below)


def memories(root: int) -> list[Memory]:
    """What each process of a tree holds in memory, the root first."""
    found = []
    for pid in sorted(tree(root), key=lambda pid: pid != root):
        kilobytes = {"Rss:": 0, "Pss:": 0}
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            word, *rest = line.split()
            if word in kilobytes:
                kilobytes[word] += int(rest[0])
        resident, proportional = (kilobytes[word] * 1024 / MEGABYTE for word in ("Rss:", "Pss:"))
        found.append(Memory(command, resident, proportional))
    return found


def yardstick_ms(value: Any) -> float:
    """
    CPU milliseconds that this process needs for a fixed piece of work: rebuild a JSON value piece by piece, write it.

    It slows down with the machine as the measured processes do, so figures of different invocations can be compared as
    multiples of it.
    """

    def rebuild(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: rebuild(inner) for name, inner in part.items()}
        if isinstance(part, list):
            return [rebuild(inner) for inner in part]
        return part

    start = time.process_time()
    for _ in range(YARDSTICK_TIMES):
        orjson.dumps(rebuild(value))
    return (time.process_time() - start) * 1000 / YARDSTICK_TIMES


async def load(lanes: Sequence[Lane], question: Question, seconds: float) -> Run:
    """
    Ask one question on every lane, or as many as it wants, again as soon as it is answered, for a time; once at least.

    Raises:
        BenchError: A request was not answered, or not with 200.
        TimeoutError: A request was not answered for a long time.
    """
    latencies: list[float] = []
    wrong = 0
    clock = time.perf_counter
    start = clock()
    end = start + seconds

    async def client(lane: Lane) -> None:
        nonlocal wrong
        sent = start
        while sent < end:
            sent = clock()
            request, mark = question.next()
            answer = await lane.ask(request)
            latencies.append(clock() - sent)
            wrong += not question.is_right(answer, mark)

    async with asyncio.timeout(seconds + PATIENCE), asyncio.TaskGroup() as group:
        for lane in lanes[: question.lanes]:
            group.create_task(client(lane))
    return Run(clock() - start, sorted(latencies), wrong)
