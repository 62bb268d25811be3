"""A suite of the audit, read from its folder: the supergraph, the subgraphs, the tables and the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from spec.audit.subgraph import Rules, Subgraph

SUITES: Final = Path(__file__).parent / "suites"


@dataclass(frozen=True, slots=True)
class Question:
    """
    One test of the audit.

    Args:
        id: The audit's own name for it, `SUITE_n`.
        query: What is sent.
        data: What must come back.
        errors: Whether errors must come with it; None: either way.
        apollo: Fetches in Apollo's plan; None where nothing may be fetched.
        hive: The same of Hive's plan.
    """

    id: str
    query: str
    data: Any
    errors: bool | None
    apollo: int | None
    hive: int | None


@dataclass(frozen=True, slots=True)
class Suite:
    """One folder of `suites/`."""

    name: str

    @property
    def folder(self) -> Path:
        return SUITES / self.name

    @property
    def supergraph(self) -> Path:
        return self.folder / "supergraph.graphql"

    def declarations(self) -> dict[str, str]:
        """Each subgraph's SDL, by its name."""
        return {path.stem: path.read_text() for path in sorted((self.folder / "subgraphs").glob("*.graphql"))}

    def questions(self) -> list[Question]:
        return [
            Question(
                id=test["id"],
                query=test["query"],
                data=test["expected"]["data"],
                errors=test["expected"]["errors"],
                apollo=test["apollo_fetches"],
                hive=test["hive_fetches"],
            )
            for test in json.loads((self.folder / "tests.json").read_text())
        ]

    def subgraphs(self, *, strict: bool = False) -> Mapping[str, Subgraph]:
        """
        The suite's subgraphs, ready to answer; they share what state the suite has.

        Args:
            strict: Whether resolvers that only a poor plan would call throw.
        """
        behaviour = import_module(f"spec.audit.behaviour.{self.name.replace('-', '_')}")
        tables = json.loads((self.folder / "data.json").read_text())
        rules: dict[str, Rules] = behaviour.subgraphs(tables, strict=strict)
        declarations = self.declarations()
        if unknown := rules.keys() - declarations.keys():
            raise LookupError(f"{self.name} has no subgraph {', '.join(sorted(unknown))}")
        return {name: Subgraph(sdl, rules.get(name, Rules())) for name, sdl in declarations.items()}


def suites(names: Sequence[str] = ()) -> list[Suite]:
    """The suites of these names, or all; an unknown name is a `LookupError`."""
    known = sorted(path.parent.name for path in SUITES.glob("*/tests.json"))
    if unknown := set(names) - set(known):
        raise LookupError(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return [Suite(name) for name in known if not names or name in names]
