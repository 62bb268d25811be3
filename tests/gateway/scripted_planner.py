"""
A planner for tests of the builder: the supergraph is JSON that says how to behave, and so is the operation.

Supergraph: `{"subgraphs": {name: url}, "seconds": time to load, "invalid": [texts], "end": whether to die}`.
An operation's root fields are asked of the first subgraph, except these: `slow` takes ten seconds of CPU, `end` ends
the planning process, `endBuilder` ends the builder once, `mistake` raises, `deep` makes a plan too deep to encode,
`pid` is refused with the process ids. `refused` lists fields that are invalid, `slow_fields` those that take ten
seconds; `once_slow` names a file that the first operation makes before it takes ten seconds.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from graphql import GraphQLError, OperationDefinitionNode, parse, print_ast

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import (
    GRAPHQL_PARSE_FAILED,
    GRAPHQL_UNKNOWN_OPERATION_NAME,
    GRAPHQL_VALIDATION_FAILED,
    SUPERGRAPH_INVALID,
)
from kong_federation.gateway import BuilderProgram
from kong_federation.plan import (
    Composite,
    Fetch,
    Introspect,
    Leaf,
    LeafKind,
    OperationKind,
    OutputField,
    QueryPlan,
    Sequence,
    Variant,
)

PROGRAM = BuilderProgram(planner=f"{__name__}:make_planner", grace=0.3)


def make_planner(sdl):
    return ScriptedPlanner(json.loads(sdl))


class ScriptedPlanner:
    def __init__(self, script):
        self._script = script
        end = time.monotonic() + script.get("seconds", 0)
        while time.monotonic() < end:
            pass
        if script.get("end"):
            os._exit(3)
        if "invalid" in script:
            raise FederationErrors([FederationError(SUPERGRAPH_INVALID, text) for text in script["invalid"]])

    def subgraphs(self):
        return self._script["subgraphs"]

    def override_labels(self):
        return frozenset(self._script.get("labels", ()))

    def plan(self, document, operation_name, labels):
        try:
            definitions = [one for one in parse(document).definitions if isinstance(one, OperationDefinitionNode)]
        except GraphQLError as error:
            raise FederationError(GRAPHQL_PARSE_FAILED, error.message) from None
        named = [
            one for one in definitions if operation_name is None or (one.name and one.name.value == operation_name)
        ]
        if len(named) != 1:
            raise FederationError(GRAPHQL_UNKNOWN_OPERATION_NAME, "Which?")
        operation = named[0]
        fields = [selection.name.value for selection in operation.selection_set.selections]
        self._note(document)
        if set(fields) & set(self._script.get("refused", ())):
            self._invalid()
        if set(fields) & set(self._script.get("slow_fields", ())):
            self._slow()
        self._slow_once()
        for field in fields:
            getattr(self, f"_{field}", lambda: None)()
        if "deep" in fields:
            return _deep()
        kind = OperationKind(operation.operation.value)
        node = None
        if "__schema" in fields:
            node = Introspect(document="{ __schema }")
        elif fields != ["__typename"]:
            subgraph = next(iter(self._script["subgraphs"]))
            node = Fetch(id=0, subgraph=subgraph, kind=kind, document=print_ast(operation))
        output = tuple(
            OutputField(name, name, Leaf(LeafKind.CUSTOM, "JSON")) for name in fields if name != "__typename"
        )
        return QueryPlan(kind, "", node, Composite("Query", abstract=False, variants=(Variant(("Query",), output),)))

    def introspect(self, document, variables):
        return {"__schema": {"document": document}}

    def _note(self, document):
        if "log" in self._script:
            with Path(self._script["log"]).open("a", encoding="utf-8") as log:
                log.write(document + "\n")

    def _slow(self):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            pass

    def _slow_once(self):
        if "once_slow" in self._script:
            once = Path(self._script["once_slow"])
            if not once.exists():
                once.touch()
                self._slow()

    def _end(self):
        os._exit(9)

    def _endBuilder(self):  # noqa: N802 - a field's name
        once = Path(self._script["once"])
        if not once.exists():
            once.touch()
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(10)

    def _stopBuilder(self):  # noqa: N802 - a field's name
        once = Path(self._script["once"])
        if not once.exists():
            once.touch()
            os.kill(os.getppid(), signal.SIGSTOP)

    def _mistake(self):
        raise ValueError("secret text")

    def _invalid(self):
        raise FederationErrors([FederationError(GRAPHQL_VALIDATION_FAILED, text) for text in ("one", "two")])

    def _pid(self):
        raise FederationError(GRAPHQL_VALIDATION_FAILED, f"{os.getppid()} {os.getpid()}")


def _deep():
    node = Introspect(document="{ __schema }")
    for _ in range(600):
        node = Sequence((node,))
    return QueryPlan(OperationKind.QUERY, "", node, Composite("Query", abstract=False, variants=()))
