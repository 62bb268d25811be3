"""
Whether memory stays bounded when no operation is ever asked twice.

    python -m bench.distinct [--count N] [--times N] [--lanes N] [--cache-bytes N] [--cache-plans N]

Sends so many operations that differ in an alias to one worker, over Kong's protocol, each of them planned anew, and
looks at the memory of the worker and of the builder ten times. Asked several times (`--times 4`), each is compiled as
well. The plan cache is full early; what grows after that is a leak. The last line is `DISTINCT operations=…
worker_mb_start=… worker_mb_full=… worker_mb_end=… worker_mb_most=… planner_mb_end=… cache_bound_mb=… per_second=…
bounded=… wrong=…`; *start* is the worker's memory before the first operation, *full* that when the cache had just been
filled. It is *bounded* if it never held more than the cache's bound above its start, and has not grown since the cache
was full.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop

from bench.clients import BenchError, Lane
from bench.figures import aligned
from bench.gateways import Bench, open_ours
from bench.graphs import WORKLOAD_GRAPH, workload
from bench.measure import MEGABYTE, memories
from bench.questions import COLD, Question, questions
from bench.start import BUILDER, start_subgraphs
from examples.children import ChildDiedError, Children, end_like_ctrl_c

LOOKS = 10
STEADY_SHARE, STEADY_MB = 0.05, 8.0  # what may come and go between two looks: the larger of them
FULL = (
    2  # the look at which the cache is taken to be full; with the default 4,096 plans it is at any count above 20,480
)


@dataclass(frozen=True, slots=True)
class Look:
    """
    The memory at one moment.

    Args:
        operations: Answered so far.
        worker_mb: Resident memory of the worker.
        planner_mb: Of the largest process that plans.
    """

    operations: int
    worker_mb: float
    planner_mb: float


def main() -> int:
    parser = argparse.ArgumentParser(description="Memory under operations that are never asked twice.")
    parser.add_argument("--count", type=int, default=100_000, help="operations (default: %(default)s)")
    parser.add_argument("--times", type=int, default=1, help="each is asked so often in a row (default: %(default)s)")
    parser.add_argument("--lanes", type=int, default=16, help="concurrent clients (default: %(default)s)")
    parser.add_argument("--cache-bytes", type=int, default=134_217_728, help="the cache's bound (default: %(default)s)")
    parser.add_argument("--cache-plans", type=int, default=4_096, help="most plans in it (default: %(default)s)")
    arguments = parser.parse_args()
    end_like_ctrl_c()
    try:
        with Children() as children:
            return uvloop.run(run(children, arguments))
    except (BenchError, ChildDiedError, TimeoutError) as error:
        print(f"bench: {error}", file=sys.stderr)
    except ExceptionGroup as group:
        print(f"bench: {group.exceptions[0]}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


async def run(children: Children, arguments: argparse.Namespace) -> int:
    """Ask, look, and say what was seen."""
    bounds = {"cache_max_bytes": arguments.cache_bytes, "cache_max_entries": arguments.cache_plans}
    graph = workload(children.folder, start_subgraphs(children))
    graph = dataclasses.replace(graph, extra={"planning": bounds})
    gateway = await open_ours(Bench(children, [graph], arguments.lanes))
    cold = next(question for question in questions() if question.name == COLD)
    lanes = gateway.lanes[WORKLOAD_GRAPH]
    start = look(gateway.child.process.pid, 0)
    looks: list[Look] = []
    wrong = 0
    began = time.perf_counter()
    for number in range(1, LOOKS + 1):
        upto = arguments.count * number // LOOKS
        wrong += await ask(lanes, cold, upto - (looks[-1].operations if looks else 0), arguments.times)
        looks.append(look(gateway.child.process.pid, upto))
        print(f"bench: {looks[-1]}", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - began
    print(table([start, *looks]))
    print(summary(start, looks, arguments, seconds, wrong))
    return 1 if wrong else 0


async def ask(lanes: Sequence[Lane], question: Question, count: int, times: int) -> int:
    """So many operations over all lanes, each so many times; returns how many answers were wrong."""
    left = count
    wrong = 0

    async def client(lane: Lane) -> None:
        nonlocal left, wrong
        while left > 0:
            left -= 1
            request, mark = question.next()
            for _ in range(times):
                wrong += not question.is_right(await lane.ask(request), mark)

    async with asyncio.TaskGroup() as group:
        for lane in lanes:
            group.create_task(client(lane))
    return wrong


def look(root: int, operations: int) -> Look:
    """The memory of the plugin server's processes."""
    supervisor, *others = memories(root)
    planners = [one.resident for one in others if BUILDER in one.command]
    workers = [one.resident for one in others if BUILDER not in one.command] or [supervisor.resident]
    return Look(operations, max(workers), max(planners, default=0.0))


def table(looks: Sequence[Look]) -> str:
    """What was seen, for people."""
    lines = [["operations", "worker MB", "planner MB"]]
    lines += [[f"{one.operations:,}", f"{one.worker_mb:.1f}", f"{one.planner_mb:.1f}"] for one in looks]
    return aligned(lines, left=0)


def is_bounded(start: Look, looks: Sequence[Look], cache_mb: float) -> bool:
    """Whether the worker's memory stayed within the cache's bound, and has not grown since the cache was full."""
    full = looks[FULL - 1].worker_mb
    steady = max(STEADY_SHARE * full, STEADY_MB)
    return max(one.worker_mb for one in looks) - start.worker_mb <= cache_mb and looks[-1].worker_mb - full <= steady


def summary(start: Look, looks: Sequence[Look], arguments: argparse.Namespace, seconds: float, wrong: int) -> str:
    """The one line."""
    words = {
        "operations": str(looks[-1].operations),
        "worker_mb_start": f"{start.worker_mb:.1f}",
        "worker_mb_full": f"{looks[FULL - 1].worker_mb:.1f}",
        "worker_mb_end": f"{looks[-1].worker_mb:.1f}",
        "worker_mb_most": f"{max(one.worker_mb for one in looks):.1f}",
        "planner_mb_end": f"{looks[-1].planner_mb:.1f}",
        "cache_bound_mb": f"{arguments.cache_bytes / MEGABYTE:.0f}",
        "per_second": f"{looks[-1].operations / seconds:.0f}",
        "bounded": "yes" if is_bounded(start, looks, arguments.cache_bytes / MEGABYTE) else "no",
        "wrong": str(wrong),
    }
    return " ".join(["DISTINCT", *(f"{name}={value}" for name, value in words.items())])


if __name__ == "__main__":
    sys.exit(main())
