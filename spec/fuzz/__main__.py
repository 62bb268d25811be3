"""
Differential fuzzing.

    python -m spec.fuzz --minutes 10          random supergraphs and operations; what fails is made small and kept
    python -m spec.fuzz --first 123456        begin with another supergraph
    python -m spec.fuzz --replay NAME         a kept case, with its plan and its problems

The last line is `FUZZ operations=N failed=N kinds=N`. The exit status is 1 if something failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kong_federation.plan import show_plan
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph
from spec.fuzz.case import Case, category, found
from spec.fuzz.run import attempts
from spec.fuzz.shrink import shrink


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz or replay; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m spec.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--first", type=int, metavar="N", help="number of the first supergraph (default: by the clock)")
    parser.add_argument("--keep", type=Path, default=Path(".run/fuzz"), metavar="DIR", help="where failures are kept")
    parser.add_argument("--replay", metavar="NAME", help="a case in spec/fuzz/found")
    given = parser.parse_args(argv)
    if given.replay:
        return _replay(given.replay)
    first = given.first if given.first is not None else int(time.time()) * 1000
    print(f"first supergraph: {first}", flush=True)
    operations = failed = 0
    kinds: set[str] = set()
    for case, problems in attempts(first, given.minutes * 60):
        operations += 1
        if not problems:
            continue
        failed += 1
        if (kind := category(problems[0])) not in kinds:
            kinds.add(kind)
            _keep(case, problems, given.keep)
    print(f"FUZZ operations={operations} failed={failed} kinds={len(kinds)}")
    return 1 if failed else 0


def _keep(case: Case, problems: list[str], folder: Path) -> None:
    print(f"{case.name}: {problems[0]}", flush=True)
    small = shrink(case)
    where = replace(small, rule=small.problems()[0]).save(folder)
    print(f"{case.name}: kept in {where}", flush=True)


def _replay(name: str) -> int:
    case = next((one for one in found() if one.name == name), None)
    if case is None:
        print(f"no such case: {name}", file=sys.stderr)
        return 2
    print(case.operation)
    problems = case.problems()
    if not problems or not problems[0].startswith(("refused", "raised")):
        print(show_plan(Planner(load_supergraph(case.supergraph)).plan(case.operation, None, case.labels)))
    print("\n".join(problems) or "no problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
