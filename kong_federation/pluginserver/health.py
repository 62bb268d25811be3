"""
The health listener: what a probe asks over HTTP, answered by a process of its own.

    /livez    200 while the supervisor runs; it heals everything else, so only its end is a reason to start all again
    /readyz   200 while a worker serves; 503 while none does yet, while the server is leaving, and when another one has
              taken its socket

Neither depends on the graphs: Kong sends its configuration with the first request, so a server that waited for one
would never be ready; and a supergraph that cannot be loaded must not take a node out of service that has other routes.
Answers are JSON and tell the workers' states, for people.

It reads the memory that the workers write their signs of life into, and asks nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Any

import orjson

from kong_federation import __version__
from kong_federation.kong.pulse import LifeState, Pulse
from kong_federation.pluginserver.listener import Door

_log = logging.getLogger(__name__)

_FRESH = 15.0  # seconds without a sign of life after which a process is taken for dead
_PATIENCE = 5.0  # seconds for a probe to ask
_LONGEST = 8192  # bytes of a probe's request
_RETRY = 0.5  # seconds until an address that is taken is tried again
_MOST = 64  # probes at once; further ones are hung up on

_REASONS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


def listen_tcp(host: str, port: int) -> socket.socket:
    """
    Listen for probes; "" is every host.

    Raises:
        OSError: The address cannot be used.
    """
    # All addresses, of both families, if the host is "" or "::".
    everywhere = host in {"", "::"} and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if ":" in host or everywhere else socket.AF_INET
    return socket.create_server((host, port), family=family, dualstack_ipv6=everywhere, reuse_port=False)


def run_health(address: tuple[str, int], board: Sequence[Pulse], door: Door, lifeline: int, pulse: Pulse) -> None:
    """
    Answer probes until SIGTERM, or until the supervisor is gone.

    Args:
        address: Host and port; if they are taken, by the server before this one, they are waited for.
        board: Signs of life: the first are the supervisor's, the others its children's.
        door: Kong's way in, which is none of ours.
        lifeline: A pipe that ends when the supervisor does.
        pulse: This process's own.
    """
    door.close()
    others = [one for one in board[1:] if one is not pulse]
    asyncio.run(_serve(address, board[0], others, lifeline))


async def _serve(address: tuple[str, int], supervisor: Pulse, workers: Sequence[Pulse], lifeline: int) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    loop.add_reader(lifeline, stopped.set)
    listening = await _listen(address, stopped)
    if listening is None:
        return
    places = asyncio.Semaphore(_MOST)
    answer = partial(_answer, supervisor, workers, places)
    async with await asyncio.start_server(answer, sock=listening, limit=_LONGEST):
        await stopped.wait()


async def _listen(address: tuple[str, int], stopped: asyncio.Event) -> socket.socket | None:
    complained = False
    while not stopped.is_set():
        try:
            return listen_tcp(*address)
        except OSError as error:
            if not complained:
                _log.warning("probes cannot be answered yet: %s", error)
            complained = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _RETRY)
    return None


async def _answer(
    supervisor: Pulse,
    workers: Sequence[Pulse],
    places: asyncio.Semaphore,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    try:
        if places.locked():
            return
        async with places, asyncio.timeout(_PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
            method, _, rest = head.partition(b" ")
            path = rest.partition(b" ")[0].partition(b"?")[0]
            status, told = respond(method.decode("latin-1"), path.decode("latin-1"), supervisor, workers)
            body = orjson.dumps(told)
            writer.write(_head(status, len(body)) + (b"" if method == b"HEAD" else body))
            await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        _log.debug("a probe broke off", exc_info=True)
    finally:
        writer.close()


def respond(method: str, path: str, supervisor: Pulse, workers: Sequence[Pulse]) -> tuple[int, dict[str, Any]]:
    """
    The answer to a probe.

    Returns:
        The status, and what the body says.
    """
    if path not in {"/livez", "/readyz"}:
        return 404, {"error": "there are /livez and /readyz"}
    if method not in {"GET", "HEAD"}:
        return 405, {"error": "probes ask with GET"}
    now = monotonic()
    states = [worker.state for worker in workers if worker.state is not LifeState.NONE]
    serving = [worker for worker in workers if worker.state is LifeState.SERVING and now - worker.beat < _FRESH]
    told: dict[str, Any] = {
        "version": __version__,
        "pid": os.getppid(),
        "server": supervisor.state.name.lower(),
        "workers": {state.name.lower(): states.count(state) for state in LifeState if state in states},
        "requests": sum(worker.running for worker in serving),
    }
    alive = now - supervisor.beat < _FRESH
    ready = alive and supervisor.state is LifeState.SERVING and bool(serving)
    return (200 if (alive if path == "/livez" else ready) else 503), told


def _head(status: int, length: int) -> bytes:
    lines = (
        f"HTTP/1.1 {status} {_REASONS[status]}",
        "content-type: application/json",
        f"content-length: {length}",
        "cache-control: no-store",
        "connection: close",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
