"""The graphs that gateways are started on: the workload's, and those of the planning corpus."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.corpus import SUPERGRAPHS
from bench.world import SUBGRAPHS, SUPERGRAPH, WORKLOAD

WORKLOAD_GRAPH = "workload"
JOIN_GRAPH = re.compile(r'@join__graph\(\s*name:\s*"([^"]*)"[,\s]*url:\s*"[^"]*"\s*\)')


@dataclass(frozen=True, slots=True)
class Served:
    """
    A supergraph whose subgraphs are served.

    Args:
        name: Of the graph.
        supergraph: A file of SDL, with the URLs at which the subgraphs are.
        urls: By subgraph.
        sdl: By subgraph its own SDL, for gateways that know nothing of supergraphs; empty if there is none.
        extra: What else the plugin is configured with.
    """

    name: str
    supergraph: Path
    urls: dict[str, str]
    sdl: dict[str, str]
    extra: dict[str, Any] = field(default_factory=dict)

    def configuration(self) -> dict[str, Any]:
        """The plugin's configuration; identical queries do not share a request, which a load of one query flatters."""
        return {
            "supergraph": {"path": str(self.supergraph)},
            "subgraph_defaults": {"deduplicate": False},
            "subgraphs": [{"name": name, "url": url} for name, url in self.urls.items()],
            **self.extra,
        }

    def description(self) -> dict[str, Any]:
        """The same for the drivers of other gateways."""
        services = [{"name": name, "url": self.urls[name], "schema": sdl} for name, sdl in self.sdl.items()]
        return {"name": self.name, "supergraph": str(self.supergraph), "services": services}


def served(folder: Path, name: str, sdl: str, url: Callable[[str], str]) -> Served:
    """Write a supergraph with the subgraphs' URLs in it."""
    names = JOIN_GRAPH.findall(sdl)
    text = JOIN_GRAPH.sub(lambda found: f'@join__graph(name: "{found[1]}", url: "{url(found[1])}")', sdl)
    file = folder / f"{name}.graphql"
    file.write_text(text)
    return Served(name, file, {one: url(one) for one in names}, {})


def workload(folder: Path, port: int) -> Served:
    """The workload's graph."""
    graph = served(folder, WORKLOAD_GRAPH, SUPERGRAPH.read_text(), lambda name: f"http://127.0.0.1:{port}/{name}")
    graph.sdl.update({name: (WORKLOAD / f"{name}.graphql").read_text() for name in SUBGRAPHS})
    return graph


def corpus_graph(folder: Path, name: str, port: int) -> Served:
    """One of the planning corpus."""
    sdl = (SUPERGRAPHS / f"{name}.graphql").read_text()
    return served(folder, name, sdl, lambda subgraph: f"http://127.0.0.1:{port}/{name}/{subgraph}")
