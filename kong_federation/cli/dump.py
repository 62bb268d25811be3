"""`kong-federation dump`: what Kong's query command reads."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from kong_federation.pluginserver.info import plugin_info

EPILOG = """\
example:
  kong-federation dump --output /run/kong-federation/dump.json

in kong.conf, one of:
  pluginserver_graphql_federation_query_cmd = kong-federation dump
  pluginserver_graphql_federation_query_cmd = cat /run/kong-federation/dump.json

The second needs no Python where Kong runs; the file has to be made anew with every version of the plugin.

exit status: 0 printed, 1 the file cannot be written
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.epilog = EPILOG
    parser.add_argument("--output", type=Path, metavar="FILE", help="write to a file instead, whole or not at all")


def run(arguments: argparse.Namespace) -> int:
    """Print the dump as one line of JSON."""
    line = json.dumps(plugin_info(), separators=(",", ":")) + "\n"
    if arguments.output is None:
        print(line, end="")
        return 0
    try:
        _write(arguments.output, line)
    except OSError as error:
        print(f"kong-federation dump: {arguments.output}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _write(path: Path, line: str) -> None:
    """Kong may read at any moment, as another user, and must not see half of it."""
    if path.exists() and not path.is_file():
        # A device or a pipe is no file that another one could take the place of.
        path.write_text(line, encoding="utf-8")
        return
    path = path.resolve()  # of a link, what it leads to is written
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(line, encoding="utf-8")
        beside.chmod(0o644)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
