"""
Hosts of the gateway, as black boxes: what a suite needs is a kong.yml with its routes and the URL that serves them.

The host here is the stand-in, started as anybody would start it, by its command line. A suite that runs against
another host (a real Kong, a container) needs no object for it: it writes the same kong.yml and is given a URL.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from spec.child import Child, free_port, listens

# The stand-in starts a plugin server, which starts its workers; a busy machine takes its time.
START_PATIENCE: Final = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Route:
    """
    A route that the plugin answers by itself.

    Args:
        name: The route's name in Kong.
        path: Where the graph is served.
        supergraph: The composed schema.
        subgraphs: URL of each subgraph, by its name in the supergraph.
        settings: Further settings of the plugin.
    """

    name: str
    path: str
    supergraph: Path
    subgraphs: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Host:
    """
    A host that runs.

    Args:
        url: Where it serves its routes, without a slash at the end.
        child: Its process.
    """

    url: str
    child: Child


def kong_yml(routes: Sequence[Route]) -> str:
    """The routes in Kong's declarative format."""
    return yaml.safe_dump(
        {
            "_format_version": "3.0",
            "routes": [
                {
                    "name": route.name,
                    "paths": [route.path],
                    "strip_path": False,
                    "plugins": [{"name": "graphql-federation", "config": _config(route)}],
                }
                for route in routes
            ],
        },
        sort_keys=False,
    )


@contextmanager
def stand_in(routes: Sequence[Route]) -> Iterator[Host]:
    """The stand-in for Kong with these routes, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="stand-in-") as folder:
        declared = Path(folder) / "kong.yml"
        declared.write_text(kong_yml(routes))
        port = free_port()
        command = ["-m", "kong_federation.cli.__main__", "dev", str(declared), "--port", str(port)]
        with Child(command, Path(folder) / "log") as child:
            child.until(lambda: listens(port) or None, START_PATIENCE)
            yield Host(f"http://127.0.0.1:{port}", child)


def _config(route: Route) -> dict[str, Any]:
    return {
        "supergraph": {"path": str(route.supergraph)},
        "subgraphs": [{"name": name, "url": url} for name, url in route.subgraphs.items()],
        **route.settings,
    }
