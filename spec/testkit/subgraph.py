"""
A subgraph in memory: strict, so that a plan that asks too much fails instead of being lucky.

It resolves its own fields only. External ones it refuses, unless they are key fields or the way to the object provides
them; overridden ones it refuses too. Objects are found by resolvable keys alone, and a field with `@requires` is made
of what the representation carries, which is compared with what is true first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute_sync,
    parse,
    validate,
)

from kong_federation.selection import SelectionSet, fields_on, narrow
from kong_federation.supergraph import JoinField
from kong_federation.transport import SubgraphRequest, SubgraphResponse
from spec.testkit.extract import extract
from spec.testkit.truth import Thing, Truth, carried


@dataclass(frozen=True, slots=True)
class View:
    """
    An object as a subgraph has it at hand.

    Args:
        thing: The object.
        representation: What it was found by; None if a field led to it.
        provided: What the way to it provides.
    """

    thing: Thing
    representation: Mapping[str, Any] | None = None
    provided: SelectionSet = ()


class MemorySubgraph:
    """
    One subgraph.

    Args:
        truth: The data.
        graph: `Subgraph.graph`.
        log: Mutation fields are noted here as they are run.
    """

    def __init__(self, truth: Truth, graph: str, log: list[str]) -> None:
        self._truth = truth
        self._facts = truth.facts
        self._graph = graph
        self._types = truth.facts.supergraph.types
        self._roots = truth.facts.supergraph.roots
        self._log = log
        self.schema: GraphQLSchema = extract(truth.facts.supergraph, truth.whole.document, graph)
        self._documents: dict[str, DocumentNode] = {}

    async def answer(self, request: SubgraphRequest) -> SubgraphResponse:
        """Answer one request as a server would."""
        body = orjson.loads(request.body)
        return SubgraphResponse(200, (), orjson.dumps(self.execute(body["query"], body.get("variables") or {})))

    def execute(self, text: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Validate and execute a document."""
        document = self._documents.get(text)
        if document is None:
            document = parse(text)
            errors = validate(self.schema, document)
            if errors:
                return {"errors": [{"message": f"{self._graph}: {error.message}"} for error in errors]}
            self._documents[text] = document
        kind = document.definitions[0].operation.value  # type: ignore[attr-defined]
        result = execute_sync(
            self.schema,
            document,
            root_value=View(Thing(self._roots[kind], 0)),
            variable_values=variables,
            field_resolver=self._resolve,
            type_resolver=self._type_of,
        )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [
                {"message": f"{self._graph}: {error.message}", "path": error.path} for error in result.errors
            ]
        return answer

    def _resolve(self, view: View, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        name, owner = info.field_name, info.parent_type.name
        if name == "_entities" and owner == self._roots["query"]:
            return [self._entity(given) for given in arguments["representations"]]
        thing = view.thing
        join = self._types[owner].fields[name].joins[self._graph]
        self._check(view, owner, name, join)
        if owner == self._roots.get("mutation"):
            self._log.append(f"{name}{sorted(arguments.items())}")
        provided = join.provides + narrow(view.provided, name, self._facts.catalog.supertypes(thing.type_name))
        if join.requires:
            return _views(self._derived(view, name, join, arguments), provided)
        return _views(self._truth.value(thing, name, arguments), provided)

    def _check(self, view: View, owner: str, name: str, join: JoinField) -> None:
        is_key = any(
            field.name == name
            for key in self._types[owner].joins[self._graph].keys
            for field in fields_on(key.fields, self._facts.catalog.supertypes(owner))
        )
        if not self._facts.in_force(join) and not is_key:
            raise GraphQLError(f"{owner}.{name} is overridden")
        if not join.external or is_key:
            return
        names = self._facts.catalog.supertypes(view.thing.type_name)
        if not any(field.name == name for field in fields_on(view.provided, names)):
            raise GraphQLError(f"{owner}.{name} is external and not provided")

    def _derived(self, view: View, name: str, join: JoinField, arguments: Mapping[str, Any]) -> Any:
        thing = view.thing
        if view.representation is None:
            raise GraphQLError(f"{name} requires a representation")
        names = self._facts.catalog.supertypes(thing.type_name)
        try:
            given = carried(join.requires, view.representation, names)
        except KeyError as error:
            raise GraphQLError(f"{name} requires {error}, which the representation lacks") from error
        true = self._truth.select(thing, join.requires)
        if given != true:
            raise GraphQLError(f"{name} was given {orjson.dumps(given)!r} for {orjson.dumps(true)!r}")
        if self._facts.field(thing.type_name, name).requires:
            return self._truth.derived(thing, name, arguments, given)
        return self._truth.value(thing, name, arguments)

    def _entity(self, given: Mapping[str, Any]) -> View:
        type_name = given.get("__typename", "")
        info = self._types.get(type_name)
        membership = info.joins.get(self._graph) if info else None
        if membership is None:
            raise GraphQLError(f"no entity type: {type_name}")
        candidates = self._facts.possible(self._graph, type_name)
        for key in membership.keys:
            try:
                complete = key.resolvable and carried(key.fields, given, self._facts.catalog.supertypes(type_name))
            except KeyError:
                continue
            if complete:
                thing = self._truth.find(candidates, key.fields, given)
                if thing is None:
                    raise GraphQLError(f"no {type_name} has the key {orjson.dumps(complete)!r}")
                return View(thing, given)
        raise GraphQLError(f"{type_name} has no resolvable key in {orjson.dumps(given)!r}")

    def _type_of(self, view: View, _info: object, abstract: Any) -> str:
        """The name an object has here: that of an interface, where that is an object type here."""
        name = view.thing.type_name
        possible = {item.name for item in self.schema.get_possible_types(abstract)}
        if name in possible:
            return name
        for interface in sorted(self._types[name].interfaces):
            if interface in possible and not isinstance(self.schema.type_map[interface], GraphQLInterfaceType):
                return interface
        return name


def _views(value: Any, provided: SelectionSet) -> Any:
    if isinstance(value, list):
        return [_views(item, provided) for item in value]
    return View(value, None, provided) if isinstance(value, Thing) else value
