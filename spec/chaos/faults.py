"""
The faults: what is done, what is undone, and what clients may then be told.

Whatever a fault allows beside right answers is an error with one of the named codes; `KONG_500` is Kong's own page.
Codes of requests that were in hand when a worker died:

    REQUEST_INTERRUPTED   a mutation that may have been carried out
    REQUEST_QUARANTINED   a query that two workers died beside
    KONG_500              the worker had not read all that Kong had sent
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from spec.chaos.hosts import SUPERGRAPH, WORKERS, Host, served, workers
from spec.chaos.load import KONG_500, Answer, Load, Outcome, Question, ask
from spec.chaos.processes import alive, command, cut_connections, send, until
from spec.chaos.subgraphs import World

_IN_HAND: Final = frozenset({"REQUEST_INTERRUPTED", "REQUEST_QUARANTINED", KONG_500})
_UNTIL_BACK: Final = _IN_HAND | {"SERVICE_UNAVAILABLE"}
_NOBODY: Final[frozenset[str]] = frozenset()


@dataclass(slots=True)
class Stage:
    """
    Where a fault happens.

    Args:
        host: Serves the graph.
        world: The subgraphs.
        load: Is on all the time.
        notes: What a fault has to tell, for the report.
        broken: What a fault found wrong.
    """

    host: Host
    world: World
    load: Load
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


Act = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One fault.

    Args:
        name: For the report.
        inject: Does it.
        heal: Undoes it, and waits until it is over; None: it heals by itself.
        allowed: Codes that clients may be told.
        only_in_hand: Whether no more requests may be told so than were under way when it happened.
        seconds: How long the load goes on before it is undone.
        short: Whether it belongs to the short form.
        hosts: Where it can be done.
    """

    name: str
    inject: Act
    heal: Act | None = None
    allowed: frozenset[str] = _NOBODY
    only_in_hand: bool = False
    seconds: float = 1.5
    short: bool = False
    hosts: frozenset[str] = frozenset({"standin", "kong"})


async def _nothing(stage: Stage) -> None:
    """The load alone."""


async def _kill_worker(stage: Stage) -> None:
    send(signal.SIGKILL, workers(stage.host)[:1])


async def _kill_workers(stage: Stage) -> None:
    send(signal.SIGKILL, workers(stage.host))


async def _kill_supervisor(stage: Stage) -> None:
    send(signal.SIGKILL, [stage.host.server()])


async def _kill_server(stage: Stage) -> None:
    send(signal.SIGKILL, [stage.host.server(), *workers(stage.host)])


async def _stop_worker(stage: Stage) -> None:
    victim = workers(stage.host)[0]
    send(signal.SIGSTOP, [victim])
    if not await until(lambda: not alive(victim), 15):
        stage.broken.append("the stopped worker was not replaced")


async def _fill_memory(stage: Stage) -> None:
    before = set(workers(stage.host))
    if (await _tell(stage, "grow 300")).outcome is not Outcome.RIGHT:
        stage.broken.append("the request that grows was not answered")
    if not await until(lambda: not before <= set(workers(stage.host)), 30):
        stage.broken.append("the large worker was not succeeded")


async def _unlink_socket(stage: Stage) -> None:
    stage.host.socket.unlink()
    if not await until(stage.host.socket.exists, 5):
        stage.broken.append("the socket was not made again")


async def _cut_connections(stage: Stage) -> None:
    cut = 0
    for _ in range(20):
        for worker in workers(stage.host):
            with contextlib.suppress(OSError):
                cut += cut_connections(worker, stage.host.socket)
        await asyncio.sleep(0.05)
    stage.notes.append(f"{cut} connections cut")


async def _reload(stage: Stage) -> None:
    await stage.host.reload()


async def _restart(stage: Stage) -> None:
    send(signal.SIGTERM, [stage.host.server()])


async def _hang_up(stage: Stage) -> None:
    SUPERGRAPH.touch()
    send(signal.SIGHUP, [stage.host.server()])


async def _kill_builder(stage: Stage) -> None:
    directory = str(stage.host.socket) + ".d"
    builders = [pid for pid in _all_processes() if f"gateway.builder {directory}" in command(pid)]
    stage.notes.append(f"{len(builders)} processes of the builder killed")
    send(signal.SIGKILL, builders)


async def _poison(stage: Stage) -> None:
    await _deadly(stage, "die", 2)


async def _spin(stage: Stage) -> None:
    await _deadly(stage, "spin", 1)


