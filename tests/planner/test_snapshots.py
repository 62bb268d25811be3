import pytest

from kong_federation.plan import count_fetches
from tests.planner.snapshots import SNAPSHOTS, cases, corpus, plan_of, planner, snapshot, suites


@pytest.mark.parametrize("suite", suites())
def test_plans_are_as_they_were(suite: str) -> None:
    """A changed plan must be looked at: python -m tests.planner.snapshots, then git diff."""
    assert snapshot(suite) == (SNAPSHOTS / f"{suite}.txt").read_text()


@pytest.mark.parametrize("suite", suites())
def test_no_plan_needs_more_requests_than_the_better_of_two_other_planners(suite: str) -> None:
    found = planner(suite)
    for case in cases(suite):
        plan = plan_of(found, case)
        if plan is not None and case.ceiling is not None:
            assert count_fetches(plan.node) <= case.ceiling, case.id


def test_plans_of_the_corpus_are_as_they_were() -> None:
    """The oracle and the ceiling for these are in spec/plans."""
    assert corpus() == (SNAPSHOTS / "corpus.txt").read_text()
