"""How the plugin server's cost grows with the answer's size and with concurrent requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from bench.clients import BenchError
from bench.gateways import Gateway
from bench.graphs import WORKLOAD_GRAPH
from bench.questions import OPERATIONS, Question
from bench.rounds import Conditions, Stats, Turn, rounds
from bench.world import Tables, monolith

# Rows of the ledger for about so many bytes of answer.
ROW_BYTES = {"one subgraph": 280, "an entity per row": 410}
SELECTIONS = {"one subgraph": "id number text", "an entity per row": "id number text note"}
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
LANES = (1, 4, 16, 64, 256, 512)
CONCURRENT = "hop2"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    Answers of one size.

    Args:
        kind: Where the rows come from.
        kilobytes: Of an answer.
        cpu_ms: CPU of the plugin server per request.
        alone_ms: Median latency of one client.
        worker_mb: Resident memory of the worker after them.
    """

    kind: str
    kilobytes: float
    cpu_ms: float
    alone_ms: float
    worker_mb: float

    @property
    def us_per_kilobyte(self) -> float:
        """Microseconds of CPU per kilobyte of answer."""
        return self.cpu_ms * 1000 / self.kilobytes


@dataclass(frozen=True, slots=True)
class Concurrency:
    """
    So many clients at the same time.

    Args:
        lanes: How many.
        requests_per_second: Answers per second.
        p50_ms: Median latency.
        p99_ms: The latency that one request in a hundred exceeds.
        cpu_ms: CPU of the plugin server per request.
    """

    lanes: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


def answer_questions(sizes: Sequence[int] = SIZES) -> list[tuple[str, int, Question]]:
    """By kind and size what is asked; right answers are the monolith's."""
    whole = monolith(Tables.load())
    found = []
    for kind, selection in SELECTIONS.items():
        for size in sizes:
            text = f"{{ entries(first: {max(1, size // ROW_BYTES[kind])}) {{ {selection} }} }}"
            expected = whole.answer({"query": text})
            found.append((kind, size, Question(kind, orjson.dumps({"query": text}), expected, lanes=2)))
    return found


async def answers(
    gateway: Gateway,
    stats: Stats,
    seconds: float,
    worker_mb: Callable[[], float],
    say: Callable[[str], None],
    asked: Sequence[tuple[str, int, Question]],
) -> list[Answer]:
    """Measure each size; the two kinds are not interleaved with others, their course over the sizes counts."""
    found = []
    for kind, size, question in asked:
        say(f"answers of {size:,} bytes, {kind}")
        long = seconds * (4 if size >= 1_000_000 else 1)
        conditions = Conditions(stats, long, rounds=3, warm_up=seconds / 2, alone=seconds / 2)
        (row,) = await rounds([Turn(gateway, WORKLOAD_GRAPH, question)], conditions, [])
        if row.wrong:
            raise BenchError(f"answers of {size} bytes are wrong")
        kilobytes = len(orjson.dumps(question.expected)) / 1024
        found.append(Answer(kind, kilobytes, row.cpu_ms, row.alone_ms, worker_mb()))
    return found


async def concurrency(
    gateway: Gateway, stats: Stats, seconds: float, say: Callable[[str], None], lanes: Sequence[int] = LANES
) -> list[Concurrency]:
    """Measure each number of clients, in turns."""
    expected = monolith(Tables.load()).answer({"query": OPERATIONS[CONCURRENT]})
    request = orjson.dumps({"query": OPERATIONS[CONCURRENT]})
    todo = [Turn(gateway, WORKLOAD_GRAPH, Question(f"{count}", request, expected, lanes=count)) for count in lanes]
    conditions = Conditions(stats, seconds, rounds=3, warm_up=seconds / 2, alone=0, say=say)
    found = await rounds(todo, conditions, [])
    if any(row.wrong for row in found):
        raise BenchError("answers under concurrency are wrong")
    return [
        Concurrency(int(row.operation), row.requests_per_second, row.p50_ms, row.p99_ms, row.cpu_ms) for row in found
    ]
