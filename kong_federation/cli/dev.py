"""`kong-federation dev kong.yml`: a kong.yml on a laptop, with the real plugin server behind a stand-in for Kong."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kong_federation.cli.arguments import at_least
from kong_federation.errors import FederationError, FederationErrors
from kong_federation.standin import (
    Answered,
    ConfigurationRead,
    Event,
    Logged,
    Ready,
    ServerEnded,
    ServerSaid,
    ServerStarted,
    StandIn,
    Warned,
)

NOTICE = "This stand-in for Kong is for development only. In production the plugin runs in Kong itself."

_HEARD = frozenset({"notice", "warn", "err", "crit", "alert", "emerg"})  # Kong's default log level is notice


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="a kong.yml in Kong's declarative format 3.0")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8000, help="port to listen on, 0 for any (default: %(default)s)")
    parser.add_argument(
        "--admin-port",
        type=_port,
        metavar="PORT",
        help="serve what a Kong without a database serves of its Admin API (8001 is usual, 0 for any)",
    )
    parser.add_argument(
        "--workers", type=at_least(1), metavar="N", help="worker processes of the plugin server (default: its own)"
    )
    parser.add_argument("--socket", type=Path, help="use a plugin server that runs already and listens here")
    parser.add_argument("--watch", action="store_true", help="read the configuration again when the file changes")
    parser.add_argument("--no-access-log", action="store_true", help="print no line per request")
    parser.epilog = NOTICE


def run(arguments: argparse.Namespace) -> int:
    """
    Run until interrupted.

    Returns:
        0 after an interrupt, 1 when it could not start.
    """
    try:
        return asyncio.run(_serve(arguments))
    except (FederationError, FederationErrors) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"kong-federation dev: {error.strerror or error}", file=sys.stderr)
    return 1


async def _serve(arguments: argparse.Namespace) -> int:
    print(NOTICE, flush=True)
    standin = StandIn(
        arguments.config,
        host=arguments.host,
        port=arguments.port,
        workers=arguments.workers,
        socket=arguments.socket,
        listener=lambda event: _print(event, access=not arguments.no_access_log),
        admin_port=arguments.admin_port,
    )
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted.set)
    starting = asyncio.create_task(standin.start())
    stopping = asyncio.create_task(interrupted.wait())
    try:
        # Ctrl-C counts from the first moment on; what has been started by then is ended.
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        watching = asyncio.create_task(standin.watch()) if arguments.watch and not interrupted.is_set() else None
        await stopping
        if watching is not None:
            watching.cancel()
    finally:
        stopping.cancel()
        await standin.close()
    return 0


def _print(event: Event, *, access: bool) -> None:
    line = _line(event, access=access)
    if line:
        print(line, flush=True)


def _line(event: Event, *, access: bool) -> str:
    match event:
        case ConfigurationRead(services, routes, plugins):
            head = f"configuration read: {services} services, {routes} routes, {len(plugins)} plugins"
            return "\n".join([head, *(f"  plugin {plugin}" for plugin in plugins)])
        case Warned(text):
            return f"warning: {text}"
        case ServerStarted(pid):
            return f"plugin server started (pid {pid})"
        case ServerEnded(pid, status):
            return f"plugin server (pid {pid}) ended with status {status}"
        case ServerSaid(pid, line):
            return f"[plugin server {pid}] {line}"
        case Ready(url, routes, admin_url):
            admin = [f"Admin API: {admin_url}"] if admin_url else []
            return "\n".join([*(f"  route {route}" for route in routes), *admin, f"ready: {url}"])
        case Logged(level, text):
            return f"[{level}] {text}" if level in _HEARD else ""
        case Answered(client, method, target, status, seconds, request_id, route, serialized):
            shown = f'{client} "{method} {target}" {status} {seconds * 1000:.1f} ms {route or "-"} {request_id}'
            return f"{shown}{_facts(serialized)}" if access else ""


def _facts(serialized: Mapping[str, Any]) -> str:
    """What a log plugin of Kong's would say of the operation, in short."""
    told = serialized.get("graphql")
    if not isinstance(told, Mapping):
        return ""
    names = ("operation_type", "operation_name", "plan_cache", "subgraphs", "error_code")
    return "".join(f" {told[name]}" for name in names if name in told)


def _port(text: str) -> int:
    if not text.isdecimal() or not int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text} is not a port: 0 to 65535")
    return int(text)
