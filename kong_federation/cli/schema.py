"""`kong-federation schema`: what may be configured, in the form somebody needs."""

from __future__ import annotations

import argparse
import json

from kong_federation.kong.lua import lua_schema
from kong_federation.kong.schema import plugin_schema
from kong_federation.settings import json_schema, reference

FORMS = {
    "json": lambda: json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
    "kong": lambda: json.dumps(plugin_schema(), indent=2, ensure_ascii=False) + "\n",
    "lua": lua_schema,
    "markdown": reference,
}

EPILOG = """\
formats:
  json      a JSON Schema of what stands under `config`, for editors and pipelines
  kong      the plugin's schema in Kong's schema language, as the Admin API shows it
  lua       the same as schema.lua, for control planes that run no Python (Konnect)
  markdown  docs/configuration.md

examples:
  kong-federation schema > graphql-federation.schema.json
  kong-federation schema --format lua > schema.lua
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("--format", choices=sorted(FORMS), default="json", help="(default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Print one form."""
    print(FORMS[arguments.format](), end="")
    return 0
