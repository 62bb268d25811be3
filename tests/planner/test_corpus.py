"""The corpus of plans: each is valid, answers as a monolith does, and costs no more than another planner's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spec.plans.__main__ import main
from spec.plans.case import Case, cases
from spec.plans.verdict import judge


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_a_plan_is_right_and_costs_no_more_than_the_better_of_two_others(case: Case):
    verdict = judge(case, seeds=2)
    assert verdict.problems == ()
    assert verdict.worse == bool(case.excuse), f"fetches {verdict.fetches:+d}, depth {verdict.depth:+d}"


def test_a_costlier_plan_is_told_and_counted(monkeypatch, capsys):
    (case,) = cases("requires/two_same_service_calls_with_args_conflicts")
    monkeypatch.setattr("spec.plans.__main__.cases", lambda _: [replace(case, fetches=1, depth=1)])
    assert main(["--seeds", "0"]) == 1
    told, last = capsys.readouterr().out.splitlines()
    assert "WORSE" in told
    assert "valid=1 fetches_worse=1 depth_worse=1" in last


def test_an_operation_that_is_not_planned_is_invalid(monkeypatch, capsys):
    case = replace(cases()[0], query="{ nobodyHasThis }")
    monkeypatch.setattr("spec.plans.__main__.cases", lambda _: [case])
    assert main([]) == 1
    assert "INVALID it is not planned" in capsys.readouterr().out


def test_the_last_line_counts(capsys):
    assert main(["overrides/", "--seeds", "1"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    count = len(cases("overrides/"))
    assert last == f"PLANS cases={count} valid={count} fetches_worse=0 depth_worse=0 fetches_better=0"
