"""One run's figures, their medians, and how a figure is written."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """
    One run, or the medians of several.

    Args:
        gateway: Its name.
        operation: Name of the question.
        cpu_ms: CPU of the gateway's process tree, milliseconds per request.
        front_ms: CPU of the stand-in for Kong, milliseconds per request; 0 where there is none.
        requests_per_second: Answers per second, all lanes together.
        p50_ms: Median latency with all lanes, milliseconds.
        p99_ms: The latency that one request in a hundred exceeds.
        alone_ms: Median latency of a single client; 0 where it was not measured.
        subgraph_requests: Calls to subgraphs per request.
        answers: How many there were.
        wrong: How many of them were not what was expected.
    """

    gateway: str
    operation: str
    cpu_ms: float
    front_ms: float
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    alone_ms: float
    subgraph_requests: float
    answers: int
    wrong: int


def medians(runs: Sequence[Figures]) -> Figures:
    """The medians of runs of the same gateway and operation; answers are added up."""
    first = runs[0]

    def median(name: str) -> float:
        return float(statistics.median(getattr(run, name) for run in runs))

    return Figures(
        gateway=first.gateway,
        operation=first.operation,
        cpu_ms=median("cpu_ms"),
        front_ms=median("front_ms"),
        requests_per_second=median("requests_per_second"),
        p50_ms=median("p50_ms"),
        p99_ms=median("p99_ms"),
        alone_ms=median("alone_ms"),
        subgraph_requests=median("subgraph_requests"),
        answers=sum(run.answers for run in runs),
        wrong=sum(run.wrong for run in runs),
    )


def cell(value: float | str | None) -> str:
    """A figure with the digits that mean something."""
    match value:
        case None:
            return "-"
        case str():
            return value
        case int():
            return f"{value:,}"
        case 0.0:
            return "-"
        case _ if value >= 100:
            return f"{value:,.0f}"
        case _:
            return f"{value:.3g}"


def aligned(lines: Iterable[Sequence[str]], left: int = 2) -> str:
    """Columns, so many of them to the left and the others to the right."""
    rows = list(lines)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            text.ljust(width) if place < left else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def markdown(lines: Iterable[Sequence[str]], left: int = 1) -> str:
    """The same as a table of Markdown; the first line is its head."""
    head, *rows = list(lines)
    rule = ["---" if place < left else "---:" for place in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))
