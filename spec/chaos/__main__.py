"""
Faults under load, through the whole way: HTTP, host, plugin server, subgraphs.

    python -m spec.chaos                        all faults, behind the stand-in
    python -m spec.chaos --short                some of them, in about 20 seconds
    python -m spec.chaos --fault reload         one of them
    KONG_BIN=/path/to/kong python -m spec.chaos   behind a real Kong, which starts the plugin server itself

Every answer is compared with the expected one, and every order is counted where it is carried out. Linux only: faults
find their processes in /proc. The last line is `CHAOS faults=N requests=N wrong=0 lost=0 errors=N`; an order that was
carried out twice, or confirmed but not carried out, counts as wrong, and so does each error beyond what a fault allows.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from spec.chaos.faults import FAULTS
from spec.chaos.run import Report, run

# Each rests 50 ms after an answer: about 150 requests a second, which leaves a small machine room for everything else.
_CLIENTS = 10
_PAUSE = 0.05


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the faults and print how it went.

    Returns:
        0 if nothing was wrong or lost, 1 if something was, 2 if the suite cannot be run.
    """
    given = _parser().parse_args(argv)
    if sys.platform != "linux":
        print("the chaos suite finds processes in /proc, which only Linux has", file=sys.stderr)
        return 2
    chosen = [
        fault for fault in FAULTS if fault.name in given.fault or (not given.fault and (fault.short or not given.short))
    ]
    if missing := set(given.fault) - {fault.name for fault in chosen}:
        print(
            f"no such fault: {', '.join(sorted(missing))}; there are: {', '.join(one.name for one in FAULTS)}",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        report: Report = asyncio.run(run(chosen, Path(folder), os.environ.get("KONG_BIN", ""), _CLIENTS, _PAUSE))
        if report.failed or given.logs:
            for log in sorted(Path(folder).rglob("*.log")):
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-20_000:]}")
            for line in report.failures:
                print(line)
    print(report.total())
    return 1 if report.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m spec.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="only some faults, about 20 seconds")
    parser.add_argument("--fault", metavar="NAME", action="append", default=[], help="only this fault; may be repeated")
    parser.add_argument("--logs", action="store_true", help="print the logs also if all went well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
