"""
First figures on the public federation benchmark's workload, in under two minutes.

The plugin server is measured in two ways: *protocol*, driven over Kong's plugin protocol by a client that behaves like
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
import socketserver
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop
from clients import BenchError, HttpLane, KongLane, Lane, start_instance
from measure import cpu, load, memory, yardstick_ms
from questions import Question, fresh, questions
from report import Figures, Report, medians, summary, table
from world import SUBGRAPHS, WORKLOAD

from examples.children import Child, ChildDiedError, Children, end_like_ctrl_c

ROOT = Path(__file__).resolve().parents[1]
CLI = (sys.executable, "-m", "kong_federation.cli.__main__")
SOCKET = "graphql-federation.socket"
START_SECONDS = 60.0  # a busy machine imports slowly
WARM_UP = 0.4  # seconds per way and operation: plans, connections, the subgraphs' memory
ALONE = 0.3  # seconds of the single client in each round
FRESH_TEXTS = 7


@dataclass(frozen=True, slots=True)
class Way:
    """
    One way to the plugin server.

    Args:
        name: For the table.
        child: The process that was started.
        lanes: Clients.
        front: Whether the started process is the stand-in itself, with the plugin server below it.
    """

    name: str
    child: Child
    lanes: Sequence[Lane]
    front: bool


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
    subgraphs = start_subgraphs(children)
    configuration = configure(subgraphs)
    protocol, start_ms = await open_protocol(children, configuration, asked[-1], arguments.lanes)
    stand_in = await open_stand_in(children, configuration, arguments.lanes)
    stats = Stats(subgraphs)
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


def start_subgraphs(children: Children) -> int:
    """Start the subgraphs' process; returns its port."""
    command = [sys.executable, str(ROOT / "bench" / "subgraphs.py"), "--port", "0"]
    child = children.start("subgraphs", command, cwd=ROOT)
    children.wait_until(lambda: child.output.read_text().endswith("\n"), "the subgraphs", START_SECONDS)
    port: int = json.loads(child.output.read_text().splitlines()[-1])["listening"]
    return port


def configure(subgraphs: int) -> dict[str, Any]:
    """The plugin's configuration."""
    return {
        "supergraph": {"path": str(WORKLOAD / "supergraph.graphql")},
        "subgraphs": [{"name": name, "url": f"http://127.0.0.1:{subgraphs}/{name}"} for name in SUBGRAPHS],
    }


async def open_protocol(
    children: Children, configuration: dict[str, Any], question: Question, lanes: int
) -> tuple[Way, float]:
    """Start the plugin server alone; also returns the milliseconds to its first right answer."""
    start = time.perf_counter()
    folder = Path(tempfile.mkdtemp(dir=children.folder))
    command = [*CLI, "serve", "--kong-prefix", str(folder), "--socket-name", SOCKET]
    child = children.start("kong-federation serve", command, cwd=ROOT)
    socket = folder / SOCKET
    children.wait_until(socket.exists, "the plugin server", START_SECONDS)
    # Kong adds keys of its own to every configuration.
    extra = {"__seq__": 1, "__key__": "plugins:graphql-federation:bench", "__plugin_id": "bench", "route_id": "bench"}
    instance = await start_instance(socket, orjson.dumps({**configuration, **extra}))
    way = Way("protocol", child, [KongLane(socket, instance) for _ in range(lanes)], front=False)
    if not question.is_right(await way.lanes[0].ask(question.request)):
        raise BenchError(f"the first answer to {question.name} is wrong")
    return way, (time.perf_counter() - start) * 1000


async def open_stand_in(children: Children, configuration: dict[str, Any], lanes: int) -> Way:
    """Start `kong-federation dev` with a kong.yml for the workload."""
    port = free_port()
    route = {
        "name": "graphql",
        "paths": ["/graphql"],
        "strip_path": False,
        "plugins": [{"name": "graphql-federation", "config": configuration}],
    }
    declared = children.folder / "kong.yml"
    declared.write_text(json.dumps({"_format_version": "3.0", "routes": [route]}))  # JSON is YAML
    child = children.start(
        "kong-federation dev", [*CLI, "dev", str(declared), "--port", str(port), "--no-access-log"], cwd=ROOT
    )
    children.wait_until(lambda: answers(port), "the stand-in for Kong", START_SECONDS)
    return Way("stand-in", child, [await HttpLane.open(port) for _ in range(lanes)], front=True)


def free_port() -> int:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as probe:
        port: int = probe.server_address[1]
        return port


def answers(port: int) -> bool:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        b'{"query":"{ __typename }"}',
        {"content-type": "application/json", "accept": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return "data" in json.load(response)
    except (OSError, ValueError):
        return False


async def one_run(way: Way, question: Question, seconds: float, stats: Stats) -> Figures:
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


async def cold_plan_ms(way: Way, question: Question, stats: Stats) -> float:
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
