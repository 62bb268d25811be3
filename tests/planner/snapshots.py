"""
Plan snapshots: the text of the plan of every audit test, one file per suite.

    python -m tests.planner.snapshots     write them anew; then read the diff

A snapshot alone can bless a wrong plan. The oracle for these is the audit, which runs each of them through the whole
way (tests/spec/test_audit.py); the ceiling is the better of two other planners' figures, from the audit's data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.plan import QueryPlan, count_fetches, count_waves, show_plan
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph

SUITES = Path(__file__).parents[2] / "spec" / "audit" / "suites"
SNAPSHOTS = Path(__file__).parent / "snapshots"


@dataclass(frozen=True)
class Case:
    """One audit test as a planning case."""

    id: str
    query: str
    ceiling: int | None

    @property
    def suite(self) -> str:
        return self.id.rpartition("_")[0]


def suites() -> list[str]:
    return sorted(path.parent.name for path in SUITES.glob("*/tests.json"))


def cases(suite: str) -> Iterator[Case]:
    for test in json.loads((SUITES / suite / "tests.json").read_text()):
        figures = [figure for figure in (test["apollo_fetches"], test["hive_fetches"]) if figure is not None]
        yield Case(test["id"], test["query"], min(figures, default=None))


def planner(suite: str) -> Planner:
    return Planner(load_supergraph((SUITES / suite / "supergraph.graphql").read_text()))


def plan_of(found: Planner, case: Case) -> QueryPlan | None:
    """The case's plan; None where the operation is refused."""
    try:
        return found.plan(case.query)
    except (FederationError, FederationErrors):
        return None


def snapshot(suite: str) -> str:
    """All plans of a suite as one text."""
    found = planner(suite)
    parts = []
    for case in cases(suite):
        plan = plan_of(found, case)
        text = "refused" if plan is None else show_plan(plan)
        cost = "" if plan is None else f" ({count_fetches(plan.node)} fetches, {count_waves(plan.node)} waves)"
        parts.append(f"### {case.id}{cost}\n{case.query.strip()}\n---\n{text}\n")
    return "\n".join(parts)


def main() -> None:
    SNAPSHOTS.mkdir(exist_ok=True)
    for suite in suites():
        (SNAPSHOTS / f"{suite}.txt").write_text(snapshot(suite))


if __name__ == "__main__":
    main()
