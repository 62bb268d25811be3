"""Short ways to write plans by hand, and subgraphs that answer from a script."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from kong_federation.executor import PROTOCOL_HEADERS, ExecutionContext, Result, SubgraphTarget, prepare, read_json
from kong_federation.executor.compiled import GIVING_UP
from kong_federation.plan.nodes import (
    Composite,
    Each,
    Fetch,
    Flatten,
    Key,
    Leaf,
    LeafKind,
    ListOf,
    NonNull,
    OnTypes,
    OperationKind,
    OutputField,
    QueryPlan,
    Representation,
    RepresentationField,
    Variant,
)
from kong_federation.transport import MemoryTransport, SubgraphRequest, SubgraphResponse

INT = Leaf(LeafKind.INT, "Int")
FLOAT = Leaf(LeafKind.FLOAT, "Float")
STRING = Leaf(LeafKind.STRING, "String")
BOOLEAN = Leaf(LeafKind.BOOLEAN, "Boolean")
ID = Leaf(LeafKind.ID, "ID")
TYPENAME = Leaf(LeafKind.TYPENAME, "String")
JSON = Leaf(LeafKind.CUSTOM, "JSON")
COLOR = Leaf(LeafKind.ENUM, "Color", ("RED", "GREEN"))

some = NonNull
many = ListOf


def fields(**types: Any) -> tuple[OutputField, ...]:
    """`key=type` or `key=("source", type)` or `key=("source", type, when)`."""
    return tuple(OutputField(key, *(one if isinstance(one, tuple) else (key, one))) for key, one in types.items())


def object_of(name: str, /, **types: Any) -> Composite:
    return Composite(name, abstract=False, variants=(Variant((name,), fields(**types)),))


def abstract_of(name: str, /, **variants: dict[str, Any]) -> Composite:
    return Composite(
        name, abstract=True, variants=tuple(Variant((one,), fields(**types)) for one, types in variants.items())
    )


def path(text: str) -> tuple:
    """`users.@.|User|Admin.friend`: keys, `@` for each item, `|…` for types."""
    return tuple(map(_step, text.split("."))) if text else ()


def _step(text: str) -> Any:
    if text == "@":
        return Each()
    return OnTypes(tuple(text[1:].split("|"))) if text.startswith("|") else Key(text)


def root(number: int, subgraph: str, document: str, **more: Any) -> Fetch:
    return Fetch(number, subgraph, more.pop("kind", OperationKind.QUERY), document, **more)


def by_id(*types: str, typename: str = "", extra: tuple = ()) -> Representation:
    return Representation(types, typename, (RepresentationField("id", "id"), *extra))


def flatten(*paths: str, representations: tuple | None = None, key: str = "_e", variable: str = "r") -> Flatten:
    return Flatten(tuple(map(path, paths)), variable, key, representations or (by_id("User"),))


def entities(number: int, subgraph: str, selection: str, *flattens: Flatten, **more: Any) -> Fetch:
    inputs = flattens or (flatten("users.@"),)
    definitions = ",".join(f"${one.variable}:[_Any!]!" for one in inputs)
    body = " ".join(f"{one.key}:_entities(representations:${one.variable}){{{selection}}}" for one in inputs)
    return root(number, subgraph, f"query({definitions}){{{body}}}", flattens=inputs, **more)


def query(node: Any, /, *, variables: tuple = (), inputs: tuple = (), kind: Any = OperationKind.QUERY, **types: Any):
    name = kind.value.capitalize()
    return QueryPlan(kind, "", node, object_of(name, **types), variables, inputs)


@dataclass
class World:
    """
    Subgraphs by name.

    A list is answered item by item, anything else every time. A dict is a whole response body, bytes a raw body, a
    number a status with an empty body, a pair a status and a body; a function takes the request's JSON.
    """

    answers: dict[str, Any]
    mask_errors: bool = False
    deadline: float | None = None
    timeout: float = 1.0
    max_errors: int = 1000
    max_entities: dict[str, int] = field(default_factory=dict)
    introspect: Callable | None = None
    sent: list[tuple[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    async def run(self, plan: QueryPlan, raw: dict | None = None) -> Result:
        executable = prepare(plan)
        return await executable.execute(executable.coerce(raw), self.context())

    def context(self) -> ExecutionContext:
        transport = MemoryTransport({f"http://{name}": self._answer for name in self.answers})
        targets = {
            name: SubgraphTarget(f"http://{name}", self.timeout, (*PROTOCOL_HEADERS, ("x-to", name)))
            for name in self.answers
        }
        return ExecutionContext(
            transport,
            targets,
            self.introspect or self._no_introspection,
            max_entities=self.max_entities,
            mask_errors=self.mask_errors,
            deadline=self.deadline,
            max_errors=self.max_errors,
        )

    def sent_to(self, name: str) -> list[Any]:
        return [body for subgraph, body in self.sent if subgraph == name]

    async def _answer(self, request: SubgraphRequest) -> SubgraphResponse:
        body = orjson.loads(request.body)
        self.sent.append((request.subgraph, body))
        self.log.append(f"> {request.subgraph}")
        await asyncio.sleep(0)
        answer = self.answers[request.subgraph]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if callable(answer):
            answer = answer(body)
        if asyncio.iscoroutine(answer):
            answer = await answer
        self.log.append(f"< {request.subgraph}")
        match answer:
            case int():
                return SubgraphResponse(answer, (), b"")
            case bytes():
                return SubgraphResponse(200, (), answer)
            case (int() as status, content):
                return SubgraphResponse(status, (), content if isinstance(content, bytes) else written(content))
            case _:
                return SubgraphResponse(200, (), written(answer))

    async def _no_introspection(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError(document)


def written(value: Any) -> bytes:
    """JSON by the standard library, which also writes integers beyond 64 bits."""
    return json.dumps(value).encode()


def codes(result: Result) -> list[tuple[Any, Any, Any]]:
    """Each error's code, subgraph and path."""
    return [(one["extensions"]["code"], one["extensions"].get("service"), one.get("path")) for one in result.errors]


class GaveUp(NamedTuple):
    """What a program has left to the interpreter: what has been sent so far."""

    sent: list

    def forget(self):
        """Give up all answers that nobody has asked for."""
        for one in self.sent:
            one.forget()


async def attempt(program, variables, context):
    """What a program gives by itself: the data, or that it gave up."""
    outcome = await attempt_text(program, variables, context)
    return outcome if isinstance(outcome, GaveUp) else read_json(outcome)["data"]


async def attempt_text(program, variables, context):
    """As `attempt`; the whole answer's text."""
    state = program.begin(variables, context)
    try:
        await program.run(state)
        return program.answer(state)
    except GIVING_UP:
        await state.settle()
        return GaveUp(state.so_far())
