"""
How long planning takes, ours against two other federation query planners, on the corpus of spec/plans.

    python -m bench.planning [--rounds N] [--case TEXT ...] [--json FILE]

Each case is planned again and again by a warm planner in one process, from the client's text to the plan, without any
cache: this is what an operation that nobody has asked before costs. The three planners take turns case by case, so that
a machine that is slow for a second is slow for all. Medians per case; ratios are per case, ours by theirs, and below 1
where ours is faster.

The peers are npm's `@apollo/query-planner` (JavaScript) and `@graphql-hive/router-query-planner` (Rust). Like is
compared with like: Apollo's gateway parses, validates, normalises and plans, and so do we; Hive's package does not
validate, so our validation is left out there. Both are installed here, into a folder that git ignores, and used for
nothing but measuring; Apollo's packages are under the Elastic licence and are no dependency of anything.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import json
import math
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, TypeAlias

from bench.figures import aligned
from kong_federation.errors import FederationError, FederationErrors
from kong_federation.planner import Planner, PlannerOptions, planner
from kong_federation.supergraph import load_supergraph

ROOT = Path(__file__).resolve().parents[1]
PLANS = ROOT / "spec" / "plans"
DRIVER = ROOT / "bench" / "planning" / "peers.mjs"
MODULES = ROOT / ".run" / "planning"
PACKAGES = {
    "@apollo/query-planner": "2.14.4",
    "@apollo/query-graphs": "2.14.4",
    "@apollo/federation-internals": "2.14.4",
    "@graphql-hive/router-query-planner": "0.0.38",
}
APOLLO, HIVE, OURS = "apollo", "hive", "ours"

WARM_UP = 20  # plans before the first that counts: V8 compiles what was run often
MOST_MS = 400.0  # of one planner on one case in one turn
SLOW_MS = 2_000.0  # who takes longer is asked once; one case takes Apollo seventeen seconds
TIMES = 5  # plans in a row before the next planner's turn
FRESH_PROCESSES = 5
PLANNING_TIMEOUT = 60.0  # seconds; steps bound planning too
FRESH_CASE = "mod/test_bench_operation"

# What is timed within our planner: the part's name, and the function, or the class and its outermost method.
PARTS = (
    ("parse", "parse_document", ""),
    ("validate", "check_document", ""),
    ("normalise", "normalize", ""),
    ("search", "Search", "object"),
    ("build", "Builder", "build"),
    ("schedule", "schedule", ""),
    ("emit", "Emitter", "emit"),
    ("output", "Outputs", "composite"),
)

# Milliseconds by part; peers leave out what they do not do.
Sample: TypeAlias = dict[str, float]
Plan: TypeAlias = Callable[[dict[str, Any], int], list[Sample]]


class PeersMissingError(Exception):
    """The other planners cannot be had; the text says why."""


class RefusedError(Exception):
    """A planner does not plan a case; the text says why."""


@dataclass(slots=True)
class Measured:
    """
    All samples of one case.

    Args:
        id: The case.
        samples: By planner, one total (and for ours and Apollo's one share of validation) per plan.
        parts: Our planner's parts, measured apart because looking costs time.
        refused: By planner, why it does not plan the case.
        slow: Planners that are not asked again.
    """

    id: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    parts: list[Sample] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    slow: list[str] = field(default_factory=list)

    def add(self, who: str, plan: Plan, case: dict[str, Any], *, warm: bool) -> None:
        """Let a planner plan the case; the warm-up counts only if it is too slow to be asked again."""
        try:
            samples = plan(case, TIMES if warm else WARM_UP)
        except RefusedError as error:
            self.refused[who] = str(error)
            return
        if not warm and sum(samples[0].values()) > SLOW_MS:
            self.slow.append(who)
        if warm or who in self.slow:
            self.samples.setdefault(who, []).extend(samples)

    def median(self, who: str, *, without: Sequence[str] = ()) -> float | None:
        """Milliseconds of one plan, without some of its parts; None if this planner does not plan the case."""
        found = self.samples.get(who)
        if not found or who in self.refused:
            return None
        return statistics.median(
            sum(value for part, value in sample.items() if part not in without) for sample in found
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    Ours against another planner.

    Args:
        what: What is compared.
        peer: The other planner.
        cases: How many both plan.
        ours_ms: Median over the cases.
        peer_ms: The same of the other.
        ratio_median: Of the cases' ratios.
        ratio_p99: The ratio that one case in a hundred exceeds.
    """

    what: str
    peer: str
    cases: int
    ours_ms: float
    peer_ms: float
    ratio_median: float
    ratio_p99: float


# (title, planner, parts that are left out on both sides); the first of each planner stands in the summary.
COMPARISONS = (
    ("text to plan", APOLLO, ()),
    ("without parse and validate", APOLLO, ("parse", "validate")),
    ("without validate", HIVE, ("validate",)),
    ("text to plan", HIVE, ()),
)


# --- our planner ------------------------------------------------------------------------------------------------------


class Ours:
    """Our planner, one for each supergraph, with a stopwatch at its parts."""

    def __init__(self) -> None:
        self._planners: dict[str, Planner] = {}

    def plan(self, case: dict[str, Any], times: int) -> list[Sample]:
        """
        Plan so many times, or until it has taken long enough; parsing and validation are timed apart from the rest.

        Raises:
            RefusedError: It is not planned.
        """
        end = time.perf_counter() + MOST_MS / 1000
        samples: list[Sample] = []
        while not samples or (len(samples) < times and time.perf_counter() < end):
            samples.append(self._once(case, PARTS[:2]))
        return samples

    def parts(self, case: dict[str, Any]) -> Sample:
        """Plan once and look at every part."""
        return self._once(case, PARTS)

    def _once(self, case: dict[str, Any], parts: Sequence[tuple[str, str, str]]) -> Sample:
        found = self._planner(case["supergraph"])
        labels = frozenset(case.get("override_labels", ()))
        with stopwatch(planner, parts) as spent:
            start = time.perf_counter()
            try:
                found.plan(case["query"], None, labels)
            except (FederationError, FederationErrors) as error:
                raise RefusedError(str(error)) from error
            total = (time.perf_counter() - start) * 1000
        return {**spent, "rest": total - sum(spent.values())}

    def _planner(self, name: str) -> Planner:
        if name not in self._planners:
            text = (PLANS / "supergraphs" / f"{name}.graphql").read_text()
            self._planners[name] = Planner(load_supergraph(text), PlannerOptions(timeout=PLANNING_TIMEOUT))
            # As in a builder process: what lives as long as the planner is not looked at again and again.
            gc.collect()
            gc.freeze()
        return self._planners[name]


@contextlib.contextmanager
def stopwatch(module: Any, parts: Sequence[tuple[str, str, str]]) -> Iterator[Sample]:
    """
    Time parts of a module that calls them by name; what one part calls of another counts for the outer one.

    Yields:
        Milliseconds by part, filled while the block runs.
    """
    spent: Sample = dict.fromkeys((name for name, _, _ in parts), 0.0)
    running: list[str] = []

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **named: Any) -> Any:
            if running:
                return call(*arguments, **named)
            running.append(name)
            start = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                spent[name] += (time.perf_counter() - start) * 1000
                running.clear()

        return wrapper

    before = {attribute: getattr(module, attribute) for _, attribute, _ in parts}
    try:
        for name, attribute, method in parts:
            known = before[attribute]
            if method:
                # A class of the same name whose method is timed.
                replaced = type(attribute, (known,), {"__slots__": (), method: timed(name, getattr(known, method))})
            else:
                replaced = timed(name, known)
            setattr(module, attribute, replaced)
        yield spent
    finally:
        for attribute, known in before.items():
            setattr(module, attribute, known)


