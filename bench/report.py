"""The figures of a benchmark as a table, as one line and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

COLUMNS = (
    ("way", "way"),
    ("operation", "operation"),
    ("plugin_ms", "plugin CPU ms"),
    ("front_ms", "front CPU ms"),
    ("requests_per_second", "requests/s"),
    ("p50_ms", "p50 ms"),
    ("p99_ms", "p99 ms"),
    ("alone_ms", "one client ms"),
    ("subgraph_requests", "subgraph requests"),
    ("answers", "answers"),
    ("wrong", "wrong"),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """
    One run, or the medians of several.

    Args:
        way: How the plugin server was reached.
        operation: Name of the question.
        plugin_ms: CPU of the plugin server's tree, milliseconds per request.
        front_ms: CPU of the stand-in for Kong, milliseconds per request; 0 where there is none.
        requests_per_second: Answers per second, all lanes together.
        p50_ms: Median latency with all lanes, milliseconds.
        p99_ms: The latency that one request in a hundred exceeds.
        alone_ms: Median latency of a single client.
        subgraph_requests: Calls to subgraphs per request.
        answers: How many there were.
        wrong: How many of them were not what was expected.
    """

    way: str
    operation: str
    plugin_ms: float
    front_ms: float
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    alone_ms: float
    subgraph_requests: float
    answers: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Report:
    """
    Everything that was measured.

    Args:
        rows: One per way and operation.
        start_ms: From starting the plugin server to its first right answer.
        cold_plan_ms: What a text that no cache knows costs more than a known one, one client.
        rss_mb: Resident memory of the plugin server's tree after the load.
        pss_mb: The same with shared pages counted once.
        yardstick_ms: CPU of a fixed piece of work in between, as a measure of the machine at that time.
        machine: What it ran on.
    """

    rows: Sequence[Figures]
    start_ms: float
    cold_plan_ms: float
    rss_mb: float
    pss_mb: float
    yardstick_ms: float
    machine: dict[str, Any] = field(default_factory=dict)

    @property
    def correct(self) -> bool:
        """Whether every answer of every run was right, and there were any."""
        return all(row.answers and not row.wrong for row in self.rows) and bool(self.rows)

    def row(self, way: str, operation: str) -> Figures:
        """One row."""
        return next(row for row in self.rows if (row.way, row.operation) == (way, operation))

    def as_json(self) -> dict[str, Any]:
        """All of it, for a file."""
        return {**asdict(self), "correct": self.correct}


def medians(runs: Sequence[Figures]) -> Figures:
    """The medians of runs of the same way and operation; answers are added up."""
    first = runs[0]

    def median(name: str) -> float:
        return statistics.median(getattr(run, name) for run in runs)

    return Figures(
        way=first.way,
        operation=first.operation,
        plugin_ms=median("plugin_ms"),
        front_ms=median("front_ms"),
        requests_per_second=median("requests_per_second"),
        p50_ms=median("p50_ms"),
        p99_ms=median("p99_ms"),
        alone_ms=median("alone_ms"),
        subgraph_requests=median("subgraph_requests"),
        answers=sum(run.answers for run in runs),
        wrong=sum(run.wrong for run in runs),
    )


def table(report: Report) -> str:
    """The figures for people."""
    lines = [[title for _, title in COLUMNS]]
    lines += [[cell(getattr(row, name)) for name, _ in COLUMNS] for row in report.rows]
    text = aligned(lines)
    return (
        f"{text}\n\n"
        f"start to first answer {report.start_ms:.0f} ms, cold plan {report.cold_plan_ms:.1f} ms, "
        f"memory {report.rss_mb:.0f} MB resident, {report.pss_mb:.0f} MB with shared pages counted once\n"
        f"yardstick {report.yardstick_ms:.2f} ms; big takes "
        f"{report.row('ours', 'big').plugin_ms / report.yardstick_ms:.2f} times as much"
    )


def summary(report: Report) -> str:
    """The one line that is compared from run to run: the plugin server driven over its own protocol."""
    milliseconds = {name: report.row("ours", name).plugin_ms for name in ("big", "hop2", "users")}
    words = [f"{name}_ms={value:.3f}" for name, value in milliseconds.items()]
    words += [
        f"subgraph_requests={report.row('ours', 'big').subgraph_requests:.4g}",
        f"cold_plan_ms={report.cold_plan_ms:.1f}",
        f"rss_mb={report.rss_mb:.0f}",
        f"correct={'yes' if report.correct else 'no'}",
    ]
    return " ".join(["FIRST", *words])


def cell(value: float | str) -> str:
    """A figure with the digits that mean something."""
    match value:
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


def aligned(lines: Iterable[Sequence[str]]) -> str:
    """Columns, the first two to the left and the figures to the right."""
    rows = list(lines)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            text.ljust(width) if place < 2 else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
