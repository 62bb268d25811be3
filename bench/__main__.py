"""
The product beside other gateways, in one run: `python -m bench`, or `make bench`.

    python -m bench [--quick] [--only NAMES] [--gateway NAME ...] [--rounds N] [--seconds S] [--parts PART ...]
                    [--out FOLDER] [--json FILE]

Writes FOLDER/results.md with its plots and ends with the lines `CORPUS …` and `BENCH …`, ratios of CPU per request:
our plugin server's, driven over Kong's protocol, by the other gateway's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench.clients import BenchError
from bench.corpus import CorpusRow, draw
from bench.gateways import OURS, PLAIN, ROOT, Bench, Gateway, is_compiled, open_ours
from bench.graphs import WORKLOAD_GRAPH, corpus_graph, workload
from bench.measure import yardstick_ms
from bench.peers import APOLLO, HIVE_RUST, NPM, node_version
from bench.questions import Question, questions
from bench.results import Report, Workers, corpus_line, summary, write
from bench.rounds import FAILURES, Conditions, Stats, Turn, compare_answers, rounds, turns, warm_mixed
from bench.start import chosen, first_answers, open_all, openers, ration, start_subgraphs, started, unknown
from examples.children import ChildDiedError, Children, end_like_ctrl_c

CORPUS_SEED = 5
CORPUS_LANES = 8
CORPUS_ROUNDS = 3
WARM_TURNS = 16  # most time in which a gateway becomes warm on an operation, as a multiple of a turn's
WARM_CORPUS_TURNS = 50  # the same for all random operations together
CORPUS_GATEWAYS = (OURS, APOLLO, HIVE_RUST)
WORKER_OPERATIONS = ("big", "users")
WORKER_SHARE = 0.25  # of a core for each worker: two of them, clients and subgraphs then fit on two cores


def main() -> int:
    arguments = parse_arguments()
    end_like_ctrl_c()
    report = Report(machine())
    began = time.monotonic()
    try:
        uvloop.run(measure(report, arguments))
    except (BenchError, ChildDiedError, TimeoutError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except ExceptionGroup as group:
        print(f"bench: {group.exceptions[0]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if any(gateway in NPM for gateway, _ in report.warmth):
        report.machine["Node.js"] = node_version()
    report.machine["minutes of measuring"] = round((time.monotonic() - began) / 60, 1)
    file = write(report, arguments.out)
    if arguments.json:
        arguments.json.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    print(file.read_text())
    if report.corpus:
        print(corpus_line(report.corpus))
    print(summary(report))
    return 0 if report.correct else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="The product beside other gateways.")
    parser.add_argument("--quick", action="store_true", help="about five minutes instead of fifteen")
    parser.add_argument("--only", default="", metavar="NAMES", help="parts of gateways' names, separated by commas")
    parser.add_argument("--gateway", action="append", default=[], metavar="NAME", help="its whole name (repeatable)")
    parser.add_argument("--rounds", type=int, help="interleaved turns of each (default: 5; quick: 3)")
    parser.add_argument("--seconds", type=float, help="length of a turn (default: 0.6; quick: 0.3)")
    parser.add_argument("--lanes", type=int, default=16, help="concurrent clients (default: %(default)s)")
    parser.add_argument("--operations", type=int, help="random ones over the corpus (default: 50; quick: 12)")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what is measured (default: all)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="default: bench/ for a whole run, build/bench/ for any other"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    arguments = parser.parse_args()
    if arguments.out is None:
        # What is published is never replaced by a first look.
        whole = {**vars(arguments), "json": None} == vars(parser.parse_args([]))
        arguments.out = ROOT / "bench" if whole else ROOT / "build" / "bench"
    arguments.only = [*arguments.gateway, *(name.strip() for name in arguments.only.split(",") if name.strip())]
    if names := unknown(arguments.only):
        parser.error(f"no gateway's name has {', '.join(names)} in it")
    quick = arguments.quick
    arguments.rounds = arguments.rounds or (3 if quick else 5)
    arguments.seconds = arguments.seconds or (0.3 if quick else 0.6)
    arguments.operations = arguments.operations or (12 if quick else 50)
    if not chosen(OURS, arguments.only):
        arguments.parts = ["workload"]  # the others compare with ours
    return arguments


def machine() -> dict[str, object]:
    """What it runs on."""
    return {"Python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}


async def measure(report: Report, arguments: argparse.Namespace) -> None:
    """All parts, one after the other; each ends its processes before the next begins."""
    for part, measure_part in PARTS.items():
        if part in arguments.parts:
            with Children() as children:
                await measure_part(report, arguments, children)


def say(what: str) -> None:
    """Progress, for whoever waits; figures go to standard output."""
    print(f"bench: {what}", file=sys.stderr, flush=True)


async def measure_workload(report: Report, arguments: argparse.Namespace, children: Children) -> None:
    """The seven operations on every gateway."""
    asked = questions()
    port = start_subgraphs(children)
    warm_up = WARM_TURNS * arguments.seconds
    conditions = Conditions(Stats(port), arguments.seconds, arguments.rounds, warm_up, say=say, warmth=report.warmth)
    bench = Bench(children, [workload(children.folder, port)], arguments.lanes)
    if not is_compiled():
        report.notes.append(f"there was no C compiler, or nothing was built by make: {OURS} is {PLAIN}")
    running = await open_all(bench, openers(arguments.only, report.notes, say), report.notes, say)
    first = await first_answers(running, WORKLOAD_GRAPH, asked[0])
    everything = turns([gateway for gateway, _ in running.values()], WORKLOAD_GRAPH, asked)
    todo = await compare_answers(list(everything), report.notes)
    report.yardstick_ms = yardstick_ms(asked[0].expected)
    report.rows += await rounds(todo, conditions, report.notes)
    for name, times in first.items():
        gateway, _ = running[name]
        report.starts[name] = await started(gateway, WORKLOAD_GRAPH, asked[0], conditions.stats, times)


async def measure_corpus(report: Report, arguments: argparse.Namespace, children: Children) -> None:
    """Random operations: ours, Apollo's gateway, and Hive's with the Rust planner."""
    drawn = draw(arguments.operations, CORPUS_SEED)
    names = list(dict.fromkeys(one.graph for one in drawn))
    say(f"{len(drawn)} random operations over {len(names)} graphs")
    port = start_subgraphs(children, names)
    graphs = [corpus_graph(children.folder, name, port) for name in names]
    available = openers(arguments.only, [], say)
    wanted = {name: available[name] for name in CORPUS_GATEWAYS if name in available}
    running = await open_all(Bench(children, graphs, CORPUS_LANES), wanted, report.notes, say)
    gateways = [gateway for gateway, _ in running.values()]
    seconds = arguments.seconds / 2
    conditions = Conditions(Stats(port), seconds, CORPUS_ROUNDS, warm_up=seconds, alone=0)
    todo = [await compare_answers(list(turns(gateways, one.graph, [one.question])), report.notes) for one in drawn]
    await warm_on_corpus(report, [turn for asked in todo for turn in asked], WARM_CORPUS_TURNS * arguments.seconds)
    for place, (one, asked) in enumerate(zip(drawn, todo, strict=True)):
        found = await rounds(asked, conditions, report.notes)
        spent = {row.gateway: row.cpu_ms for row in found if not row.wrong}
        if OURS in spent:
            report.corpus.append(CorpusRow(one.graph, one.number, one.answer_bytes, spent, spent.pop(OURS)))
        if place % 10 == 9:
            say(f"{place + 1} of {len(drawn)}")


async def warm_on_corpus(report: Report, todo: Sequence[Turn], limit: float) -> None:
    """Warm each gateway on all its random operations; one that fails here is left to fail, or not, in its turns."""
    for name in dict.fromkeys(turn.gateway.name for turn in todo):
        say(f"warming {name} on all of them")
        own = [turn for turn in todo if turn.gateway.name == name]
        try:
            report.warmth[name, "random"] = await warm_mixed(own, limit)
        except FAILURES as error:
            report.notes.append(f"{name} was not warm on the random operations, it failed: {error}")


async def measure_workers(report: Report, arguments: argparse.Namespace, children: Children) -> None:
    """The plugin server with two worker processes against one, in turns: as the machine is, and with enough cores."""
    port = start_subgraphs(children)
    graph = workload(children.folder, port)
    pair = [await open_ours(Bench(children, [graph], arguments.lanes, workers)) for workers in (1, 2)]
    conditions = Conditions(Stats(port), arguments.seconds, arguments.rounds, warm_up=arguments.seconds, alone=0)
    asked = [question for question in questions() if question.name in WORKER_OPERATIONS]
    free = [await two_by_one(pair, question, conditions, report) for question in asked]
    ration(children, pair, WORKER_SHARE)
    scarce = [await two_by_one(pair, question, conditions, report) for question in asked]
    for question, (throughput, cpu), (rationed, _) in zip(asked, free, scarce, strict=True):
        report.workers.append(Workers(question.name, throughput, rationed, cpu))


async def two_by_one(
    pair: Sequence[Gateway], question: Question, conditions: Conditions, report: Report
) -> tuple[float, float]:
    """Requests/s of the second gateway by those of the first, and CPU per request."""
    say(f"two workers against one: {question.name}")
    one, two = await rounds(list(turns(pair, WORKLOAD_GRAPH, [question])), conditions, report.notes)
    return two.requests_per_second / one.requests_per_second, two.cpu_ms / one.cpu_ms


PARTS = {"workload": measure_workload, "corpus": measure_corpus, "workers": measure_workers}


if __name__ == "__main__":
    sys.exit(main())
