"""The audit's results for people: what failed and why, and a line per suite."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from spec.audit.run import Result
from spec.difference import shown

# A wrong list of a hundred items has a hundred differences and one cause.
_FAULTS_SHOWN = 6


def failure(result: Result, *, verbose: bool = False) -> str:
    """Why a test failed; verbose: also its query, its plan and every request to a subgraph."""
    head = f"FAIL {result.question.id} (HTTP {result.answer.status}, {len(result.requests)} requests)"
    lines = [head, *(f"     {fault}" for fault in result.faults[: None if verbose else _FAULTS_SHOWN])]
    if (more := len(result.faults) - _FAULTS_SHOWN) > 0 and not verbose:
        lines.append(f"     and {more} more")
    return "\n".join([*lines, *(_details(result) if verbose else [])])


def summary(results: Sequence[Result]) -> str:
    """The line of one suite."""
    passed = sum(result.passed for result in results)
    ours = sum(len(result.requests) for result in results)
    apollo = sum(result.question.apollo or 0 for result in results)
    hive = sum(result.question.hive or 0 for result in results)
    return f"{results[0].suite.name} {passed}/{len(results)} (requests: {ours} vs {apollo} vs {hive})"


def total(results: Sequence[Result]) -> str:
    """The last line of a run."""
    return f"AUDIT {sum(result.passed for result in results)}/{len(results)}"


def _details(result: Result) -> list[str]:
    lines = ["  query", _indented(result.question.query), "  expected", f"    {shown(result.question.data, 2000)}"]
    lines += ["  got", f"    {shown(result.answer.body, 2000)}", "  plan", _indented(_plan(result))]
    for request in result.requests:
        lines += [f"  request to {request['subgraph']}", _indented(request["query"])]
        if request["variables"]:
            lines.append(f"    variables: {shown(request['variables'], 1000)}")
        lines.append(f"    answer: {shown(request['answer'], 1000)}")
    return lines


def _plan(result: Result) -> str:
    """What `kong-federation plan` prints for the query."""
    command = ["-m", "kong_federation.cli.__main__", "plan", str(result.suite.supergraph), result.question.query]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, timeout=60)
    return (done.stdout + done.stderr).strip()


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
