"""`kong-federation serve`: the plugin server."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from functools import partial
from pathlib import Path

from kong_federation import __version__
from kong_federation.gateway import Gateway
from kong_federation.kong.flights import Flights
from kong_federation.kong.instances import InstanceFiles
from kong_federation.pluginserver import logs
from kong_federation.pluginserver.listener import ListenError, SocketOptions, identity, listen, remove
from kong_federation.pluginserver.supervisor import Supervisor
from kong_federation.pluginserver.worker import WorkerOptions, run_worker
from kong_federation.settings import Settings

_log = logging.getLogger(__name__)

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
    how = parser.add_argument_group("how it works")
    how.add_argument(
        "--workers",
        type=partial(_at_least, 1),
        default=_cores(),
        metavar="N",
        help="worker processes (default: the cores this process may use, here %(default)s)",
    )
    how.add_argument(
        "--runtime-directory",
        type=Path,
        metavar="DIR",
        help="what the workers share and keep over restarts; holds configurations, so it is made for its owner only "
        "(default: the socket's path with .d)",
    )
    how.add_argument(
        "--drain-seconds",
        type=partial(_at_least, 0),
        default=30,
        metavar="N",
        help="time that requests under way get on SIGTERM (default: %(default)s)",
    )
    how.add_argument(
        "--max-events",
        type=partial(_at_least, 1),
        default=1000,
        metavar="N",
        help="requests under way in one worker; further ones get 503 (default: %(default)s)",
    )
    how.add_argument("--log-level", choices=logs.LEVELS, default="info", help="(default: %(default)s)")


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
        listening = listen(socket_options)
    except ListenError as error:
        print(f"kong-federation serve: {error}", file=sys.stderr)
        return 1
    mine = identity(path)
    try:
        InstanceFiles(directory)
        options = WorkerOptions(directory, float(arguments.drain_seconds), arguments.max_events)
        flights = Flights(arguments.workers * arguments.max_events)
        work = partial(run_worker, partial(_make_gateway, directory), options, flights)
        supervisor = Supervisor(listening, work, arguments.workers, options.drain)
        _log.info("version %s listens on %s with %d workers", __version__, path, arguments.workers)
        supervisor.run()
    except OSError as error:
        print(f"kong-federation serve: {error}", file=sys.stderr)
        return 1
    finally:
        remove(path, mine)
        listening.close()
    return 0


def _make_gateway(directory: Path, settings: Settings) -> Gateway:
    return Gateway(settings, runtime_directory=directory)


def _cores() -> int:
    # A container may be confined to fewer cores than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _mode(text: str) -> int:
    mode = int(text, 8) if text.isdigit() and not set(text) & {"8", "9"} else -1
    if not 0 <= mode <= 0o777:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 777, octal")
    return mode


def _at_least(least: int, text: str) -> int:
    if not text.isdigit() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least {least}")
    return int(text)
