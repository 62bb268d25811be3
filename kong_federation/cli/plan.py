"""`kong-federation plan`: how an operation is planned, stage by stage."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.executor import show_code
from kong_federation.plan import count_fetches, count_waves, encode_plan, show_plan
from kong_federation.planner import Planner, PlannerOptions, show_fetches, show_normalized, show_paths
from kong_federation.supergraph import load_supergraph

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
  kong-federation plan supergraph.graphql query.graphql --operation Search --label percent(75)

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
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds that planning may take (default: 30)")


def run(arguments: argparse.Namespace) -> int:
    """Show one stage."""
    try:
        sdl = Path(arguments.supergraph).read_text(encoding="utf-8")
        text = _document(arguments.operation)
    except OSError as error:
        print(f"kong-federation plan: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except UnicodeDecodeError as error:
        print(f"kong-federation plan: {error}", file=sys.stderr)
        return 2
    labels = frozenset(arguments.label)
    try:
        planner = Planner(load_supergraph(sdl), PlannerOptions(timeout=arguments.timeout))
        stages = planner.stages(text, arguments.name, labels)
    except (FederationError, FederationErrors) as error:
        print(f"kong-federation plan: {error}", file=sys.stderr)
        return 1
    plan = stages.plan
    if arguments.stage == "msgpack":
        sys.stdout.buffer.write(encode_plan(plan))
        return 0
    if arguments.stage == "code":
        print(show_code(plan))
        return 0
    if arguments.stage in TEXTS:
        print(TEXTS[arguments.stage](stages))
        return 0
    print(show_plan(plan))
    fetches, waves = count_fetches(plan.node), count_waves(plan.node)
    print(f"# {fetches} fetch{'es' if fetches != 1 else ''} in {waves} wave{'s' if waves != 1 else ''}")
    return 0


def _document(argument: str) -> str:
    """A file's content, standard input, or the text itself."""
    if argument == "-":
        return sys.stdin.read()
    # A document has a brace; no file name that anybody uses has one.
    return argument if "{" in argument else Path(argument).read_text(encoding="utf-8")
