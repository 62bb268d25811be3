"""
`kong-federation`: argparse and nothing else.

Commands are imported when they are called: Kong runs `dump` at every start and waits for it, and `dump` must not pay
for the planner or the HTTP client. This is the file that keeps it so.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from types import ModuleType

from kong_federation import __version__

COMMANDS = {
    "serve": "run the plugin server that Kong talks to",
    "healthcheck": "ask a running plugin server whether it answers",
    "dump": "print what Kong's query command needs: name, version, schema",
    "schema": "print what may be configured: as JSON Schema, for Kong, as schema.lua, as documentation",
    "dev": "run a kong.yml on a laptop: a stand-in for Kong and the real plugin server",
    "doctor": "look at a deployment, from Kong to the subgraphs, and say what to do",
    "plan": "show how an operation is planned, stage by stage",
}

# Packages that only some commands need, and the extras they come with.
EXTRAS = {"aiohttp": "standin"}

EPILOG = """\
examples:
  kong-federation dev kong.yml
  kong-federation plan supergraph.graphql operation.graphql
  kong-federation plan supergraph.graphql '{ me { name } }' --stage fetches
  kong-federation dump | python -m json.tool
  kong-federation doctor kong.yml --admin-url http://127.0.0.1:8001

in kong.conf:
  plugins = bundled,graphql-federation
  pluginserver_names = graphql-federation
  pluginserver_graphql_federation_socket = /run/kong-federation/graphql-federation.socket
  pluginserver_graphql_federation_query_cmd = kong-federation dump
"""


def _version() -> str:
    # Where it was installed without a C compiler, the modules on a request's way are what their sources say.
    found = find_spec("kong_federation.strands")
    plain = found is None or found.origin is None or found.origin.endswith(".py")
    return f"kong-federation {__version__}, {'plain Python' if plain else 'compiled'}"


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one command.

    Args:
        argv: Arguments without the program's name; None: the process's own.

    Returns:
        The exit status: 0 done, 1 the command failed, 2 it was called wrongly.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="kong-federation",
        description="Apollo Federation at the ingress: a Kong plugin that plans GraphQL operations itself.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    called = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == called:
            module = _command(parser, name)
            module.configure(command)
            command.set_defaults(run=module.run)
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has seen enough (`| head`); Python must not complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _command(parser: argparse.ArgumentParser, name: str) -> ModuleType:
    try:
        return importlib.import_module(f"kong_federation.cli.{name}")
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        parser.exit(1, f"{name} needs {error.name}: pip install 'kong-federation[{EXTRAS[error.name]}]'\n")


if __name__ == "__main__":
    sys.exit(main())
