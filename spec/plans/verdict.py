"""One case judged: its plan checked, run on several worlds against the monolith, and counted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from graphql import parse

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.plan import Defer, QueryPlan, count_fetches, count_waves
from kong_federation.planner import Planner
from spec.difference import differences, layout
from spec.plans.case import Case, planner
from spec.testkit import Answer, Checker, World, deciding, first_answer, in_one, without_defer

# Assignments of the variables that decide conditions, run on each world.
_ASSIGNMENTS = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    How a case went.

    Args:
        case: The case.
        plan: None if planning failed.
        problems: What is wrong; empty if the plan is valid.
    """

    case: Case
    plan: QueryPlan | None
    problems: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether the plan is valid and answers as the monolith does."""
        return not self.problems

    @property
    def fetches(self) -> int:
        """More requests than the better planner's (fewer: negative)."""
        if self.plan is None or self.case.fetches is None:
            return 0
        return count_fetches(self.plan.node) - self.case.fetches

    @property
    def depth(self) -> int:
        """More waves than the better planner's (fewer: negative)."""
        if self.plan is None or self.case.depth is None:
            return 0
        return count_waves(self.plan.node) - self.case.depth

    @property
    def worse(self) -> bool:
        """Whether it costs more than the better planner's plan."""
        return self.fetches > 0 or self.depth > 0


def judge(case: Case, seeds: int) -> Verdict:
    """Plan a case, check the plan, and run it on as many worlds as there are seeds."""
    used = planner(case.supergraph)
    try:
        plan = used.plan(case.query, None, case.labels)
    except (FederationError, FederationErrors) as error:
        return Verdict(case, None, (f"it is not planned: {error}",))
    found = Checker(used, case.labels).problems(plan, case.query)
    for seed in range(seeds):
        world = World(used, seed, case.labels)
        for variables in assignments(case.query, case.variables):
            expected = world.monolith(case.query, variables)
            actual = world.federated(plan, variables)
            unlike = [*disagreements(expected, actual), *_passed_disagrees(world, plan, variables, actual)]
            found += [f"world {seed}, {variables}: {problem}" for problem in unlike]
        if found:
            break
    return Verdict(case, plan, tuple(found))


def disagreements(expected: Answer, actual: Answer) -> Iterator[str]:
    """
    Where the gateway's answer is not the monolith's.

    Errors need not be the same, but there must be none without a reason: the monolith has some only where an object is
    of a type that clients cannot see.

    Args:
        expected: The monolith's.
        actual: The gateway's.
    """
    found = list(differences(expected.data, actual.data))
    yield from found
    if not found and layout(expected.data) != layout(actual.data):
        yield f"data: the fields stand as {json.dumps(actual.data)}, not as {json.dumps(expected.data)}"
    if not expected.errors:
        yield from actual.errors
    ran = actual.mutations
    if expected.data is None:
        # A null has reached the root. The monolith runs no mutation after that one; a gateway may (section 6.4.4).
        ran = ran[: len(expected.mutations)]
    if expected.mutations != ran:
        yield f"mutations ran as {actual.mutations}, not as {expected.mutations}"


def _passed_disagrees(world: World, plan: QueryPlan, variables: Mapping[str, Any], actual: Answer) -> Iterator[str]:
    """Where a subgraph's answer that may be passed through is not, byte for byte, what the gateway answers."""
    if plan.whole and json.dumps(world.passed(plan, variables)) != json.dumps(actual.data):
        yield "the subgraph's own answer is another one than the gateway's"


def assignments(text: str, variables: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The variables as they are, and with every other choice of those that decide conditions."""
    names = sorted(deciding(parse(text)))
    yield dict(variables)
    for values in islice(product((True, False), repeat=len(names)), _ASSIGNMENTS):
        other = {**variables, **dict(zip(names, values, strict=True))}
        if other != variables:
            yield other


def answers_agree(used: Planner, text: str, seed: int, labels: frozenset[str]) -> list[str]:
    """What is wrong with the plan and the answers of an operation whose variables all have defaults."""
    plan = used.plan(text, None, labels)
    world = World(used, seed, labels)
    plain, whole = without_defer(text), in_one(plan)
    found = Checker(used, labels).problems(whole, plain)
    for variables in assignments(text, {}):
        expected = world.monolith(plain, variables)
        actual = world.federated(whole, variables)
        found += disagreements(expected, actual)
        found += _passed_disagrees(world, whole, variables, actual)
        if isinstance(plan.node, Defer):
            found += _parts_disagree(world, plan, plan.node, expected, variables)
    return found


def _parts_disagree(
    world: World, plan: QueryPlan, node: Defer, expected: Answer, variables: Mapping[str, Any]
) -> Iterator[str]:
    """What is wrong with the first answer alone, and with the whole answer where variables switch `@defer` off."""
    first = world.federated(first_answer(plan), variables)
    if not expected.errors:
        # What is deferred is missing, and nothing else is. Where the monolith has an error, a deferred field may have
        # made null what the first answer has.
        missing = re.compile(r"expected .*, but it is missing$")
        unlike = (text for text in differences(expected.data, first.data) if not missing.search(text))
        yield from (f"first answer: {text}" for text in (*unlike, *first.errors))
    switches = {part.variable for part in node.deferred}
    if None not in switches:
        yield from disagreements(expected, world.federated(plan, {**variables, **dict.fromkeys(switches, False)}))
