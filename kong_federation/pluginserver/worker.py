"""
One worker process: an event loop that accepts Kong's connections and answers their events.

    told to leave (SIGTERM)      stops accepting, finishes its events, ends
    the supervisor is gone       goes on until another server has taken the socket over, or half a minute; then as above
    told to look again (SIGHUP)  reads the supergraphs' files
    stuck                        its supervisor kills it; without one, an alarm does

Nobody may be turned away while leaving: who has connected by then waits in the queue of the socket, which all workers
share. As long as others accept from it, a worker may leave at once. When the socket's name leads elsewhere, this worker
may be the last one to see those who came before: it accepts for a moment longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import logging
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import uvloop

from kong_federation.kong.flights import Flights
from kong_federation.kong.guard import Guard
from kong_federation.kong.instances import InstanceFiles
from kong_federation.kong.pulse import LifeState, Pulse
from kong_federation.kong.quarantine import Quarantine
from kong_federation.kong.runtime import Runtime, Serves
from kong_federation.pluginserver.events import Events
from kong_federation.pluginserver.listener import BACKLOG, ORPHAN, Door
from kong_federation.pluginserver.processes import rename
from kong_federation.pluginserver.session import Session
from kong_federation.settings import Settings

_log = logging.getLogger(__name__)

# Bytes. Blocks below it are kept for the next answer when they are free, and up to twice as much in all.
_KEPT = 4 * 2**20

TRACE = signal.SIGUSR2
"""Makes a worker write to its log where it is, also if it is stuck in C."""

_STDERR = 2
_ORPHANED = 30.0  # seconds; whoever starts Kong's plugin server has done so long before
_LOOK = 0.05  # seconds between two looks at the socket's name
_LAST_GUESTS = 0.25  # seconds in which those are accepted who have knocked before the name led elsewhere

# Containers made, more than let go of, before the garbage collector looks at them; and so on for older ones. One large
# answer has thousands, all of which go by themselves: with Python's 700, looking at them again and again was a seventh
# of what the public benchmark's query costs. The garbage that waits longer is a few megabytes.
_COLLECT_AT = (20_000, 20, 20)


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """
    How a worker works.

    Args:
        runtime_directory: What the workers share.
        drain: Seconds that events under way get when the worker is told to stop.
        most_events: Events that may be under way at once in this worker; further ones are answered 503.
        alarm: Seconds the loop may stand still if there is no supervisor to see it; 0: for ever.
    """

    runtime_directory: Path
    drain: float = 30.0
    most_events: int = 1000
    alarm: float = 60.0


@dataclass(frozen=True, slots=True)
class Shared:
    """
    What all workers of a server share, made before they are forked.

    Args:
        flights: The requests under way.
        quarantine: The requests that are refused.
    """

    flights: Flights
    quarantine: Quarantine


def run_worker(
    make_gateway: Callable[[Settings], Serves],
    options: WorkerOptions,
    shared: Shared,
    door: Door,
    lifeline: int,
    pulse: Pulse,
) -> None:
    """
    Serve until SIGTERM, or until the supervisor is gone and another server there; then drain.

    Args:
        make_gateway: Makes the gateway of a configuration.
        options: How to work.
        shared: With all workers.
        door: Where Kong's connections come in.
        lifeline: A pipe that ends when the supervisor does.
        pulse: This worker's signs of life.
    """
    faulthandler.enable(_STDERR)
    faulthandler.register(TRACE, _STDERR)
    _allow_many_connections()
    _keep_memory()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        files = InstanceFiles(options.runtime_directory)
        runtime = Runtime(files, make_gateway, Guard(shared.flights, shared.quarantine, pulse))
        runner.run(_serve(runtime, options, door, lifeline))


async def _serve(runtime: Runtime, options: WorkerOptions, door: Door, lifeline: int) -> None:
    loop = asyncio.get_running_loop()
    pulse = runtime.guard.pulse
    loop.set_task_factory(pulse.make_task)
    stopped, orphaned = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    loop.add_signal_handler(signal.SIGHUP, runtime.refresh)
    loop.add_reader(lifeline, orphaned.set)
    events = Events(options.most_events, pulse)
    make_session = cast("Callable[[], asyncio.Protocol]", partial(Session, runtime, events))
    server = await loop.create_unix_server(make_session, sock=door.listening, backlog=BACKLOG)
    background = [loop.create_task(work) for work in (events.keep_deadlines(), _keep_alarm(options.alarm))]
    # What exists from here on is there to stay; the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AT)
    pulse.state = LifeState.SERVING
    await _until_time_to_leave(stopped, orphaned, door, lifeline)
    pulse.state = LifeState.LEAVING
    await _close(server, door)
    await events.drain(options.drain)
    for task in background:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await runtime.close()


async def _until_time_to_leave(stopped: asyncio.Event, orphaned: asyncio.Event, door: Door, lifeline: int) -> None:
    loop = asyncio.get_running_loop()
    waits = [loop.create_task(event.wait()) for event in (stopped, orphaned)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    loop.remove_reader(lifeline)
    if orphaned.is_set() and not stopped.is_set():
        _log.warning("the supervisor is gone; serving until another server comes, at most %.0f s", _ORPHANED)
        # So that another server knows that it need not ask, and where to find the requests under way.
        rename(ORPHAN)
        door.sign()
        end = loop.time() + _ORPHANED
        while not stopped.is_set() and door.ours and loop.time() < end:  # noqa: ASYNC110 - a name cannot be waited for
            await asyncio.sleep(_LOOK)
    for wait in waits:
        wait.cancel()


async def _close(server: asyncio.Server, door: Door) -> None:
    if not door.ours:
        await asyncio.sleep(_LAST_GUESTS)
    server.close()


async def _keep_alarm(seconds: float) -> None:
    try:
        while True:
            # Without a handler the system ends the process.
            signal.setitimer(signal.ITIMER_REAL, seconds)
            await asyncio.sleep(seconds / 10 or 3600.0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


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
