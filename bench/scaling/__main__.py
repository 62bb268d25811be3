"""
How cost grows: `python -m bench.scaling`, or `make bench-scaling`.

    python -m bench.scaling [--quick] [--out FOLDER] [--parts PART ...]

Writes FOLDER/scaling.md with its plots. What grows faster than its cause is marked; its last line is `SCALING …`, the
steepest exponents: 1 is proportional, 2 quadratic.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

import uvloop

from bench.clients import BenchError
from bench.gateways import ROOT, Bench, open_ours
from bench.graphs import workload
from bench.measure import memories
from bench.rounds import Stats
from bench.scaling import load, planning
from bench.scaling.graphs import Size
from bench.scaling.report import Report, summary, write
from bench.start import BUILDER, start_subgraphs
from examples.children import ChildDiedError, Children, end_like_ctrl_c

TYPES = (100, 300, 1_000, 3_000, 10_000)
TYPES_ON = 20  # subgraphs
SUBGRAPHS = (5, 10, 20, 50, 100, 200)
SUBGRAPHS_WITH = 1_000  # types
PARTS = ("supergraph", "answers", "concurrency")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description="How cost grows.")
    parser.add_argument("--quick", action="store_true", help="without the two largest of everything")
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn (default: %(default)s)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="(default: all)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench", metavar="FOLDER", help="default: bench/")
    arguments = parser.parse_args()
    end_like_ctrl_c()
    report = Report({"Python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count() or 0})
    keep = -2 if arguments.quick else None
    try:
        if "supergraph" in arguments.parts:
            report.by_types = planning.measure([Size(TYPES_ON, count) for count in TYPES[:keep]], say)
            report.by_subgraphs = planning.measure([Size(count, SUBGRAPHS_WITH) for count in SUBGRAPHS[:keep]], say)
            if not arguments.quick:
                report.largest = planning.measure([Size(SUBGRAPHS[-1], TYPES[-1])], say)
        if {"answers", "concurrency"} & set(arguments.parts):
            with Children() as children:
                uvloop.run(under_load(report, children, arguments, keep))
    except (BenchError, ChildDiedError, TimeoutError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(write(report, arguments.out).read_text())
    print(summary(report))
    return 0


def say(what: str) -> None:
    """Progress, for whoever waits."""
    print(f"bench: {what}", file=sys.stderr, flush=True)


async def under_load(report: Report, children: Children, arguments: argparse.Namespace, keep: int | None) -> None:
    """What the plugin server does; the worker's memory after the largest answers is part of it."""
    port = start_subgraphs(children)
    gateway = await open_ours(Bench(children, [workload(children.folder, port)], max(load.LANES)))
    stats = Stats(port)

    def worker_mb() -> float:
        processes = memories(gateway.child.process.pid)[1:]
        return max(one.resident for one in processes if BUILDER not in one.command)

    if "concurrency" in arguments.parts:
        lanes = load.LANES[:keep]
        report.concurrency = await load.concurrency(gateway, stats, arguments.seconds, say, lanes)
    if "answers" in arguments.parts:
        asked = load.answer_questions(load.SIZES[:keep])
        report.answers = await load.answers(gateway, stats, arguments.seconds, worker_mb, say, asked)


if __name__ == "__main__":
    sys.exit(main())
