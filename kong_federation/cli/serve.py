"""`kong-federation serve`: the plugin server."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

from kong_federation.cli.arguments import at_least
from kong_federation.pluginserver import logs
from kong_federation.pluginserver.listener import Door, ListenError, SocketOptions, check
from kong_federation.pluginserver.options import ServerOptions

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
    _configure_where(parser)
    _configure_how(parser)
    _configure_trouble(parser)


def _configure_where(parser: argparse.ArgumentParser) -> None:
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


def _configure_how(parser: argparse.ArgumentParser) -> None:
    how = parser.add_argument_group("how it works")
    how.add_argument(
        "--workers",
        type=at_least(1),
        default=_cores(),
        metavar="N",
        help="worker processes (default: the cores this process may use, here %(default)s)",
    )
    how.add_argument(
        "--max-events",
        type=at_least(1),
        default=1000,
        metavar="N",
        help="requests under way in one worker; further ones get 503 with Retry-After (default: %(default)s)",
    )
    how.add_argument(
        "--drain-seconds",
        type=at_least(0),
        default=30,
        metavar="N",
        help="time that requests under way get when a worker leaves; then they get an error (default: %(default)s)",
    )
    how.add_argument("--log-level", choices=logs.LEVELS, default="info", help="(default: %(default)s)")


def _configure_trouble(parser: argparse.ArgumentParser) -> None:
    trouble = parser.add_argument_group("when something goes wrong")
    trouble.add_argument(
        "--watchdog-seconds",
        type=at_least(0),
        default=10,
        metavar="N",
        help="a worker that has stood still for so long is killed and replaced; 0: never (default: %(default)s)",
    )
    trouble.add_argument(
        "--max-memory-mb",
        type=at_least(0),
        metavar="N",
        help="a worker that has more resident is succeeded by another, one at a time; 0: no limit (default: three "
        "quarters of the container's or the machine's memory, shared among the workers, at least 256; Linux only)",
    )
    trouble.add_argument(
        "--quarantine-seconds",
        type=at_least(0),
        default=60,
        metavar="N",
        help="a request that has killed its workers is answered 503 for so long; 0: never (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM, SIGINT or the parent's death (which nohup makes it ignore)."""
    parent = os.getppid()  # before it takes its time to start: whoever starts it may end meanwhile
    logs.configure(arguments.log_level)
    if (arguments.socket is None) == (arguments.kong_prefix is None):
        print("kong-federation serve: give either --socket or --kong-prefix", file=sys.stderr)
        return 2
    path: Path = (arguments.socket or arguments.kong_prefix / arguments.socket_name).absolute()
    options = ServerOptions(
        socket=SocketOptions(path, arguments.socket_mode, arguments.socket_owner, replace=arguments.replace),
        runtime_directory=(arguments.runtime_directory or path.with_name(path.name + ".d")).absolute(),
        workers=arguments.workers,
        most_events=arguments.max_events,
        drain=float(arguments.drain_seconds),
        stuck=float(arguments.watchdog_seconds),
        most_memory=arguments.max_memory_mb,
        quarantine=float(arguments.quarantine_seconds),
        health=arguments.health,
        parent=parent,
    )
    try:
        # Importing takes more than half a second of a server's start. Where nobody answers, Kong's connections wait
        # for that time at the open door, and are not refused; where somebody does, he goes on until all is ready.
        door = None if check(options.socket).answers else Door(options.socket)
        serve = importlib.import_module("kong_federation.pluginserver.server").serve
        serve(options, door)
    except (ListenError, OSError) as error:
        print(f"kong-federation serve: {error}", file=sys.stderr)
        return 1
    return 0


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit() or not int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not PORT or HOST:PORT")
    host = host.removeprefix("[").removesuffix("]")
    return ("" if host == "*" else host or "127.0.0.1"), int(port)


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
