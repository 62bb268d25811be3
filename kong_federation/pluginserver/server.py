"""A plugin server, put together: the door, what the workers share, the supervisor."""

from __future__ import annotations

import errno
import logging
from functools import partial
from pathlib import Path

from kong_federation import __version__
from kong_federation.gateway import Gateway
from kong_federation.kong.flights import Flights
from kong_federation.kong.instances import InstanceFiles
from kong_federation.kong.pulse import pulses
from kong_federation.kong.quarantine import Quarantine
from kong_federation.pluginserver.health import listen_tcp, run_health
from kong_federation.pluginserver.inquest import Inquest
from kong_federation.pluginserver.listener import Door, check
from kong_federation.pluginserver.options import ServerOptions
from kong_federation.pluginserver.processes import memory_limit
from kong_federation.pluginserver.supervisor import Supervisor, SupervisorOptions, Work
from kong_federation.pluginserver.worker import Shared, WorkerOptions, run_worker
from kong_federation.settings import Settings

_log = logging.getLogger(__name__)

# Bytes. Code, libraries and connections of a worker take about 100 MB of it; less than this much for plans and answers
# would have it succeeded again and again.
_LEAST_MEMORY = 256 * 2**20

_ALARM = 6.0  # times the watchdog's patience after which a worker that nobody watches ends


def serve(options: ServerOptions, door: Door | None) -> None:
    """
    Serve until SIGTERM, SIGINT or the parent's death.

    Args:
        options: How.
        door: The socket, if it is open already.

    Raises:
        ListenError, OSError: It cannot be served.
    """
    try:
        # What can fail fails before a server that runs has lost its socket to us.
        if door is None:
            check(options.socket)
        if options.health:
            _check_health(options.health)
        InstanceFiles(options.runtime_directory)
        door = door or Door(options.socket)
        _log.info("version %s listens on %s with %d workers", __version__, options.socket.path, options.workers)
        _supervisor(options, door).run()
    finally:
        if door is not None:
            door.hide()
            door.close()


def _check_health(address: tuple[str, int]) -> None:
    try:
        listen_tcp(*address).close()
    except OSError as error:
        # It may belong to the server whose place is taken.
        if error.errno != errno.EADDRINUSE:
            raise


def _supervisor(options: ServerOptions, door: Door) -> Supervisor:
    workers = options.workers
    # What has waited at the door while the rest was imported cannot have been elsewhere.
    flights = Flights(workers * options.most_events, door.predecessor, door.opened)
    shared = Shared(flights, Quarantine())
    how = WorkerOptions(options.runtime_directory, options.drain, options.most_events, _ALARM * options.stuck)
    work = partial(run_worker, partial(_make_gateway, options.runtime_directory), how, shared)
    # Two for each worker, because a successor is started before its predecessor leaves.
    board = pulses(1 + 2 * workers + 1)
    helpers: list[tuple[str, Work]] = []
    if options.health:
        helpers.append(("health", partial(run_health, options.health, board)))
    kept = SupervisorOptions(workers, options.parent, options.drain, options.stuck, _most_memory(options))
    return Supervisor(door, work, kept, Inquest(shared.flights, shared.quarantine, options.quarantine), board, helpers)


def _most_memory(options: ServerOptions) -> int:
    if options.most_memory is not None:
        return options.most_memory * 2**20
    return max(_LEAST_MEMORY, memory_limit() * 3 // 4 // options.workers)


def _make_gateway(directory: Path, settings: Settings) -> Gateway:
    return Gateway(settings, runtime_directory=directory)
