"""
Whether live requests feel that the supergraph is replaced.

    python -m bench.reload [--reloads N] [--rate N] [--workers N] [--changed] [--cold]

A steady load of a few dozen operations, well below what the machine can do, goes over Kong's protocol while the
supergraph's file is replaced again and again. A latency counts from the moment at which the request was due, so a
worker that stands still is charged for all that it lets wait. The new supergraph has one more field; with `--changed`
it calls a subgraph by another name, too, so that the largest third of the plans are others. `--cold` switches warming
off, to see what it is for.

The last line is `RELOAD p99_ratio=… cold_plans=… taken_s=… wrong=…`: the 99th percentile from the moment the file is
replaced until `SETTLE` seconds after the new supergraph is taken, by that before, median of the reloads; the requests
that had to wait for a plan then, of all reloads; the seconds until a new supergraph was taken, median; wrong answers.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import cast

import orjson
import uvloop

from bench.clients import BenchError, KongLane
from bench.figures import aligned, cell
from bench.gateways import Bench, Gateway, open_ours
from bench.graphs import WORKLOAD_GRAPH, workload
from bench.questions import OPERATIONS, Question, questions
from bench.start import start_subgraphs
from examples.children import ChildDiedError, Children, end_like_ctrl_c

KINDS = ("big", "hop2", "users")
EACH = 12  # operations of each kind
LANES = 16
POLL_MS = 200  # how often the worker looks at the file
BEFORE, SETTLE, AFTER = 6.0, 2.0, 3.0  # seconds
WARM_UP_ROUNDS = 4  # times each operation is asked before anything counts
PATIENCE = 60.0  # seconds in which a supergraph must be taken
CHANGED = "inventory"  # asked by the operations of the first kind only
SERVED = " is served, "  # in the worker's log, once for each worker and supergraph


@dataclass(slots=True)
class Phase:
    """What clients saw in one phase: latencies in seconds, requests that found no plan, wrong answers."""

    latencies: list[float] = field(default_factory=list)
    cold: int = 0
    wrong: int = 0

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


@dataclass(frozen=True, slots=True)
class Reload:
    """One reload: its three phases, and the seconds until the supergraph was taken."""

    before: Phase
    during: Phase
    after: Phase
    taken: float

    @property
    def ratio(self) -> float:
        return self.during.percentile(0.99) / self.before.percentile(0.99)


def main() -> int:
    parser = argparse.ArgumentParser(description="Whether live requests feel that the supergraph is replaced.")
    parser.add_argument("--reloads", type=int, default=5, help="how often it is replaced (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=150, help="requests in a second (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes of the plugin server (default: %(default)s)")
    parser.add_argument("--changed", action="store_true", help="with other plans for a third of the operations")
    parser.add_argument("--cold", action="store_true", help="plan nothing ahead")
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
    """Start, load, replace, and say what was seen."""
    graph = workload(children.folder, start_subgraphs(children))
    supergraph = {"path": str(graph.supergraph), "poll_interval": POLL_MS}
    warmup = {"on_reload": not arguments.cold}
    graph = dataclasses.replace(graph, extra={"supergraph": supergraph, "planning": {"warmup": warmup}})
    gateway = await open_ours(Bench(children, [graph], LANES, arguments.workers))
    load = Load(gateway, operations(), arguments.rate)
    await load.warm_up()
    seen: list[Reload] = []
    async with asyncio.TaskGroup() as group:
        clients = group.create_task(load.keep())
        for number in range(arguments.reloads):
            seen.append(await reload(load, graph.supergraph, number, arguments))
            print(f"bench: reload {number + 1}: {seen[-1].ratio:.2f}", file=sys.stderr, flush=True)
        load.stop()
        await clients
    print(table(seen))
    print(summary(seen))
    return 1 if any(phase.wrong for one in seen for phase in (one.before, one.during, one.after)) else 0


def operations() -> list[Question]:
    """A few dozen operations that differ in their text, and so have a plan each."""
    known = {question.name: question for question in questions()}
    found = []
    for kind in KINDS:
        # The small ones have no name, the large one has, and fragments before it.
        text = OPERATIONS[kind] if "query TestQuery" in OPERATIONS[kind] else f"query TestQuery {OPERATIONS[kind]}"
        for number in range(EACH):
            document = text.replace("query TestQuery", f"query {kind.capitalize()}{number}")
            found.append(Question(f"{kind} {number}", orjson.dumps({"query": document}), known[kind].expected))
    return found


class Load:
    """A steady load, and the phase it is counted for."""

    def __init__(self, gateway: Gateway, asked: Sequence[Question], rate: float) -> None:
        self.output: Path = gateway.child.output
        self._lanes = cast("Sequence[KongLane]", gateway.lanes[WORKLOAD_GRAPH])
        self._asked = asked
        self._turns: Iterator[Question] = cycle(asked)
        self._interval = len(self._lanes) / rate
        self._phase = Phase()
        self._end = False

    def begin(self) -> Phase:
        """Count for a new phase from here on."""
        self._phase = Phase()
        return self._phase

    def stop(self) -> None:
        """Send no further request."""
        self._end = True

    async def warm_up(self) -> None:
        """Ask everything a few times, one after the other, so that plans are compiled and connections open."""
        for question in [*self._asked] * WARM_UP_ROUNDS:
            await self._lanes[0].ask(question.request)

    async def keep(self) -> None:
        """Send requests when they are due, until told to stop."""
        start = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number, lane in enumerate(self._lanes):
                group.create_task(self._client(lane, start + number * self._interval / len(self._lanes)))

    async def _client(self, lane: KongLane, due: float) -> None:
        while not self._end:
            await asyncio.sleep(due - time.perf_counter())
            phase, question = self._phase, next(self._turns)
            answer = await lane.ask(question.request)
            phase.latencies.append(time.perf_counter() - due)
            phase.cold += b"miss" in lane.facts
            phase.wrong += not question.is_right(answer)
            due += self._interval


async def reload(load: Load, supergraph: Path, number: int, arguments: argparse.Namespace) -> Reload:
    """Replace the supergraph once, under load."""
    before = load.begin()
    await asyncio.sleep(BEFORE)
    served = count_served(load.output)
    during = load.begin()
    began = time.perf_counter()
    replace(supergraph, number, changed=arguments.changed)
    await until(lambda: count_served(load.output) >= served + arguments.workers)
    taken = time.perf_counter() - began
    await asyncio.sleep(SETTLE)
    after = load.begin()
    await asyncio.sleep(AFTER)
    return Reload(before, during, after, taken)


def replace(supergraph: Path, number: int, *, changed: bool = False) -> None:
    """
    Put another supergraph in its place, in one step.

    Args:
        supergraph: Its file.
        number: Of the reload.
        changed: Whether what asks for `CHANGED` gets another plan.
    """
    text = supergraph.read_text()
    text = re.sub(r"^type Query\b[^{]*\{", rf"\g<0>\n  reload{number}: Int", text, count=1, flags=re.MULTILINE)
    if changed:
        text = re.sub(rf'name: "{CHANGED}[^"]*"', f'name: "{CHANGED}-{number}"', text)
    fresh = supergraph.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(supergraph)


def count_served(output: Path) -> int:
    """How often a worker has taken a supergraph, by the log."""
    return output.read_text(errors="replace").count(SERVED)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that other processes do."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.05)


def table(seen: Sequence[Reload]) -> str:
    """By reload and phase, in milliseconds."""
    lines = [["reload", "phase", "requests", "p50 ms", "p99 ms", "cold", "taken s"]]
    for number, one in enumerate(seen, 1):
        for name, phase in (("before", one.before), ("during", one.during), ("after", one.after)):
            spread = [cell(phase.percentile(0.5)), cell(phase.percentile(0.99))]
            taken = f"{one.taken:.1f}" if name == "during" else ""
            lines.append([str(number), name, str(len(phase.latencies)), *spread, str(phase.cold), taken])
    return aligned(lines)


def summary(seen: Sequence[Reload]) -> str:
    """The last line."""
    ratio = statistics.median(one.ratio for one in seen)
    cold = sum(one.during.cold + one.after.cold for one in seen)
    wrong = sum(phase.wrong for one in seen for phase in (one.before, one.during, one.after))
    taken = statistics.median(one.taken for one in seen)
    return f"RELOAD p99_ratio={ratio:.2f} cold_plans={cold} taken_s={taken:.1f} wrong={wrong}"


if __name__ == "__main__":
    sys.exit(main())
