"""
The audit, through the whole way: HTTP, host, plugin server, subgraphs.

    python -m spec.audit                          all suites, behind the stand-in
    KONG_BIN=/path/to/kong python -m spec.audit   all suites, behind a real Kong
    python -m spec.audit mutations --verbose      one suite, with the plan and the requests of what fails
    python -m spec.audit --kong-yml > audit.yml   the configuration for another host ...
    python -m spec.audit --gateway http://127.0.0.1:8000   ... and the run against it
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import groupby
from typing import NoReturn

from spec.audit import report
from spec.audit.run import Result, results
from spec.audit.suite import Suite, suites
from spec.audit.world import routes, running
from spec.host import host as hosting
from spec.host import kong_yml

# The port the supergraphs name, so that a host configured once finds the subgraphs of every run.
_FIXED_PORT = 4200


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the audit and print how it went.

    Returns:
        0 if every test passes (of the suites that `--require` names, if given), else 1.
    """
    parser = _parser()
    given = parser.parse_args(argv)
    required = {name for name in (given.require or "").split(",") if name}
    try:
        chosen = _chosen(given.suites, given.test)
        suites(sorted(required))
    except LookupError as error:
        parser.error(str(error))
    if missing := required - {suite.name for suite in chosen}:
        parser.error(f"required, but not run: {', '.join(sorted(missing))}")
    port = given.port if given.port is not None else _FIXED_PORT if given.gateway or given.kong_yml else 0
    if given.kong_yml:
        print(kong_yml(routes(chosen, f"http://127.0.0.1:{port}")), end="")
        return 0
    try:
        done = _run(chosen, given, port)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        print(f"AUDIT 0/{1 if given.test else sum(len(suite.questions()) for suite in chosen)}")
        return 1
    print(report.total(done))
    return 0 if all(result.passed for result in done if not required or result.suite.name in required) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m spec.audit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="suites to run; none: all")
    parser.add_argument("--test", metavar="ID", help="run only this test, SUITE_n")
    parser.add_argument("--strict", action="store_true", help="subgraphs throw where only a poor plan would ask")
    parser.add_argument("--verbose", action="store_true", help="print query, plan and requests of what fails")
    parser.add_argument("--require", metavar="SUITE,..", help="exit with 0 if these suites pass completely")
    parser.add_argument("--gateway", metavar="URL", help="a gateway that runs already and serves /SUITE/graphql")
    parser.add_argument("--kong-yml", action="store_true", help="print the configuration for such a gateway and end")
    parser.add_argument("--port", type=int, help="of the subgraphs (default: any; with --gateway 4200)")
    return parser


def _chosen(names: Sequence[str], test: str | None) -> list[Suite]:
    """The suites to run; a test alone names its suite."""
    found = suites(names or ([test.rpartition("_")[0]] if test else []))
    if test and not any(question.id == test for suite in found for question in suite.questions()):
        raise LookupError(f"no such test: {test}")
    return found


def _run(chosen: Sequence[Suite], given: argparse.Namespace, port: int) -> list[Result]:
    """Everything that was asked; printed as it comes."""
    with ExitStack() as stack:
        world = stack.enter_context(running(port=port, strict=given.strict))
        host = None if given.gateway else stack.enter_context(hosting(routes(chosen, world.url)))
        gateway = given.gateway.rstrip("/") if host is None else host.url
        done: list[Result] = []
        for _, group in groupby(results(chosen, gateway, world, given.test), key=lambda result: result.suite.name):
            of_suite = []
            for result in group:
                of_suite.append(result)
                if not result.passed:
                    print(report.failure(result, verbose=given.verbose), flush=True)
            print(report.summary(of_suite), flush=True)
            done += of_suite
        if host is not None and given.verbose and not all(result.passed for result in done):
            print(f"the host's log:\n{host.log()}")
    return done


def _end(*_: object) -> NoReturn:
    """End as after an error, so that the children are ended too."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    sys.exit(main())
