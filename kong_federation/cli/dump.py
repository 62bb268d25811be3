"""`kong-federation dump`: what Kong's query command reads."""

from __future__ import annotations

import argparse
import json

from kong_federation.pluginserver.info import plugin_info

EPILOG = """\
example:
  kong-federation dump > graphql-federation.dump.json

in kong.conf, one of:
  pluginserver_graphql_federation_query_cmd = kong-federation dump
  pluginserver_graphql_federation_query_cmd = cat /etc/kong/graphql-federation.dump.json

The second needs no Python where Kong runs; the file has to be made anew with every version of the plugin.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes: nothing."""
    parser.epilog = EPILOG


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - the command takes none
    """Print the dump as one line of JSON."""
    print(json.dumps(plugin_info(), separators=(",", ":")))
    return 0
