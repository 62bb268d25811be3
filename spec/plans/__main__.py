"""
The corpus of plans.

    python -m spec.plans                    every case: is it valid, does it answer rightly, what does it cost
    python -m spec.plans requires/ --show   the cases of a group, with their plans
    python -m spec.plans --seeds 50         more worlds for each

The last line is `PLANS cases=N valid=N fetches_worse=N depth_worse=N fetches_better=N`. The exit status is 1 if a plan
is invalid, or costs more than the better of two other planners' without an excuse in `worse.json`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from kong_federation.plan import show_plan
from spec.plans.case import cases
from spec.plans.verdict import Verdict, judge

# Problems printed of one case.
_SHOWN = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the corpus; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m spec.plans", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", default="", help="only cases with this in their id")
    parser.add_argument("--seeds", type=int, default=4, metavar="N", help="worlds each plan is run on")
    parser.add_argument("--show", action="store_true", help="print operations and plans")
    given = parser.parse_args(argv)
    verdicts = []
    chosen = cases(given.part)
    if not chosen:
        parser.error(f"no case has {given.part!r} in its id")
    for case in chosen:
        verdict = judge(case, given.seeds)
        verdicts.append(verdict)
        report(verdict, show=given.show)
    print(total(verdicts))
    return 1 if any(not one.valid or (one.worse and not one.case.excuse) for one in verdicts) else 0


def report(verdict: Verdict, *, show: bool) -> None:
    """A line for each problem, and one for a plan that costs more than others'."""
    case = verdict.case
    if show:
        print(f"--- {case.id} ({case.supergraph})\n{case.query.strip()}")
        if verdict.plan is not None:
            print(show_plan(verdict.plan))
    for problem in verdict.problems[:_SHOWN]:
        print(f"{case.id}: INVALID {problem}")
    if len(verdict.problems) > _SHOWN:
        print(f"{case.id}: and {len(verdict.problems) - _SHOWN} more")
    if verdict.worse:
        print(
            f"{case.id}: WORSE fetches {verdict.fetches:+d} (of {case.fetches}), depth {verdict.depth:+d} "
            f"(of {case.depth}){f' - {case.excuse}' if case.excuse else ''}"
        )
    elif case.excuse:
        print(f"{case.id}: is not worse, its excuse in worse.json can go")


def total(verdicts: Sequence[Verdict]) -> str:
    """The last line."""
    counts = {
        "cases": len(verdicts),
        "valid": sum(one.valid for one in verdicts),
        "fetches_worse": sum(one.fetches > 0 for one in verdicts),
        "depth_worse": sum(one.depth > 0 for one in verdicts),
        "fetches_better": sum(one.fetches < 0 for one in verdicts),
    }
    return "PLANS " + " ".join(f"{name}={count}" for name, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())
