"""Starting what a run needs: the subgraphs, then each gateway, with the time until it answers."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bench.clients import BenchError
from bench.gateways import (
    FLOOR,
    KONG_PDK,
    OURS,
    PLAIN,
    ROOT,
    STAND_IN,
    START_SECONDS,
    Bench,
    Gateway,
    Opener,
    open_floor,
    open_kong_pdk,
    open_ours,
    open_plain,
    open_stand_in,
)
from bench.measure import load, memories
from bench.peers import NPM, PeersMissingError, built, install
from bench.questions import Question, fresh
from bench.results import Start
from bench.rounds import FAILURES, Stats
from examples.children import ChildDiedError, Children, tree

OWN: dict[str, Opener] = {
    OURS: open_ours,
    PLAIN: open_plain,
    FLOOR: open_floor,
    STAND_IN: open_stand_in,
    KONG_PDK: open_kong_pdk,
}
BUILDER = "gateway.builder"  # in its command: the process that plans, one per supergraph and node
FRESH_TEXTS = 5
ALONE = 0.3  # seconds of one client before fresh texts, to know the known one's latency


def start_subgraphs(children: Children, corpus: Sequence[str] = ()) -> int:
    """Start the subgraphs' process, of the workload or of corpus graphs; returns its port."""
    command = [sys.executable, "-m", "bench.subgraphs", "--port", "0"]
    command += ["--corpus", *corpus] if corpus else []
    child = children.start("corpus subgraphs" if corpus else "subgraphs", command, cwd=ROOT)
    children.wait_until(lambda: child.output.read_text().endswith("\n"), "the subgraphs", START_SECONDS)
    port: int = json.loads(child.output.read_text().splitlines()[-1])["listening"]
    return port


def openers(only: Sequence[str], notes: list[str], say: Callable[[str], None]) -> dict[str, Opener]:
    """
    The gateways of a run.

    Args:
        only: Parts of names; none: all.
        notes: Is told what cannot be had.
        say: Is told of the progress.
    """
    wanted = {name: opener for name, opener in {**OWN, **NPM}.items() if chosen(name, only)}
    if any(name in NPM for name in wanted):
        try:
            install(say)
        except PeersMissingError as error:
            notes.append(f"gateways from npm were left out: {error}")
            wanted = {name: opener for name, opener in wanted.items() if name not in NPM}
    routers = {name: opener for name, opener in built().items() if chosen(name, only)}
    if not only and not routers:
        notes.append("hive-router and Cosmo's router were left out: HIVE_ROUTER_BIN and COSMO_ROUTER_BIN are not set")
    return {**wanted, **routers}


def unknown(only: Sequence[str]) -> list[str]:
    """Parts that are in no gateway's name."""
    return [part for part in only if not any(part in name for name in {**OWN, **NPM, **built()})]


def chosen(name: str, only: Sequence[str]) -> bool:
    """Whether a gateway is wanted: by its whole name, or by a part of it that is no other's whole name."""
    exact = {*OWN, *NPM}
    return not only or name in only or any(part in name for part in only if part not in exact)


async def open_all(
    bench: Bench, wanted: dict[str, Opener], notes: list[str], say: Callable[[str], None]
) -> dict[str, tuple[Gateway, float]]:
    """
    Start one gateway after the other, so that start times are of a machine that does nothing else.

    Returns:
        By name the gateway and the milliseconds until it answered.
    """
    running: dict[str, tuple[Gateway, float]] = {}
    for name, opener in wanted.items():
        say(f"starting {name}")
        began = time.perf_counter()
        try:
            gateway = await opener(bench)
        except (BenchError, TimeoutError, OSError, ChildDiedError) as error:
            if name == OURS:
                raise
            notes.append(f"{name} was left out, it did not start: {' '.join(str(error).split())[:600]}")
            bench.children.forget_the_ended()
            continue
        running[name] = (gateway, (time.perf_counter() - began) * 1000)
    return running


async def first_answers(
    running: dict[str, tuple[Gateway, float]], graph: str, big: Question
) -> dict[str, tuple[float, float]]:
    """By gateway the start time, and the milliseconds of the first *big* it is ever asked; of those that answer it."""
    found = {}
    for name, (gateway, start_ms) in running.items():
        began = time.perf_counter()
        with suppress(*FAILURES):
            await gateway.lanes[graph][0].ask(big.request)
            found[name] = (start_ms, (time.perf_counter() - began) * 1000)
    return found


async def cold_ms(gateway: Gateway, graph: str, big: Question, stats: Stats) -> float:
    """
    The median of what the first request of a fresh text takes longer than a known one.

    A gateway that sends the operation's name on makes the subgraphs execute what they had only to remember; that time
    is theirs and is taken off.
    """
    lane = gateway.lanes[graph][0]
    warm = (await load([lane], big, ALONE)).percentile(0.5)
    extra = []
    for _ in range(FRESH_TEXTS):
        _, executing = stats.read()
        text = fresh(big)
        began = time.perf_counter()
        answer = await lane.ask(text.request)
        took = (time.perf_counter() - began) * 1000
        if not text.is_right(answer):
            raise BenchError(f"{gateway.name}: the answer to a fresh text is wrong")
        extra.append(took - warm - (stats.read()[1] - executing) * 1000)
    return statistics.median(extra)


async def started(gateway: Gateway, graph: str, big: Question, stats: Stats, first: tuple[float, float]) -> Start:
    """What there is to say of a gateway apart from the load; after the load."""
    cold = 0.0
    if gateway.name != FLOOR:  # it knows texts by heart
        with suppress(*FAILURES):
            cold = await cold_ms(gateway, graph, big, stats)
    each = memories(gateway.child.process.pid)
    return Start(
        start_ms=first[0],
        first_ms=first[1],
        cold_ms=cold,
        rss_mb=sum(one.resident for one in each),
        pss_mb=sum(one.proportional for one in each),
        worker_mb=max(one.resident for one in [one for one in each[1:] if BUILDER not in one.command] or each),
    )


def ration(children: Children, gateways: Sequence[Gateway], share: float) -> None:
    """
    Give each worker of the plugin servers a share of a core from now on.

    Raises:
        ChildDiedError: That cannot be done here.
        TimeoutError: It was not done in time.
    """
    found = [pid for gateway in gateways for pid in tree(gateway.child.process.pid) if pid != gateway.child.process.pid]
    workers = [pid for pid in found if BUILDER.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()]
    command = [sys.executable, "-m", "bench.shares", str(share), *map(str, workers)]
    child = children.start("shares", command, cwd=ROOT)
    children.wait_until(lambda: bool(child.output.read_text()), "what gives workers their shares", START_SECONDS)
