"""What a run of the benchmark says: the report of Markdown with its plots, and the one line."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.corpus import CorpusRow
from bench.figures import Figures, cell, markdown
from bench.gateways import FLOOR, OURS
from bench.peers import APOLLO, HIVE_RUST, MERCURIUS
from bench.svg import bars
from bench.warming import Warmth

# The line: operation, and the word for each gateway that its ratio is against.
AGAINST = {
    "big": (("apollo", APOLLO), ("hive_rust", HIVE_RUST), ("floor", FLOOR)),
    "hop2": (("apollo", APOLLO), ("mercurius", MERCURIUS), ("floor", FLOOR)),
    "users": (("apollo", APOLLO), ("mercurius", MERCURIUS), ("floor", FLOOR)),
}
# Operation and word: at most this ratio is the aim.
TARGETS = {
    ("big", "apollo"): 0.1,
    ("big", "hive_rust"): 0.25,
    ("big", "floor"): 1.25,
    ("hop2", "apollo"): 0.25,
    ("hop2", "mercurius"): 1.2,
    ("hop2", "floor"): 1.6,
    ("users", "apollo"): 0.25,
    ("users", "mercurius"): 1.2,
    ("users", "floor"): 1.6,
}
RSS_TARGET_MB = 120

ONLY_RATIOS = "Times are of this machine at this hour; the ratios are what can be compared."
WORKERS_SHARE = """
Clients and subgraphs run on the same cores, so the first figure says how many cores were left for the second worker.
For the second figure each worker has a quarter of a core and no more, so that two of them, clients and subgraphs fit
on two cores; 2 is as if the workers were alone in the world. CPU per request says whether they hinder each other.
"""

WARMING = """
Requests before anything was timed, and what the last of them cost by the first. `…` marks what was still getting
cheaper when its time was up: its figures are too high.
""".strip()


@dataclass(frozen=True, slots=True)
class Start:
    """
    A gateway apart from the load.

    Args:
        start_ms: From starting the process until it answers.
        first_ms: Its first answer to *big*.
        cold_ms: What a text of *big* that no cache knows takes longer than a known one, one client.
        rss_mb: Resident memory of its processes after the load.
        pss_mb: The same with shared pages counted once.
        worker_mb: Resident memory of the largest worker: not of the process that was started, unless it is alone, nor
            of one that only plans.
    """

    start_ms: float
    first_ms: float
    cold_ms: float
    rss_mb: float
    pss_mb: float
    worker_mb: float


@dataclass(frozen=True, slots=True)
class Workers:
    """
    Two workers against one.

    Args:
        operation: What was asked.
        throughput: Requests/s of two workers by those of one, on the cores that clients and subgraphs left to them.
        rationed: The same with a quarter of a core for each worker, so that there are enough for two.
        cpu: CPU per request with two workers by that with one; 1: they do not hinder each other.
    """

    operation: str
    throughput: float
    rationed: float
    cpu: float


@dataclass(slots=True)
class Report:
    """Everything that was measured."""

    machine: dict[str, Any]
    rows: list[Figures] = field(default_factory=list)
    starts: dict[str, Start] = field(default_factory=dict)
    corpus: list[CorpusRow] = field(default_factory=list)
    workers: list[Workers] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warmth: dict[tuple[str, str], Warmth] = field(default_factory=dict)
    yardstick_ms: float = 0.0

    @property
    def correct(self) -> bool:
        """Whether every timed answer was right, and ours were timed."""
        return not any(row.wrong for row in self.rows) and any(row.gateway == OURS for row in self.rows)

    def row(self, gateway: str, operation: str) -> Figures | None:
        """One row, if it was measured."""
        return next((row for row in self.rows if (row.gateway, row.operation) == (gateway, operation)), None)

    def ratio(self, operation: str, gateway: str) -> float | None:
        """Our plugin server's CPU per request by another gateway's."""
        ours, theirs = self.row(OURS, operation), self.row(gateway, operation)
        return ours.cpu_ms / theirs.cpu_ms if ours and theirs and theirs.cpu_ms else None

    def as_json(self) -> dict[str, Any]:
        """All of it, for a file."""
        warmth = [{"gateway": by, "operation": on, **asdict(one)} for (by, on), one in self.warmth.items()]
        return {**asdict(self), "warmth": warmth, "correct": self.correct}


def summary(report: Report) -> str:
    """The one line that is compared from run to run."""
    words = []
    for operation, against in AGAINST.items():
        for word, gateway in against:
            ratio = report.ratio(operation, gateway)
            words.append(f"{operation}_cpu_ratio_{word}={'none' if ratio is None else f'{ratio:.3f}'}")
    start = report.starts.get(OURS)
    words.append(f"rss_mb={start.worker_mb:.0f}" if start else "rss_mb=none")
    return " ".join(["BENCH", *words])


def write(report: Report, folder: Path, name: str = "results") -> Path:
    """Write the report and its plots beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for operation in AGAINST:
        (folder / f"{name}-{operation}.svg").write_text(_plot(report, operation))
    file = folder / f"{name}.md"
    file.write_text(document(report, name) + "\n")
    return file


def document(report: Report, name: str) -> str:
    """The report."""
    machine = ", ".join(f"{word} {value}" for word, value in report.machine.items())
    parts = [
        "# Results of `make bench`",
        f"{machine}. What the columns mean is in [README.md](README.md). {ONLY_RATIOS}",
        "## Targets",
        _targets(report),
    ]
    for operation in dict.fromkeys(row.operation for row in report.rows):
        parts.append(f"## {operation}")
        if operation in AGAINST:
            parts.append(f"![CPU per request, {operation}]({name}-{operation}.svg)")
        parts.append(_operation(report, operation))
    if report.starts:
        parts += ["## Start and memory", _starts(report.starts)]
    if report.corpus:
        parts += ["## Random operations over the corpus", *_corpus(report.corpus)]
    if report.workers:
        parts += ["## Two workers against one", _workers(report)]
    if report.warmth:
        parts += ["## Warming", WARMING, _warmth(report.warmth)]
    if report.notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in report.notes)]
    return "\n\n".join([*parts, f"`{summary(report)}`"])


