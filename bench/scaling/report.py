"""What growth looks like: tables with exponents, and plots."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.figures import cell, markdown
from bench.scaling.load import Answer, Concurrency
from bench.scaling.planning import Planned
from bench.svg import lines

# Above this exponent a growth is called steep: noise makes 1.2 of a proportional one, sorting makes 1.1.
STEEP = 1.3
# Milliseconds and megabytes below which a growth is not judged: fixed costs and noise.
NEGLIGIBLE = 1.0

ONLY_EXPONENTS = "Times are of this machine at this hour; exponents can be compared: 1 is proportional, 2 quadratic."

Point = tuple[float, float]


@dataclass(slots=True)
class Report:
    """Everything that was measured; a part that was not is empty."""

    machine: dict[str, Any]
    by_types: list[Planned] = field(default_factory=list)
    by_subgraphs: list[Planned] = field(default_factory=list)
    largest: list[Planned] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    concurrency: list[Concurrency] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Growth:
    """How one figure grows with its cause."""

    name: str
    points: Sequence[Point]

    @property
    def exponent(self) -> float:
        """Of the last step that is worth judging: 0 constant, 1 proportional, 2 quadratic; 0 if there is none."""
        steps = [
            math.log(after[1] / before[1]) / math.log(after[0] / before[0])
            for before, after in zip(self.points, self.points[1:], strict=False)
            if before[1] >= NEGLIGIBLE
        ]
        return max(steps[-2:], default=0.0)

    @property
    def steep(self) -> bool:
        """Whether it grows faster than its cause."""
        return self.exponent > STEEP


FIGURES: dict[str, Callable[[Planned], float]] = {
    "load, ms": lambda one: one.load_s * 1000,
    "first plan, ms": lambda one: one.first_ms,
    "plan short, ms": lambda one: one.plan_ms["short"],
    "plan chain, ms": lambda one: one.plan_ms["chain"],
    "plan fan, ms": lambda one: one.plan_ms["fan"],
    "memory, MB": lambda one: one.memory_mb,
}


def growths(report: Report) -> list[Growth]:
    """All that is judged."""
    found = []
    for cause, rows in (("types", report.by_types), ("subgraphs", report.by_subgraphs)):
        for name, figure in FIGURES.items():
            found.append(Growth(f"{name} by {cause}", [(_cause(one, cause), figure(one)) for one in rows]))
    for kind in dict.fromkeys(one.kind for one in report.answers):
        points = [(one.kilobytes, one.cpu_ms) for one in report.answers if one.kind == kind]
        found.append(Growth(f"CPU ms by answer KB, {kind}", points))
    if report.concurrency:
        points = [(float(one.lanes), one.p99_ms) for one in report.concurrency]
        found.append(Growth("p99 ms by clients", points))
        found.append(Growth("CPU ms by clients", [(float(one.lanes), one.cpu_ms) for one in report.concurrency]))
    return [growth for growth in found if len(growth.points) > 1]


def _cause(one: Planned, cause: str) -> float:
    return float(one.size.types if cause == "types" else one.size.subgraphs)


def summary(report: Report) -> str:
    """The steepest growths in one line."""
    steepest = sorted(growths(report), key=lambda growth: -growth.exponent)[:5]
    words = [f"{growth.name.replace(',', '').replace(' ', '_')}={growth.exponent:.2f}" for growth in steepest]
    return " ".join(["SCALING", *words, f"steep={sum(growth.steep for growth in growths(report))}"])


def write(report: Report, folder: Path) -> Path:
    """Write the report and its plots."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = ", ".join(f"{word} {value}" for word, value in report.machine.items())
    parts = [
        "# How cost grows",
        f"`make bench-scaling`. {machine}. {ONLY_EXPONENTS}",
    ]
    for title, name, rows in (
        (f"Types, on {_one(report.by_types, 'subgraphs')} subgraphs", "types", report.by_types),
        (f"Subgraphs, with {_one(report.by_subgraphs, 'types')} types", "subgraphs", report.by_subgraphs),
    ):
        if rows:
            _plot_planned(folder / f"scaling-{name}.svg", title, name, rows)
            parts += [f"## {title}", f"![{title}](scaling-{name}.svg)", _planned(rows)]
    if report.largest:
        parts += ["## The largest", _planned(report.largest)]
    if report.answers:
        parts += ["## Answers", *_answers(report.answers, folder)]
    if report.concurrency:
        parts += ["## Concurrent requests", *_concurrency(report.concurrency, folder)]
    parts += ["## Exponents", _exponents(report)]
    file = folder / "scaling.md"
    file.write_text("\n\n".join(parts) + "\n")
    return file


def _one(rows: Sequence[Planned], what: str) -> str:
    return f"{getattr(rows[0].size, what):,}" if rows else ""


def _planned(rows: Sequence[Planned]) -> str:
    table = [["subgraphs", "types", "SDL KB", *FIGURES]]
    table += [
        [
            f"{one.size.subgraphs}",
            f"{one.size.types:,}",
            cell(one.kilobytes),
            *(cell(figure(one)) for figure in FIGURES.values()),
        ]
        for one in rows
    ]
    return markdown(table, left=0)


def _plot_planned(file: Path, title: str, cause: str, rows: Sequence[Planned]) -> None:
    series = {name: [(_cause(one, cause), max(figure(one), 0.1)) for one in rows] for name, figure in FIGURES.items()}
    file.write_text(lines(title, series, cause, "ms of CPU, MB"))


def _answers(rows: Sequence[Answer], folder: Path) -> list[str]:
    kinds = dict.fromkeys(one.kind for one in rows)
    series = {kind: [(one.kilobytes, one.us_per_kilobyte) for one in rows if one.kind == kind] for kind in kinds}
    title = "CPU per KB of answer"
    (folder / "scaling-answers.svg").write_text(lines(title, series, "answer, KB", "microseconds of CPU per KB"))
    table = [["rows from", "answer KB", "CPU ms", "CPU us per KB", "one client ms", "worker MB after"]]
    table += [
        [
            one.kind,
            cell(one.kilobytes),
            cell(one.cpu_ms),
            cell(one.us_per_kilobyte),
            cell(one.alone_ms),
            cell(one.worker_mb),
        ]
        for one in rows
    ]
    return [f"![{title}](scaling-answers.svg)", markdown(table)]


def _concurrency(rows: Sequence[Concurrency], folder: Path) -> list[str]:
    series = {
        "requests/s": [(float(one.lanes), one.requests_per_second) for one in rows],
        "p99 ms": [(float(one.lanes), one.p99_ms) for one in rows],
        "p50 ms": [(float(one.lanes), one.p50_ms) for one in rows],
    }
    title = "hop2 by clients at the same time"
    (folder / "scaling-concurrency.svg").write_text(lines(title, series, "clients", ""))
    table = [["clients", "requests/s", "p50 ms", "p99 ms", "CPU ms"]]
    table += [
        [f"{one.lanes}", cell(one.requests_per_second), cell(one.p50_ms), cell(one.p99_ms), cell(one.cpu_ms)]
        for one in rows
    ]
    return [f"![{title}](scaling-concurrency.svg)", markdown(table, left=0)]


def _exponents(report: Report) -> str:
    table = [["figure", "exponent of the last steps", ""]]
    table += [
        [growth.name, f"{growth.exponent:.2f}", "**steep**" if growth.steep else ""] for growth in growths(report)
    ]
    return markdown(table)
