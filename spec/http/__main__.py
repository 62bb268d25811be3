"""
The audit of GraphQL over HTTP, through the whole way: HTTP, host, plugin server.

    python -m spec.http                                           behind the stand-in, with the default security
    python -m spec.http --gateway http://127.0.0.1:8000/graphql   a graph that is served already
    python -m spec.http --gateway URL --header NAME=VALUE         ... and wants a header with every request

Every MUST and SHOULD counts. None of them needs a GET, so they are asked with CSRF prevention on, as a graph is served
unless its configuration says otherwise. Some MAYs send a GET as a browser would for a foreign page: behind the stand-in
everything is asked a second time with `security.csrf: false`, and what fails only because of it is marked.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from spec.host import Route, host
from spec.http import report
from spec.http.npm import MissingError, Verdict, audit, install
from spec.http.subgraph import running

_SUPERGRAPH = Path(__file__).parent / "supergraph.graphql"

# Some audits ask `__type` for something harmless and want no error.
_OPEN: Mapping[str, Any] = {"operations": {"introspection": True}}


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the audit and print how it went.

    Returns:
        0 if every MUST and SHOULD passes, 1 if not, 2 if the audit cannot be run.
    """
    given = _parser().parse_args(argv)
    headers = dict(pair.split("=", 1) for pair in given.header)
    try:
        node = install()
        if given.gateway:
            return _told(audit(node, given.gateway, headers))
        with ExitStack() as stack:
            url = stack.enter_context(host(_routes(stack.enter_context(running())))).url
            safe = audit(node, f"{url}/safe/graphql", headers)
            unguarded = audit(node, f"{url}/unguarded/graphql", headers)
    except MissingError as error:
        print(error, file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return _told(safe, unguarded)


def _told(verdicts: Sequence[Verdict], unguarded: Sequence[Verdict] = ()) -> int:
    for line in report.lines(verdicts, unguarded):
        print(line)
    counted = [verdict for verdict in (*verdicts, *unguarded) if verdict.level != "MAY"]
    return 0 if counted and all(verdict.passed for verdict in counted) else 1


def _routes(subgraph: str) -> list[Route]:
    subgraphs = {"greetings": subgraph}
    return [
        Route("http-safe", "/safe/graphql", _SUPERGRAPH, subgraphs, _OPEN),
        Route("http-unguarded", "/unguarded/graphql", _SUPERGRAPH, subgraphs, {**_OPEN, "security": {"csrf": False}}),
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m spec.http", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gateway", metavar="URL", help="a graph that is served already, introspection on")
    parser.add_argument("--header", metavar="NAME=VALUE", action="append", default=[], type=_pair, help="sent along")
    return parser


def _pair(text: str) -> str:
    if not text.partition("=")[1]:
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    return text


def _end(*_: object) -> NoReturn:
    """End as after an error, so that the children are ended too."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    sys.exit(main())
