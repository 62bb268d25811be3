"""
The suites, on one host.

    python -m spec.gateway                       on the stand-in
    KONG_BIN=/path/to/kong python -m spec.gateway    on a real Kong
    python -m spec.gateway --mode external --suite answers --suite pass-through

Each case is tried with a plugin server that the host starts and with one that somebody else starts. The last line is
`SPEC host=NAME passed/total`; what a host cannot show is skipped, named, and not counted. The exit status is 0 only if
every case that was tried passes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from spec.gateway.case import Case, Scene
from spec.gateway.host import MODES, Host
from spec.gateway.kong_host import KongHost
from spec.gateway.routes import document
from spec.gateway.standin_host import StandInHost
from spec.gateway.subgraphs import SUPERGRAPH, Record, subgraphs
from spec.gateway.suites import answers, endurance, neighbours, operator, passing, who

SUITES = (answers.SUITE, who.SUITE, neighbours.SUITE, passing.SUITE, operator.SUITE, endurance.SUITE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; 0 if all passed."""
    parser = argparse.ArgumentParser(prog="python -m spec.gateway", description="The black-box suites.")
    parser.add_argument("--mode", choices=MODES, action="append", help="who starts the plugin server (default: both)")
    parser.add_argument("--suite", choices=[suite.name for suite in SUITES], action="append", help="(default: all)")
    parser.add_argument("--verbose", action="store_true", help="show what the host wrote if something fails")
    chosen = parser.parse_args(arguments)
    host = KongHost if os.environ.get("KONG_BIN") else StandInHost
    cases = [case for suite in SUITES if not chosen.suite or suite.name in chosen.suite for case in suite.cases]
    passed = total = 0
    for mode in chosen.mode or MODES:
        good, tried = run(host, mode, cases, verbose=chosen.verbose)
        passed, total = passed + good, total + tried
    for case in cases:
        missing = case.needs - host.plugins()
        if missing:
            print(f"SKIPPED on {host.name}, which has no {', '.join(sorted(missing))}: {case.suite}: {case.title}")
    print(f"SPEC host={host.name} {passed}/{total}")
    return 0 if passed == total else 1


def run(kind: type[Host], mode: str, cases: Sequence[Case], *, verbose: bool = False) -> tuple[int, int]:
    """
    Run cases on a host of their own.

    Returns:
        How many passed, how many were tried.
    """
    tried = [case for case in cases if case.needs <= kind.plugins() and mode in case.modes]
    passed = 0
    with tempfile.TemporaryDirectory(prefix="kgf-spec-", ignore_cleanup_errors=True) as name, subgraphs() as record:
        directory = Path(name)
        (directory / "supergraph.graphql").write_text(SUPERGRAPH % {"url": record.url})
        host = kind(directory, mode)
        with host.running(document(directory, record.url, kind.plugins())):
            for case in tried:
                passed += _passes(case, host, record, verbose=verbose)
    return passed, len(tried)


def _passes(case: Case, host: Host, record: Record, *, verbose: bool) -> bool:
    record.forget()
    label = f"{host.name}, {host.mode}: {case.suite}: {case.title}"
    try:
        case.check(Scene(host, record))
    except AssertionError as error:
        print(f"FAILED {label}\n    {error}", flush=True)
    except Exception:  # noqa: BLE001 - one case must not take the others with it
        print(f"FAILED {label}\n{traceback.format_exc()}", flush=True)
    else:
        print(f"passed {label}", flush=True)
        return True
    if verbose:
        for log in [*host.directory.glob("*.log"), *host.directory.glob("kong/logs/error.log")]:
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-4_000:]}", flush=True)
    return False


if __name__ == "__main__":
    sys.exit(main())
