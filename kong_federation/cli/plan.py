"""`kong-federation plan`: how an operation is planned, stage by stage."""

from __future__ import annotations

import argparse
import errno
import sys
from pathlib import Path

from kong_federation.cli.arguments import seconds
from kong_federation.errors import FederationError, FederationErrors
from kong_federation.executor import show_code
from kong_federation.plan import count_fetches, count_waves, encode_plan, show_plan
from kong_federation.planner import Planner, PlannerOptions, Stages, show_fetches, show_normalized, show_paths
from kong_federation.supergraph import load_supergraph, override_labels

TEXTS = {"normalized": show_normalized, "paths": show_paths, "fetches": show_fetches}
STAGES = (*TEXTS, "plan", "msgpack", "code")

EPILOG = """\
stages, in the order they are gone through:
  normalized  what is wanted of each position, per runtime type: no fragments, no repetitions
  paths       which subgraph was chosen for each field, and how it is entered
  fetches     the requests: wave, subgraph, what each needs
  plan        the query plan
  msgpack     the plan as the bytes that caches hold (binary: redirect it)
  code        the Python that is written and compiled for the plan when it comes again

examples:
  kong-federation plan supergraph.graphql query.graphql
  kong-federation plan supergraph.graphql '{ me { name } }' --stage paths
  kong-federation plan supergraph.graphql query.graphql --operation Search --label 'percent(75)'

exit status: 0 planned, 1 the operation or the supergraph was refused, 2 called wrongly
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("supergraph", metavar="SUPERGRAPH", help="file with the supergraph's SDL")
    parser.add_argument("operation", metavar="OPERATION", help="file with a GraphQL document, its text, or - for stdin")
    parser.add_argument("--stage", choices=STAGES, default="plan", help="what to show (default: plan)")
    parser.add_argument("--operation-name", "--operation", dest="name", help="which operation of the document")
    parser.add_argument("--label", action="append", default=[], help="an active @override label; may be repeated")
    parser.add_argument(
        "--timeout", type=seconds(3600), default=30.0, help="seconds that planning may take (default: 30)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Show one stage."""
    labels = frozenset(arguments.label)
    try:
        sdl, text = _read(arguments.supergraph), _document(arguments.operation)
    except OSError as error:
        return _complain(f"{error.filename}: {error.strerror}", 2)
    try:
        supergraph = load_supergraph(sdl)
        if unknown := labels - override_labels(supergraph):
            return _complain(f"no field has the override label {', '.join(sorted(unknown))}", 2)
        stages = Planner(supergraph, PlannerOptions(timeout=arguments.timeout)).stages(text, arguments.name, labels)
    except FederationError as error:
        return _complain(_placed(error), 1)
    except FederationErrors as errors:
        return _complain("\n".join(map(_placed, errors.errors)), 1)
    _show(stages, arguments.stage)
    return 0


def _show(stages: Stages, stage: str) -> None:
    plan = stages.plan
    if stage == "msgpack":
        sys.stdout.buffer.write(encode_plan(plan))
    elif stage == "code":
        print(show_code(plan))
    elif stage in TEXTS:
        print(TEXTS[stage](stages))
    else:
        print(show_plan(plan))
        fetches, waves = count_fetches(plan.node), count_waves(plan.node)
        print(f"# {fetches} fetch{'es' if fetches != 1 else ''} in {waves} wave{'s' if waves != 1 else ''}")


def _complain(problem: str, status: int) -> int:
    print(f"kong-federation plan: {problem}", file=sys.stderr)
    return status


def _placed(error: FederationError) -> str:
    """An error with its places in the document, line and column."""
    places = ", ".join(f"{line}:{column}" for line, column in error.locations)
    return f"{places}: {error}" if places else str(error)


def _document(argument: str) -> str:
    """A file's content, standard input, or the text itself."""
    if argument == "-":
        return sys.stdin.read()
    if not argument.strip():
        raise OSError(errno.EINVAL, "there is no document", "OPERATION")
    # A document has a brace; no file name that anybody uses has one.
    return argument if "{" in argument else _read(argument)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise OSError(errno.EILSEQ, f"is not UTF-8 from byte {error.start + 1} on", path) from None