# --- the peers --------------------------------------------------------------------------------------------------------


class Peers:
    """The other planners in a process of their own; used as a context."""

    def __init__(self) -> None:
        command = ["node", str(DRIVER), str(MODULES), str(PLANS)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def plan(self, peer: str, case: dict[str, Any], times: int) -> list[Sample]:
        """
        Plan a case so many times, or until it has taken long enough.

        Raises:
            RefusedError: The peer does not plan this case.
            PeersMissingError: The peers' process has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            question = {"peer": peer, "id": case["id"], "times": times, "most": MOST_MS}
            print(json.dumps(question), file=self._process.stdin)
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeersMissingError("the process of the other planners has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise RefusedError(answer["error"])
        samples: list[Sample] = answer["samples"]
        return samples


def install() -> None:
    """
    Have npm install the peers, unless they are there.

    Raises:
        PeersMissingError: There is no node or npm, or npm failed.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise PeersMissingError(f"{program} is not installed")
    if all(installed(name) == version for name, version in PACKAGES.items()):
        return
    MODULES.mkdir(parents=True, exist_ok=True)
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    say(f"npm installs {' '.join(wanted)} into {MODULES.relative_to(ROOT)}")
    command = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run([*command, "--prefix", str(MODULES), *wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeersMissingError(f"npm failed: {done.stderr.strip().splitlines()[-1:] or done.returncode}")


def installed(name: str) -> str | None:
    """The version of a package that is there already."""
    try:
        version: str = json.loads((MODULES / "node_modules" / name / "package.json").read_text())["version"]
    except (OSError, ValueError, KeyError):
        return None
    return version


# --- measuring --------------------------------------------------------------------------------------------------------


def main() -> int:
    arguments = parse_arguments()
    if arguments.first:
        print(json.dumps(first_plan(arguments.first)))
        return 0
    cases = [case for case in corpus() if not arguments.case or any(text in case["id"] for text in arguments.case)]
    with contextlib.ExitStack() as stack:
        try:
            install()
            peers: Peers | None = stack.enter_context(Peers())
        except PeersMissingError as error:
            say(f"only our own figures: {error}")
            peers = None
        measured = measure(cases, Ours(), peers, arguments.rounds)
    fresh = fresh_processes(FRESH_CASE, (OURS, APOLLO, HIVE) if peers else (OURS,), arguments.fresh)
    compared = comparisons(measured)
    if arguments.json:
        report = {
            "cases": [asdict(one) for one in measured],
            "comparisons": [asdict(one) for one in compared],
            "fresh": fresh,
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    print("\n\n".join(part for part in tables(measured, compared, fresh) if part))
    print(summary(measured, compared))
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Planning time, ours against two other federation query planners.")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved turns on each case (default: %(default)s)")
    parser.add_argument("--case", action="append", metavar="TEXT", help="only cases whose id contains it; repeatable")
    parser.add_argument("--fresh", type=int, default=FRESH_PROCESSES, help="fresh processes per planner")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    parser.add_argument("--first", metavar="ID", help=argparse.SUPPRESS)  # what the fresh processes do
    return parser.parse_args()


def say(what: str) -> None:
    """Progress, for whoever waits; figures go to standard output."""
    print(f"bench: {what}", file=sys.stderr, flush=True)


def corpus() -> list[dict[str, Any]]:
    """All cases."""
    cases: list[dict[str, Any]] = json.loads((PLANS / "cases.json").read_text())
    return cases


def measure(cases: Sequence[dict[str, Any]], ours: Ours, peers: Peers | None, rounds: int) -> list[Measured]:
    """Warm everything up, then let the planners take turns case by case, round by round."""
    planners: dict[str, Plan] = {OURS: ours.plan}
    if peers is not None:
        planners |= {APOLLO: functools.partial(peers.plan, APOLLO), HIVE: functools.partial(peers.plan, HIVE)}
    measured = [Measured(case["id"]) for case in cases]
    for number in range(rounds + 1):
        say(f"round {number} of {rounds}" if number else f"warming up on {len(cases)} cases")
        for case, found in zip(cases, measured, strict=True):
            for who, plan in planners.items():
                if who not in found.refused and who not in found.slow:
                    found.add(who, plan, case, warm=number > 0)
            if number and OURS not in found.refused:
                found.parts.append(ours.parts(case))
    return measured


def first_plan(case_id: str) -> Sample:
    """Build a planner and plan one case, in this process that has done nothing else."""
    case = next(case for case in corpus() if case["id"] == case_id)
    text = (PLANS / "supergraphs" / f"{case['supergraph']}.graphql").read_text()
    start = time.perf_counter()
    found = Planner(load_supergraph(text), PlannerOptions(timeout=PLANNING_TIMEOUT))
    built = time.perf_counter()
    found.plan(case["query"])
    return {"build": (built - start) * 1000, "plan": (time.perf_counter() - built) * 1000}


def fresh_processes(case_id: str, planners: Sequence[str], times: int) -> dict[str, Sample]:
    """Medians of the first plan in a fresh process; `process` is its whole life."""
    found: dict[str, list[Sample]] = {who: [] for who in planners}
    if times:
        say(f"{times} fresh processes for each planner")
    for _ in range(times):
        for who, samples in found.items():
            peer = ["node", str(DRIVER), str(MODULES), str(PLANS), "--first", who, case_id]
            command = [sys.executable, __file__, "--first", case_id] if who == OURS else peer
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            process = (time.perf_counter() - start) * 1000
            samples.append({**json.loads(done.stdout), "process": process})
    return {
        who: {part: statistics.median(sample[part] for sample in samples) for part in samples[0]}
        for who, samples in found.items()
        if samples
    }


# --- the report -------------------------------------------------------------------------------------------------------


def comparisons(measured: Sequence[Measured]) -> list[Comparison]:
    """Ours against the others, over the cases that both plan."""
    found = []
    for what, peer, without in COMPARISONS:
        pairs = [
            (ours, theirs)
            for one in measured
            if (ours := one.median(OURS, without=without)) and (theirs := one.median(peer, without=without))
        ]
        if pairs:
            ratios = [ours / theirs for ours, theirs in pairs]
            mine, others = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(ratios)
            found.append(Comparison(what, peer, len(pairs), mine, others, ratio, percentile(ratios, 0.99)))
    return found


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least this part of them does not exceed."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def tables(measured: Sequence[Measured], compared: Sequence[Comparison], fresh: dict[str, Sample]) -> Iterator[str]:
    """The figures for people."""
    if compared:
        head = ("compared", "peer", "cases", "ours ms", "peer ms", "ratio median", "ratio p99")
        rows = [
            (one.what, one.peer, str(one.cases), *(f"{value:.3f}" for value in (one.ours_ms, one.peer_ms)),
             *(f"{value:.2f}" for value in (one.ratio_median, one.ratio_p99)))
            for one in compared
        ]  # fmt: skip
        yield aligned([head, *rows])
    yield parts_table(measured)
    slowest = sorted((one for one in measured if one.median(OURS)), key=lambda one: -(one.median(OURS) or 0))[:10]
    head = ("slowest of ours", "", OURS, APOLLO, HIVE)
    yield aligned([head, *((one.id, "ms", *map(cell, map(one.median, (OURS, APOLLO, HIVE)))) for one in slowest)])
    if fresh:
        head = ("first plan of a fresh process", "", "supergraph", "plan", "whole process")
        rows = [
            (who, "ms", *(f"{one[part]:.1f}" for part in ("build", "plan", "process"))) for who, one in fresh.items()
        ]
        yield aligned([head, *rows])
    refused = [f"{one.id}: {who} ({why[:80]})" for one in measured for who, why in one.refused.items()]
    if refused:
        yield "\n".join(("not planned", *refused))


def parts_table(measured: Sequence[Measured]) -> str:
    """What our planner spends its time on: medians over the cases of medians per case."""
    whole = [one for one in measured if one.parts]
    if not whole:
        return ""
    rows = []
    for part in whole[0].parts[0]:
        values = [statistics.median(sample[part] for sample in one.parts) for one in whole]
        rows.append((part, "ms", f"{statistics.median(values):.3f}", f"{percentile(values, 0.99):.3f}"))
    return aligned([("part of ours", "", "median", "p99"), *rows])


def cell(value: float | None) -> str:
    """Milliseconds, or a dash."""
    return "-" if value is None else f"{value:.3f}"


def summary(measured: Sequence[Measured], compared: Sequence[Comparison]) -> str:
    """The one line that is compared from run to run."""
    planned = [value for one in measured if (value := one.median(OURS))]
    words = [f"cases={len(planned)}", f"ours_ms_median={statistics.median(planned):.3f}" if planned else ""]
    for peer in (APOLLO, HIVE):
        first = next((one for one in compared if one.peer == peer), None)
        median, p99 = (f"{first.ratio_median:.2f}", f"{first.ratio_p99:.2f}") if first else ("-", "-")
        words += [f"{peer}_ratio_median={median}", f"{peer}_ratio_p99={p99}"]
    return " ".join(["PLANNING", *filter(None, words)])


if __name__ == "__main__":
    sys.exit(main())
