"""
Random operations over the graphs of the planning corpus, so that nothing is tuned to three queries.

The fuzzer draws valid operations for the corpus's supergraphs, the test kit's worlds answer for their subgraphs, and
its monolith says what is right. The draw is a function of the seed. An operation is left out if its answer has errors
(gateways word them differently), if it needs no subgraph, or if it uses `@defer`, which a plain answer cannot show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import orjson

from bench.questions import Question
from kong_federation.errors import FederationError, FederationErrors
from kong_federation.plan import count_fetches
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph
from spec.fuzz.operations import operation
from spec.testkit import World
from spec.testkit.subgraph import MemorySubgraph

SUPERGRAPHS = Path(__file__).resolve().parents[1] / "spec" / "plans" / "supergraphs"
WITH_LABELS = "simple-progressive-overrides"  # its answers depend on a draw
PER_GRAPH = 2
DRAWS = 20  # tries for one operation on a graph
WORLD_SEED = 1


@dataclass(frozen=True, slots=True)
class Drawn:
    """An operation on one of the graphs, as a question, with its number on this graph."""

    graph: str
    number: int
    question: Question

    @property
    def answer_bytes(self) -> int:
        """Size of its answer."""
        return len(orjson.dumps(self.question.expected))


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """
    One operation, measured.

    Args:
        graph: The supergraph's name.
        number: Of the operation on this graph.
        answer_bytes: Size of its answer.
        cpu_ms: By gateway, of those that answer it rightly.
        ours_ms: Our plugin server's.
    """

    graph: str
    number: int
    answer_bytes: int
    cpu_ms: dict[str, float]
    ours_ms: float

    def ratio(self, gateway: str) -> float:
        """Ours by theirs."""
        return self.ours_ms / self.cpu_ms[gateway]


class WorldSubgraph:
    """A subgraph of a world, in the shape of the workload's."""

    def __init__(self, subgraph: MemorySubgraph) -> None:
        self._subgraph = subgraph

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a GraphQL request."""
        return self._subgraph.execute(request["query"], request.get("variables") or {})


def load_world(name: str) -> tuple[Planner, World]:
    """A corpus graph with its data."""
    planner = Planner(load_supergraph((SUPERGRAPHS / f"{name}.graphql").read_text()))
    return planner, World(planner, WORLD_SEED)


def subgraphs_of(names: Sequence[str]) -> dict[bytes, WorldSubgraph]:
    """By path `/graph/subgraph` the subgraphs of some graphs."""
    return {
        f"/{name}/{subgraph}".encode(): WorldSubgraph(found)
        for name in names
        for subgraph, found in load_world(name)[1].subgraphs.items()
    }


def draw(count: int, seed: int) -> list[Drawn]:
    """So many operations, a few on each graph, graphs in a random order."""
    random = Random(seed)
    names = sorted(file.stem for file in SUPERGRAPHS.glob("*.graphql") if file.stem != WITH_LABELS)
    random.shuffle(names)
    found: list[Drawn] = []
    for name in names:
        found += _on_graph(name, random)
        if len(found) >= count:
            break
    return found[:count]


def _on_graph(name: str, random: Random) -> Iterator[Drawn]:
    planner, world = load_world(name)
    made = 0
    for _ in range(DRAWS):
        if made == PER_GRAPH:
            return
        question = _question(planner, world, random)
        if question is not None:
            made += 1
            yield Drawn(name, made, question)


def _question(planner: Planner, world: World, random: Random) -> Question | None:
    try:
        text = operation(planner.api_schema, random)
        if "@defer" in text or not count_fetches(planner.plan(text).node):
            return None
    except (LookupError, FederationError, FederationErrors):
        return None
    answer = world.monolith(text, {})
    if answer.errors or not answer.data:
        return None
    return Question("random", orjson.dumps({"query": text}), {"data": orjson.loads(orjson.dumps(answer.data))})
