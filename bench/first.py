"""
First figures on the public federation benchmark's workload, in under two minutes.

The plugin server is measured in two ways: *ours*, driven over Kong's plugin protocol by a client that behaves like
a Kong worker, and *stand-in*, with the HTTP front of `kong-federation dev` before it. Short runs of all ways and
operations are interleaved and repeated, and the medians are shown, because a shared machine is fast one second and slow
the next. Figures of different invocations are not comparable to the last digit; ratios within one are. The clients and
the subgraphs are other processes than those that are measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
import urllib.request
from pathlib import Path

import uvloop

from bench.clients import BenchError
from bench.gateways import Bench, Gateway, open_ours, open_stand_in, start_subgraphs
from bench.measure import cpu, load, memory, yardstick_ms
from bench.questions import Question, fresh, questions
from bench.report import Figures, Report, medians, summary, table
from examples.children import ChildDiedError, Children, end_like_ctrl_c

WARM_UP = 0.4  # seconds per way and operation: plans, connections, the subgraphs' memory
ALONE = 0.3  # seconds of the single client in each round
FRESH_TEXTS = 7


class Stats:
    """The subgraphs' own counts."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/stats"

    def read(self) -> tuple[int, float]:
        """Calls so far, and seconds spent on executing those that had not been seen before."""
        with urllib.request.urlopen(self._url, timeout=10) as response:
            stats = json.load(response)
        return sum(stats["calls"].values()), stats["executing_seconds"]


def main() -> int:
    arguments = parse_arguments()
    end_like_ctrl_c()
    try:
        with Children() as children:
            report = uvloop.run(measure(children, arguments))
    except (BenchError, ChildDiedError, TimeoutError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except ExceptionGroup as group:
        print(f"bench: {group.exceptions[0]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if arguments.json:
        arguments.json.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    print(table(report))
    print(summary(report))
    return 0 if report.correct else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="First figures on the public federation benchmark's workload.")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved runs of each (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one run (default: %(default)s)")
    parser.add_argument("--lanes", type=int, default=16, help="concurrent clients (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    return parser.parse_args()


async def measure(children: Children, arguments: argparse.Namespace) -> Report:
    """Start everything, warm it up, run the rounds, and put the figures together."""
    asked = questions()
    say("starting the subgraphs and the plugin server, alone and behind the stand-in")
    bench = Bench(children, start_subgraphs(children), arguments.lanes)
    start = time.perf_counter()
    protocol = await open_ours(bench)
    if not asked[-1].is_right(await protocol.lanes[0].ask(asked[-1].request)):
        raise BenchError(f"the first answer to {asked[-1].name} is wrong")
    start_ms = (time.perf_counter() - start) * 1000
    stand_in = await open_stand_in(bench)
    stats = Stats(bench.subgraphs)
    for way in (protocol, stand_in):
        for question in asked:
            await load(way.lanes, question, WARM_UP)
    runs: dict[tuple[str, str], list[Figures]] = {}
    yardsticks: list[float] = []
    for number in range(1, arguments.rounds + 1):
        say(f"round {number} of {arguments.rounds}")
        for question in asked:
            yardsticks.append(yardstick_ms(asked[0].expected))
            for way in (protocol, stand_in):
                figures = await one_run(way, question, arguments.seconds, stats)
                runs.setdefault((way.name, question.name), []).append(figures)
                children.check()
    say("fresh texts")
    cold = await cold_plan_ms(protocol, asked[0], stats)
    held = memory(protocol.child.process.pid)
    for lane in (*protocol.lanes, *stand_in.lanes):
        lane.close()
    return Report(
        rows=[medians(repeated) for repeated in runs.values()],
        start_ms=start_ms,
        cold_plan_ms=cold,
        rss_mb=held.resident,
        pss_mb=held.proportional,
        yardstick_ms=statistics.median(yardsticks),
        machine={"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()},
    )


def say(what: str) -> None:
    """Progress, for whoever waits; figures go to standard output."""
    print(f"bench: {what}", file=sys.stderr, flush=True)


async def one_run(way: Gateway, question: Question, seconds: float, stats: Stats) -> Figures:
    """One question on all lanes for a time, then on one."""
    calls, _ = stats.read()
    before = cpu(way.child.process.pid)
    run = await load(way.lanes, question, seconds)
    used = cpu(way.child.process.pid) - before
    made = stats.read()[0] - calls
    alone = await load(way.lanes[:1], question, ALONE)
    front, plugin = (used.root, used.below) if way.front else (0.0, used.root + used.below)
    return Figures(
        way=way.name,
        operation=question.name,
        plugin_ms=plugin * 1000 / run.requests,
        front_ms=front * 1000 / run.requests,
        requests_per_second=run.requests / run.seconds,
        p50_ms=run.percentile(0.5),
        p99_ms=run.percentile(0.99),
        alone_ms=alone.percentile(0.5),
        subgraph_requests=made / run.requests,
        answers=run.requests + alone.requests,
        wrong=run.wrong + alone.wrong,
    )


async def cold_plan_ms(way: Gateway, question: Question, stats: Stats) -> float:
    """
    The median of what the first request of a fresh text takes longer than a known one.

    If the gateway sends the operation's name on, the subgraphs execute what they had only to remember; that time is
    theirs and is taken off.
    """
    warm = (await load(way.lanes[:1], question, ALONE)).percentile(0.5)
    extra = []
    for _ in range(FRESH_TEXTS):
        _, executing = stats.read()
        start = time.perf_counter()
        text = fresh(question)
        answer = await way.lanes[0].ask(text.request)
        took = (time.perf_counter() - start) * 1000
        if not text.is_right(answer):
            raise BenchError("the answer to a fresh text is wrong")
        extra.append(took - warm - (stats.read()[1] - executing) * 1000)
    return statistics.median(extra)


if __name__ == "__main__":
    sys.exit(main())
