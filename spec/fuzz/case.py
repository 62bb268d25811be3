"""One case of the fuzzer: a supergraph, an operation, a world; and what is wrong with the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph
from spec.plans.verdict import answers_agree

FOUND = Path(__file__).parent / "found"


@dataclass(frozen=True, slots=True)
class Case:
    """
    One case.

    Args:
        name: What it is kept under.
        supergraph: SDL.
        operation: Text whose variables all have defaults.
        seed: Of the data.
        labels: Active labels of progressive overrides.
        rule: What it is about, in a sentence.
        known: Why it still fails; empty if it must not.
    """

    name: str
    supergraph: str
    operation: str
    seed: int
    labels: frozenset[str] = frozenset()
    rule: str = ""
    known: str = ""

    def problems(self, planner: Planner | None = None) -> list[str]:
        """What is wrong; empty if the federated answer is the monolith's."""
        try:
            used = planner or Planner(load_supergraph(self.supergraph))
            return answers_agree(used, self.operation, self.seed, self.labels)
        except (FederationError, FederationErrors) as error:
            return [f"refused: {error}"]
        except Exception as error:  # noqa: BLE001 - whatever is raised is what the fuzzer looks for
            return [f"raised: {type(error).__name__}: {error}"]

    def save(self, folder: Path = FOUND) -> Path:
        """Keep it as data."""
        where = folder / self.name
        where.mkdir(parents=True, exist_ok=True)
        (where / "supergraph.graphql").write_text(self.supergraph.strip() + "\n")
        (where / "operation.graphql").write_text(self.operation.strip() + "\n")
        about = {"rule": self.rule, "seed": self.seed, "labels": sorted(self.labels)}
        if self.known:
            about["known"] = self.known
        (where / "case.json").write_text(json.dumps(about, indent=2) + "\n")
        return where


def found(folder: Path = FOUND) -> Iterator[Case]:
    """The cases that are kept."""
    for where in sorted(path.parent for path in folder.glob("*/case.json")):
        about = json.loads((where / "case.json").read_text())
        yield Case(
            name=where.name,
            supergraph=(where / "supergraph.graphql").read_text(),
            operation=(where / "operation.graphql").read_text(),
            seed=about["seed"],
            labels=frozenset(about["labels"]),
            rule=about["rule"],
            known=about.get("known", ""),
        )


def category(problem: str) -> str:
    """What kind of problem it is, without the names in it: a smaller case must fail in the same way."""
    if problem.startswith("data"):
        return "data"
    return re.sub(r"'.*?'|\b[A-Z]?[A-Za-z]*\d+\b|\b[a-e]\b|\[.*?\]|\(.*?\)|far[A-E]|\.\w+|_\w+", "", problem)[:80]
