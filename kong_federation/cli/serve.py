"""`kong-federation serve`: the plugin server."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
from functools import partial
from pathlib import Path

from kong_federation import __version__
from kong_federation.gateway import Gateway
from kong_federation.kong.flights import Flights
from kong_federation.kong.instances import InstanceFiles
from kong_federation.kong.pulse import pulses
from kong_federation.kong.quarantine import Quarantine
from kong_federation.pluginserver import logs
from kong_federation.pluginserver.health import listen_tcp, run_health
from kong_federation.pluginserver.inquest import Inquest
from kong_federation.pluginserver.listener import Door, ListenError, SocketOptions, check
from kong_federation.pluginserver.processes import memory_limit
from kong_federation.pluginserver.supervisor import Supervisor, SupervisorOptions, Work
from kong_federation.pluginserver.worker import Shared, WorkerOptions, run_worker
from kong_federation.settings import Settings

_log = logging.getLogger(__name__)

# Bytes. Code, libraries and connections of a worker take about 100 MB of it; less than this much for plans and answers
# would have it succeeded again and again.
_LEAST_MEMORY = 256 * 2**20

EPILOG = """\
examples:
  kong-federation serve --socket /run/kong-federation/graphql-federation.socket --socket-mode 666
  kong-federation serve --kong-prefix /usr/local/kong --workers 4 --replace

