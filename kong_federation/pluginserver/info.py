"""
What Kong's query command prints.

`ProtoBuf:1` chooses the protocol; only the first plugin is read. The phase is `access` alone: a `log` phase would be
replayed like any other event, and a `response` phase makes Kong buffer every answer.
"""

from __future__ import annotations

from typing import Any

from kong_federation import __version__
from kong_federation.kong.schema import PLUGIN_NAME, plugin_schema

# After authentication, ACL, rate limiting, transformers and opentelemetry (14), because a plugin that answers in
# `access` keeps those of lower priority from running; before request-termination (2).
PRIORITY = 5


def plugin_info() -> dict[str, Any]:
    """The dump, as one JSON object."""
    return {
        "Protocol": "ProtoBuf:1",
        "Plugins": [
            {
                "Name": PLUGIN_NAME,
                "Version": __version__,
                "Priority": PRIORITY,
                "Phases": ["access"],
                "Schema": plugin_schema(),
            }
        ],
    }
