"""The corpus: operations on supergraphs, with what two planners need for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from kong_federation.planner import Planner, PlannerOptions
from kong_federation.supergraph import load_supergraph

_HERE = Path(__file__).parent
# Seconds; the machine may be busy, and steps bound planning too.
_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Case:
    """
    One case.

    Args:
        id: `group/name`.
        supergraph: Name of the supergraph's file.
        query: The operation.
        variables: A value for each variable without a default.
        labels: Active labels of progressive overrides.
        fetches: Requests of the better of the two planners; None if neither plans it.
        depth: Waves of the better one.
        excuse: Why ours may be worse; empty if it may not.
    """

    id: str
    supergraph: str
    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    fetches: int | None = None
    depth: int | None = None
    excuse: str = ""


def cases(part: str = "") -> list[Case]:
    """The cases whose id has some part; all of them without one."""
    excuses = json.loads((_HERE / "worse.json").read_text())
    found = [_case(item, excuses) for item in json.loads((_HERE / "cases.json").read_text())]
    if unknown := excuses.keys() - {case.id for case in found}:
        raise LookupError(f"worse.json excuses no case: {', '.join(sorted(unknown))}")
    return [case for case in found if part in case.id]


@cache
def planner(supergraph: str) -> Planner:
    """The planner of a supergraph."""
    text = (_HERE / "supergraphs" / f"{supergraph}.graphql").read_text()
    return Planner(load_supergraph(text), PlannerOptions(timeout=_TIMEOUT))


def _case(item: Mapping[str, Any], excuses: Mapping[str, str]) -> Case:
    return Case(
        id=item["id"],
        supergraph=item["supergraph"],
        query=item["query"],
        variables=item.get("variables") or {},
        labels=frozenset(item.get("override_labels") or ()),
        fetches=_better(item, "fetches"),
        depth=_better(item, "depth"),
        excuse=excuses.get(item["id"], ""),
    )


def _better(item: Mapping[str, Any], figure: str) -> int | None:
    known = [item[key] for planner in ("apollo", "hive") if item[key := f"{planner}_{figure}"] is not None]
    return min(known) if known else None