async def _deadly(stage: Stage, word: str, most: int) -> None:
    """A client that sends what kills workers, again and again."""
    before = set(workers(stage.host))
    for _ in range(4):
        answer = await _tell(stage, word)
        if answer.codes == (KONG_500,):
            continue  # its worker had not read all of it; Kong does not send it again
        if answer.codes != ("REQUEST_QUARANTINED",):
            stage.broken.append(f"the deadly request was answered: {answer.text}")
    await served(stage.host)
    lost = len(before - set(workers(stage.host)))
    stage.notes.append(f"{lost} of {WORKERS} workers lost")
    if lost > most:
        stage.broken.append(f"the deadly request cost {lost} workers, at most {most} are allowed")


async def _tell(stage: Stage, word: str) -> Answer:
    question = Question({"query": f'# chaos: {word}\n{{ echo(text: "{word}") }}'}, {"echo": word})
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        return await ask(session, stage.host.url, question, lambda: _IN_HAND)


async def _slow_subgraph(stage: Stage) -> None:
    stage.world.stock.delay = 5.0


async def _garbage(stage: Stage) -> None:
    for garbage in (b"<html>", b'{"data":', b"[]", b"\xff\xfe", b"", b'{"data":{"_entities":[1]}}'):
        stage.world.stock.garbage = garbage
        await asyncio.sleep(0.25)


async def _dead_subgraph(stage: Stage) -> None:
    await stage.world.stock.stop()


async def _heal_subgraph(stage: Stage) -> None:
    stage.world.stock.delay = stage.world.stock.seconds
    stage.world.stock.garbage = None
    await stage.world.stock.start()


async def _clients_leave(stage: Stage) -> None:
    """At once, in the middle of the body, and while the answer is made."""
    address = urlsplit(stage.host.url)
    body = b'{"query":"{ products { id name left } }"}'
    head = f"POST {address.path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    head += f"content-length: {len(body)}\r\n\r\n"
    for turn in range(60):
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write((head.encode() + body)[: (40, len(head) + 10, len(head) + len(body))[turn % 3]])
        await writer.drain()
        await asyncio.sleep((0.0, 0.005, 0.012)[turn // 3 % 3])
        writer.transport.abort()


async def _back(stage: Stage) -> None:
    await served(stage.host)


def _all_processes() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]  # noqa: PTH208 - numbers, not paths


FAULTS: Final = (
    Fault("calm", _nothing),
    Fault("kill a worker", _kill_worker, _back, _IN_HAND, only_in_hand=True, short=True),
    Fault("kill all workers", _kill_workers, _back, _IN_HAND, only_in_hand=True, short=True),
    Fault("kill the supervisor", _kill_supervisor, _back, _IN_HAND, seconds=2.5, short=True),
    Fault("kill the server and its workers", _kill_server, _back, _UNTIL_BACK, seconds=3.0),
    Fault("stop a worker", _stop_worker, _back, _IN_HAND, only_in_hand=True),
    Fault("fill a worker's memory", _fill_memory, _back),
    Fault("remove the socket", _unlink_socket, _back, frozenset({KONG_500}), short=True),
    Fault("cut the connections", _cut_connections, _back, _IN_HAND),
    Fault("reload", _reload, _back, seconds=1.0, short=True),
    Fault("restart", _restart, _back, _UNTIL_BACK, seconds=3.0),
    Fault("SIGHUP", _hang_up),
    Fault("kill the builder", _kill_builder, allowed=frozenset({"SERVICE_UNAVAILABLE"})),
    Fault("a request that kills", _poison, _back, _IN_HAND, short=True),
    Fault("a request without end", _spin, _back, _IN_HAND),
    Fault("a slow subgraph", _slow_subgraph, _heal_subgraph, frozenset({"SUBREQUEST_TIMEOUT"}), seconds=3.5),
    Fault(
        "a dead subgraph",
        _dead_subgraph,
        _heal_subgraph,
        frozenset({"SUBREQUEST_HTTP_ERROR", "SUBREQUEST_TIMEOUT"}),
    ),
    Fault(
        "a subgraph that answers garbage",
        _garbage,
        _heal_subgraph,
        frozenset({"SUBREQUEST_MALFORMED_RESPONSE", "SUBREQUEST_HTTP_ERROR", "RESPONSE_VALIDATION_FAILED"}),
        seconds=0.2,
    ),
    Fault("clients that leave", _clients_leave, seconds=0.5),
)
