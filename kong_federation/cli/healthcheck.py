"""`kong-federation healthcheck`: asks a running plugin server over its socket."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kong_federation.cli.arguments import seconds
from kong_federation.pluginserver.probe import ProbeError, probe

EPILOG = """\
for exec probes and Docker's HEALTHCHECK:
  HEALTHCHECK CMD ["kong-federation", "healthcheck", "--socket", "/run/kong-federation/graphql-federation.socket"]

exit status: 0 a worker answers, 1 none does, 2 called wrongly
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.epilog = EPILOG
    parser.add_argument("--socket", type=Path, metavar="PATH", help="the Unix socket of the server")
    parser.add_argument("--kong-prefix", type=Path, metavar="DIR", help="instead of --socket: Kong's prefix")
    parser.add_argument(
        "--socket-name",
        default="graphql-federation.socket",
        metavar="NAME",
        help="the socket's name under --kong-prefix (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout", type=seconds(3600), default=2.0, metavar="SECONDS", help="for the answer (default: %(default)g)"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing if all is well")


def run(arguments: argparse.Namespace) -> int:
    """Ask, and say what came of it."""
    if (arguments.socket is None) == (arguments.kong_prefix is None):
        print("kong-federation healthcheck: give either --socket or --kong-prefix", file=sys.stderr)
        return 2
    path: Path = arguments.socket or arguments.kong_prefix / arguments.socket_name
    try:
        probe(path, arguments.timeout)
    except ProbeError as error:
        print(f"kong-federation healthcheck: {error}", file=sys.stderr)
        return 1
    if not arguments.quiet:
        print(f"{path}: a worker answers")
    return 0