def _targets(report: Report) -> str:
    lines = [["our CPU per request by that of", "operation", "ratio", "aim at most", ""]]
    for operation, against in AGAINST.items():
        for word, gateway in against:
            ratio, most = report.ratio(operation, gateway), TARGETS[operation, word]
            verdict = "" if ratio is None else "met" if ratio <= most else "**missed**"
            lines.append([gateway, operation, cell(ratio), f"{most:g}", verdict])
    if start := report.starts.get(OURS):
        verdict = "met" if start.worker_mb <= RSS_TARGET_MB else "**missed**"
        lines.append(["MB resident per worker", "all", f"{start.worker_mb:.0f}", str(RSS_TARGET_MB), verdict])
    return markdown(lines, left=2)


def _operation(report: Report, operation: str) -> str:
    ours = report.row(OURS, operation)
    head = ["gateway", "CPU by ours", "CPU ms", "front CPU ms", "requests/s by ours", "p50 ms", "p99 ms"]
    lines = [[*head, "one client ms", "subgraph requests"]]
    lines += [
        [
            row.gateway,
            cell(row.cpu_ms / ours.cpu_ms) if ours else "-",
            cell(row.cpu_ms),
            cell(row.front_ms),
            cell(row.requests_per_second / ours.requests_per_second) if ours else "-",
            cell(row.p50_ms),
            cell(row.p99_ms),
            cell(row.alone_ms),
            cell(row.subgraph_requests),
        ]
        for row in report.rows
        if row.operation == operation
    ]
    return markdown(lines)


def _starts(starts: Mapping[str, Start]) -> str:
    head = [
        "gateway",
        "start ms",
        "first big ms",
        "cold big, more ms",
        "RSS MB",
        "PSS MB",
        "largest worker MB",
    ]
    lines = [head]
    for name, start in starts.items():
        figures = (start.start_ms, start.first_ms, start.cold_ms, start.rss_mb, start.pss_mb, start.worker_mb)
        lines.append([name, *(cell(figure) for figure in figures)])
    return markdown(lines)


def _warmth(warmth: Mapping[tuple[str, str], Warmth]) -> str:
    operations = list(dict.fromkeys(operation for _, operation in warmth))
    lines = [["gateway", *operations]]
    for gateway in dict.fromkeys(gateway for gateway, _ in warmth):
        found = [warmth.get((gateway, operation)) for operation in operations]
        lines.append([gateway, *(_warmth_cell(one) if one else "-" for one in found)])
    return markdown(lines)


def _warmth_cell(one: Warmth) -> str:
    fall = f"{one.level_ms / one.first_ms:.2f}" if one.first_ms else "-"
    return f"{one.requests:,}: {fall}{'' if one.settled else ' …'}"


def corpus_line(rows: Sequence[CorpusRow]) -> str:
    """The corpus in one line."""
    words = []
    for word, gateway in (("apollo", APOLLO), ("hive_rust", HIVE_RUST)):
        found = sorted(row.ratio(gateway) for row in rows if gateway in row.cpu_ms)
        if len(found) > 1:
            low, middle, high = statistics.quantiles(found, n=4, method="inclusive")
            words.append(f"{word}_median={middle:.3f} {word}_q1={low:.3f} {word}_q3={high:.3f} {word}_n={len(found)}")
    return " ".join(["CORPUS", f"operations={len(rows)}", *words])


def _corpus(rows: Sequence[CorpusRow]) -> list[str]:
    lines = [["our CPU per request by that of", "operations", "least", "first quartile", "median", "third", "most"]]
    for gateway in (APOLLO, HIVE_RUST):
        found = sorted(row.ratio(gateway) for row in rows if gateway in row.cpu_ms)
        if len(found) > 1:
            low, middle, high = statistics.quantiles(found, n=4, method="inclusive")
            figures = (found[0], low, middle, high, found[-1])
            lines.append([gateway, str(len(found)), *(cell(figure) for figure in figures)])
    each = [["graph", "operation", "answer bytes", "by @apollo/gateway", "by Hive, Rust planner"]]
    for row in rows:
        ratios = [cell(row.ratio(gateway)) if gateway in row.cpu_ms else "-" for gateway in (APOLLO, HIVE_RUST)]
        each.append([row.graph, str(row.number), f"{row.answer_bytes:,}", *ratios])
    about = (
        "Operations that the fuzzer draws for supergraphs of the planning corpus (`spec/plans`), answered by the "
        "in-memory subgraphs of `spec/testkit`; the seed is fixed. Only answers that equal the monolith's are timed."
    )
    return [about, markdown(lines), markdown(each, left=2)]


def _workers(report: Report) -> str:
    lines = [["two by one", "requests/s", "requests/s, a quarter of a core each", "CPU per request"]]
    lines += [[one.operation, cell(one.throughput), cell(one.rationed), cell(one.cpu)] for one in report.workers]
    return f"{markdown(lines)}\n{WORKERS_SHARE}"


def _plot(report: Report, operation: str) -> str:
    ours = report.row(OURS, operation)
    rows = sorted((row for row in report.rows if row.operation == operation), key=lambda row: row.cpu_ms)
    least = ours.cpu_ms if ours else 1.0
    title = f"{operation}: CPU of the gateway's processes per request, ours = 1"
    return bars(title, [(row.gateway, row.cpu_ms / least) for row in rows], "", marked=OURS)
