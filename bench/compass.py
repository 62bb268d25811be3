"""
How far the product is from the floor, in about half a minute: the compass of whoever makes it faster.

    python -m bench.compass [--rounds N] [--seconds S] [--operation NAME ...] [--plain]

Both are driven over Kong's protocol in turns; the figures are CPU of the process tree per request, medians, and their
ratios. Its last line is `COMPASS big_cpu_ratio_floor=… hop2_cpu_ratio_floor=… users_cpu_ratio_floor=… correct=…`.
"""

from __future__ import annotations

import argparse
import statistics
import sys

import uvloop

from bench.clients import BenchError
from bench.figures import aligned, cell
from bench.gateways import Bench, Gateway, open_floor, open_ours, open_plain
from bench.graphs import WORKLOAD_GRAPH, workload
from bench.measure import cpu, load
from bench.questions import Question, questions
from bench.rounds import KNOWN_TO_FLOOR
from bench.start import start_subgraphs
from examples.children import ChildDiedError, Children, end_like_ctrl_c

WARM_UP = 0.5  # seconds


def main() -> int:
    parser = argparse.ArgumentParser(description="How far the product is from the floor.")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.8, help="length of a turn (default: %(default)s)")
    parser.add_argument("--lanes", type=int, default=16, help="concurrent clients (default: %(default)s)")
    parser.add_argument("--plain", action="store_true", help="the product in plain Python, not as it is installed")
    parser.add_argument("--operation", action="append", choices=KNOWN_TO_FLOOR, help="only this one (repeatable)")
    arguments = parser.parse_args()
    end_like_ctrl_c()
    try:
        with Children() as children:
            return uvloop.run(compare(children, arguments))
    except (BenchError, ChildDiedError, TimeoutError) as error:
        print(f"bench: {error}", file=sys.stderr)
    except ExceptionGroup as group:
        print(f"bench: {group.exceptions[0]}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


async def compare(children: Children, arguments: argparse.Namespace) -> int:
    bench = Bench(children, [workload(children.folder, start_subgraphs(children))], arguments.lanes)
    ours, floor = await (open_plain if arguments.plain else open_ours)(bench), await open_floor(bench)
    wanted = arguments.operation or KNOWN_TO_FLOOR
    asked = [question for question in questions() if question.name in wanted]
    wrong = 0
    for gateway in (ours, floor):
        for question in asked:
            await load(gateway.lanes[WORKLOAD_GRAPH], question, WARM_UP)
    spent: dict[tuple[str, str], list[float]] = {}
    for _ in range(arguments.rounds):
        for question in asked:
            for gateway in (ours, floor):
                used, missed = await turn(gateway, question, arguments.seconds)
                spent.setdefault((gateway.name, question.name), []).append(used)
                wrong += missed
    lines = [["operation", "", "ours ms", "floor ms", "ratio"]]
    words = []
    for question in asked:
        mine, least = (statistics.median(spent[gateway.name, question.name]) for gateway in (ours, floor))
        lines.append([question.name, "", cell(mine), cell(least), f"{mine / least:.2f}"])
        words.append(f"{question.name}_cpu_ratio_floor={mine / least:.2f}")
    print(aligned(lines))
    print("COMPASS", *words, f"correct={'no' if wrong else 'yes'}")
    return 1 if wrong else 0


async def turn(gateway: Gateway, question: Question, seconds: float) -> tuple[float, int]:
    """CPU milliseconds per request, and how many answers were wrong."""
    before = cpu(gateway.child.process.pid)
    run = await load(gateway.lanes[WORKLOAD_GRAPH], question, seconds)
    used = cpu(gateway.child.process.pid) - before
    return (used.root + used.below) * 1000 / run.requests, run.wrong


if __name__ == "__main__":
    sys.exit(main())
