"""
What a supergraph of one size costs: loading, the planner, memory, plans. In a process of its own.

    python -m bench.scaling.planning SUBGRAPHS TYPES

Prints one object of JSON: seconds and milliseconds of CPU, megabytes.
"""

from __future__ import annotations

import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.clients import BenchError
from bench.scaling.graphs import Size, operations, supergraph

ROOT = Path(__file__).resolve().parents[2]
REPEATED = 5
PATIENCE = 600.0  # seconds for one size


@dataclass(frozen=True, slots=True)
class Planned:
    """
    One size, measured.

    Args:
        size: Of the supergraph.
        kilobytes: Of its SDL.
        load_s: CPU seconds from the text to a planner.
        first_ms: The first plan, which also makes what planning needs of the schema.
        plan_ms: By operation the median of known planners' plans.
        memory_mb: What the process takes more than without the supergraph, at most.
    """

    size: Size
    kilobytes: float
    load_s: float
    first_ms: float
    plan_ms: dict[str, float]
    memory_mb: float


def measure(sizes: Sequence[Size], say: Callable[[str], None]) -> list[Planned]:
    """Measure sizes, one process after the other."""
    found = []
    for size in sizes:
        say(f"{size.subgraphs} subgraphs, {size.types:,} types")
        command = [sys.executable, "-m", "bench.scaling.planning", str(size.subgraphs), str(size.types)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode:
            raise BenchError(f"{size} cannot be planned:\n{done.stderr[-2000:]}")
        found.append(Planned(size=size, **json.loads(done.stdout)))
    return found


def one(size: Size) -> dict[str, Any]:
    """Measure one size in this process."""
    # Here, so that memory without a supergraph includes the code.
    from kong_federation.planner import Planner  # noqa: PLC0415
    from kong_federation.supergraph import load_supergraph  # noqa: PLC0415

    text = supergraph(size)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    planner = Planner(load_supergraph(text))
    loaded = time.process_time()
    asked = operations(size)
    planner.plan(asked["short"])
    first = time.process_time()
    plan_ms = {}
    for name, operation in asked.items():
        times = []
        for _ in range(REPEATED):
            began = time.process_time()
            planner.plan(operation)
            times.append((time.process_time() - began) * 1000)
        plan_ms[name] = statistics.median(times)
    return {
        "kilobytes": len(text) / 1024,
        "load_s": loaded - start,
        "first_ms": (first - loaded) * 1000,
        "plan_ms": plan_ms,
        "memory_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(one(Size(*map(int, sys.argv[1:3])))))
