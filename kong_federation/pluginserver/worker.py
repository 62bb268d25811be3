"""One worker process: an event loop that accepts Kong's connections and answers their events."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvloop

from kong_federation.kong.flights import Flights
from kong_federation.kong.instances import InstanceFiles
from kong_federation.kong.runtime import Runtime, Serves
from kong_federation.pluginserver.events import Events
from kong_federation.pluginserver.listener import BACKLOG
from kong_federation.pluginserver.session import Session
from kong_federation.settings import Settings

_log = logging.getLogger(__name__)

# Bytes. Blocks below it are kept for the next answer when they are free, and up to twice as much in all.
_KEPT = 4 * 2**20


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """
    How a worker works.

    Args:
        runtime_directory: What the workers share.
        drain: Seconds that events under way get when the worker is told to stop.
        most_events: Events that may be under way at once in this worker; further ones are answered 503.
    """

    runtime_directory: Path
    drain: float = 30.0
    most_events: int = 1000


def run_worker(
    make_gateway: Callable[[Settings], Serves],
    options: WorkerOptions,
    flights: Flights,
    listening: socket.socket,
    lifeline: int,
) -> None:
    """
    Serve until SIGTERM or until the supervisor is gone, then drain.

    Args:
        make_gateway: Makes the gateway of a configuration.
        options: How to work.
        flights: The requests under way in all workers, made before they were forked.
        listening: The socket that all workers accept on.
        lifeline: A pipe that ends when the supervisor does.
    """
    _allow_many_connections()
    _keep_memory()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        files = InstanceFiles(options.runtime_directory)
        runner.run(_serve(Runtime(files, make_gateway, flights), options, listening, lifeline))


async def _serve(runtime: Runtime, options: WorkerOptions, listening: socket.socket, lifeline: int) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    loop.add_reader(lifeline, stopped.set)
    events = Events(options.most_events)
    server = await loop.create_unix_server(lambda: Session(runtime, events), sock=listening, backlog=BACKLOG)
    deadlines = loop.create_task(events.keep_deadlines())
    # What exists from here on is there to stay; the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    await stopped.wait()
    loop.remove_reader(lifeline)
    server.close()
    await events.drain(options.drain)
    deadlines.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await deadlines
    await runtime.close()


def _keep_memory() -> None:
    """
    Have the C library keep freed memory instead of giving it back to the system at once.

    glibc gives it back as soon as 128 KB at the end of the heap are free, and every large answer touches all of its
    pages anew: 18 page faults and more than half of the CPU for 75 KB from a subgraph. When a mapped block is freed,
    its size becomes the new measure (mallopt(3), M_MMAP_THRESHOLD); none of its pages is ever touched. Other C
    libraries do not notice.
    """
    bytes(_KEPT)


def _allow_many_connections() -> None:
    """Raise the number of open files as far as allowed: a refused accept would look to Kong like a lost instance."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # macOS reports no limit but refuses to set it.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
