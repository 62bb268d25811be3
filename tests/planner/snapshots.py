"""
Plan snapshots: the text of the plan of every audit test, one file per suite, and of the corpus's hard cases.

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
PLANS = Path(__file__).parents[2] / "spec" / "plans"
SNAPSHOTS = Path(__file__).parent / "snapshots"

# Each shows something that is easy to get wrong: requirements of requirements, arguments that disagree, conditions on
# fetches, shared roots, re-entered roots, interface objects, abstract types that subgraphs see differently.
HARD = (
    "alias/conflict_list_type_in_interface_with_distinct_response_keys",
    "arguments/multiple_requires_with_args_that_conflicts",
    "e2e/issue_1164_root_re_entry_into_union",
    "fixture/federation-example",
    "fixture/star-stuff",
    "include-skip/plans_query_with_field_level_include_skip_conditions",
    "include-skip/qp_nested_include_skip_conditions_in_complex_products_query",
    "interface-object-with-requires/interface_object_field_with_requires_and_inline_fragment",
    "mutations/mutations",
    "overrides/progressive_override_percentage_active",
    "requires-circular/requires_circular_2",
    "requires/deep_requires",
    "requires/requires_reentry_selects_entity_typename",
    "root-reentry/mutation_then_full_reentry_jump",
    "root-reentry/query_referencing_query_cross_subgraphs",
    "root-types/shared_root",
    "union/union_overfetching_test",
)


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


def corpus() -> str:
    """The plans of the corpus's hard cases as one text."""
    found = {case["id"]: case for case in json.loads((PLANS / "cases.json").read_text())}
    parts = []
    for name in HARD:
        case = found[name]
        labels = frozenset(case.get("override_labels") or ())
        sdl = (PLANS / "supergraphs" / f"{case['supergraph']}.graphql").read_text()
        plan = Planner(load_supergraph(sdl)).plan(case["query"], None, labels)
        cost = f"{count_fetches(plan.node)} fetches, {count_waves(plan.node)} waves"
        parts.append(f"### {name} ({cost})\n{case['query'].strip()}\n---\n{show_plan(plan)}\n")
    return "\n".join(parts)


def main() -> None:
    SNAPSHOTS.mkdir(exist_ok=True)
    for suite in suites():
        (SNAPSHOTS / f"{suite}.txt").write_text(snapshot(suite))
    (SNAPSHOTS / "corpus.txt").write_text(corpus())


if __name__ == "__main__":
    main()
