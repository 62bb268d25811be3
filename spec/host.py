"""
Hosts of the gateway, as black boxes: what a suite needs is a kong.yml with its routes and the URL that serves them.

The host is the stand-in, started as anybody would start it, by its command line; or, if `KONG_BIN` names its
executable, a real Kong. A suite that runs against anything else (a container) needs no object for it: it writes the
same kong.yml and is given a URL.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from spec.child import Child, free_port, listens
from spec.gateway.kong_host import KongHost

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
        log: What it has written so far.
    """

    url: str
    log: Callable[[], str]


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
def host(routes: Sequence[Route]) -> Iterator[Host]:
    """The host with these routes, for as long as the context lasts."""
    with real_kong(routes) if os.environ.get("KONG_BIN") else stand_in(routes) as started:
        yield started


@contextmanager
def real_kong(routes: Sequence[Route]) -> Iterator[Host]:
    """A real Kong with these routes, and a plugin server beside it, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="kgf-kong-", ignore_cleanup_errors=True) as folder:
        kong = KongHost(Path(folder), "external")
        with kong.running(yaml.safe_load(kong_yml(routes)), is_ready=lambda: True):
            yield Host(kong.url, kong.log)


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
            yield Host(f"http://127.0.0.1:{port}", child.output)


def _config(route: Route) -> dict[str, Any]:
    return {
        "supergraph": {"path": str(route.supergraph)},
        "subgraphs": [{"name": name, "url": url} for name, url in route.subgraphs.items()],
        **route.settings,
    }