in kong.conf, if Kong is to start it (--replace lets `kong reload` start the new server beside the old one):
  pluginserver_names = graphql-federation
  pluginserver_graphql_federation_socket = /usr/local/kong/graphql-federation.socket
  pluginserver_graphql_federation_start_cmd = kong-federation serve --kong-prefix /usr/local/kong --replace
  pluginserver_graphql_federation_query_cmd = kong-federation dump
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.epilog = EPILOG
    where = parser.add_argument_group("where it listens")
    where.add_argument("--socket", type=Path, metavar="PATH", help="the Unix socket that Kong connects to")
    where.add_argument("--kong-prefix", type=Path, metavar="DIR", help="instead of --socket: Kong's prefix")
    where.add_argument(
        "--socket-name",
        default="graphql-federation.socket",
        metavar="NAME",
        help="the socket's name under --kong-prefix (default: %(default)s)",
    )
    where.add_argument(
        "--socket-mode",
        type=_mode,
        default=0o660,
        metavar="OCTAL",
        help="the socket's permissions; Kong needs to write (default: 660)",
    )
    where.add_argument("--socket-owner", metavar="USER[:GROUP]", help="the socket's owner (default: who starts it)")
    where.add_argument("--replace", action="store_true", help="take the socket over from a server that still runs")
    where.add_argument(
        "--runtime-directory",
        type=Path,
        metavar="DIR",
        help="what the workers share and keep over restarts; holds configurations, so it is made for its owner only "
        "(default: the socket's path with .d); nothing is written elsewhere but the socket",
    )
    where.add_argument(
        "--health",
        type=_address,
        metavar="[HOST:]PORT",
        help="answer GET /livez and /readyz there, for probes; 127.0.0.1 without a host, *:PORT is everywhere "
        "(default: off)",
    )
    how = parser.add_argument_group("how it works")
    how.add_argument(
        "--workers",
        type=partial(_at_least, 1),
        default=_cores(),
        metavar="N",
        help="worker processes (default: the cores this process may use, here %(default)s)",
    )
    how.add_argument(
        "--max-events",
        type=partial(_at_least, 1),
        default=1000,
        metavar="N",
        help="requests under way in one worker; further ones get 503 with Retry-After (default: %(default)s)",
    )
    how.add_argument(
        "--drain-seconds",
        type=partial(_at_least, 0),
        default=30,
        metavar="N",
        help="time that requests under way get when a worker leaves; then they get 503 (default: %(default)s)",
    )
    how.add_argument("--log-level", choices=logs.LEVELS, default="info", help="(default: %(default)s)")
    trouble = parser.add_argument_group("when something goes wrong")
    trouble.add_argument(
        "--watchdog-seconds",
        type=partial(_at_least, 0),
        default=10,
        metavar="N",
        help="a worker that has stood still for so long is killed and replaced; 0: never (default: %(default)s)",
    )
    trouble.add_argument(
        "--max-memory-mb",
        type=partial(_at_least, 0),
        metavar="N",
        help="a worker that has more resident is succeeded by another, one at a time; 0: no limit (default: three "
        "quarters of the container's or the machine's memory, shared among the workers, at least 256; Linux only)",
    )
    trouble.add_argument(
        "--quarantine-seconds",
        type=partial(_at_least, 0),
        default=60,
        metavar="N",
        help="a request that has killed its workers is answered 503 for so long; 0: never (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM, SIGINT or the parent's death (which nohup makes it ignore)."""
    logs.configure(arguments.log_level)
    if (arguments.socket is None) == (arguments.kong_prefix is None):
        print("kong-federation serve: give either --socket or --kong-prefix", file=sys.stderr)
        return 2
    path: Path = (arguments.socket or arguments.kong_prefix / arguments.socket_name).absolute()
    directory: Path = (arguments.runtime_directory or path.with_name(path.name + ".d")).absolute()
    socket_options = SocketOptions(path, arguments.socket_mode, arguments.socket_owner, replace=arguments.replace)
    try:
        # What can fail fails before a server that runs has lost its socket to us.
        check(socket_options)
        _check_health(arguments.health)
        InstanceFiles(directory)
        door = Door(socket_options)
    except (ListenError, OSError) as error:
        print(f"kong-federation serve: {error}", file=sys.stderr)
        return 1
    _log.info("version %s listens on %s with %d workers", __version__, path, arguments.workers)
    try:
        _supervisor(arguments, directory, door).run()
    except OSError as error:
        print(f"kong-federation serve: {error}", file=sys.stderr)
        return 1
    finally:
        door.hide()
        door.close()
    return 0


def _check_health(address: tuple[str, int] | None) -> None:
    if address:
        try:
            listen_tcp(*address).close()
        except OSError as error:
            # It may belong to the server whose place is taken.
            if error.errno != errno.EADDRINUSE:
                raise


def _supervisor(arguments: argparse.Namespace, directory: Path, door: Door) -> Supervisor:
    workers: int = arguments.workers
    shared = Shared(Flights(workers * arguments.max_events, door.predecessor), Quarantine())
    most_memory = _most_memory(arguments.max_memory_mb, workers)
    options = SupervisorOptions(workers, float(arguments.drain_seconds), float(arguments.watchdog_seconds), most_memory)
    worker_options = WorkerOptions(directory, options.drain, arguments.max_events, alarm=6 * options.stuck)
    work = partial(run_worker, partial(_make_gateway, directory), worker_options, shared)
    # Two for each worker, because a successor is started before its predecessor leaves.
    board = pulses(1 + 2 * workers + 1)
    health: tuple[str, int] | None = arguments.health
    helpers: list[tuple[str, Work]] = [("health", partial(run_health, health, board))] if health else []
    inquest = Inquest(shared.flights, shared.quarantine, float(arguments.quarantine_seconds))
    return Supervisor(door, work, options, inquest, board, helpers)


def _make_gateway(directory: Path, settings: Settings) -> Gateway:
    return Gateway(settings, runtime_directory=directory)


def _cores() -> int:
    # A container may be confined to fewer cores than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _most_memory(megabytes: int | None, workers: int) -> int:
    if megabytes is not None:
        return megabytes * 2**20
    return max(_LEAST_MEMORY, memory_limit() * 3 // 4 // workers)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit() or not int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not PORT or HOST:PORT")
    host = host.removeprefix("[").removesuffix("]")
    return ("" if host == "*" else host or "127.0.0.1"), int(port)


def _mode(text: str) -> int:
    mode = int(text, 8) if text.isdigit() and not set(text) & {"8", "9"} else -1
    if not 0 <= mode <= 0o777:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 777, octal")
    return mode


def _at_least(least: int, text: str) -> int:
    if not text.isdigit() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least {least}")
    return int(text)
