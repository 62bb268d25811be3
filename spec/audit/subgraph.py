"""One subgraph: a schema, the rules of its suite, and an answer to each request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute,
    is_interface_type,
    is_object_type,
    parse,
    validate,
)

from spec.audit.sdl import executable

Reference = Callable[[dict[str, Any]], Any]
Resolver = Callable[..., Any]


class FaultError(Exception):
    """An error a resolver is meant to throw."""


@dataclass(frozen=True, slots=True)
class Rules:
    """
    What is particular to one subgraph.

    Args:
        references: By type: from a representation to the object, or None; it may be a coroutine function.
        fields: By `Type.field`: from the parent object (and the arguments by name) to the value.
    """

    references: Mapping[str, Reference] = field(default_factory=dict)
    fields: Mapping[str, Resolver] = field(default_factory=dict)


class Subgraph:
    """
    An executable subgraph.

    Args:
        sdl: What it declares.
        rules: What its resolvers do where the common rules do not say it.
    """

    def __init__(self, sdl: str, rules: Rules) -> None:
        self.schema = executable(sdl)
        self._references = rules.references
        query = self.schema.query_type
        query.fields["_service"].resolve = lambda _root, _info: {"sdl": sdl}
        if "_entities" in query.fields:
            query.fields["_entities"].resolve = self._entities
        for coordinate, resolver in rules.fields.items():
            _attach(self.schema, coordinate, resolver)
        unknown = [name for name in rules.references if self.schema.get_type(name) is None]
        if unknown:
            raise LookupError(f"no such type: {', '.join(unknown)}")

    async def answer(
        self, query: str, variables: dict[str, Any] | None = None, operation_name: str | None = None
    ) -> dict[str, Any]:
        """The response body; `data` is absent where the request was refused before it ran."""
        try:
            document = parse(query)
        except GraphQLError as error:
            return {"errors": [error.formatted]}
        errors = validate(self.schema, document)
        if errors:
            return {"errors": [error.formatted for error in errors]}
        result = execute(self.schema, document, variable_values=variables, operation_name=operation_name)
        if isawaitable(result):
            result = await result
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            return {"errors": [error.formatted for error in result.errors]}
        return result.formatted

    async def _entities(self, _root: object, info: GraphQLResolveInfo, representations: list[Any]) -> list[Any]:
        # All at once: a reference resolver that waits lets the others look things up before it goes on.
        return await asyncio.gather(*(self._entity(info.schema, representation) for representation in representations))

    async def _entity(self, schema: GraphQLSchema, representation: Any) -> Any:
        name = representation.get("__typename") if isinstance(representation, dict) else None
        kind = schema.get_type(name) if isinstance(name, str) else None
        if not (is_object_type(kind) or is_interface_type(kind)):
            raise FaultError(f"_entities: no object or interface type {name!r} in this subgraph")
        resolver = self._references.get(kind.name)
        found = representation if resolver is None else resolver(representation)
        if isawaitable(found):
            found = await found
        if found is None or is_interface_type(kind):
            return found
        return {**found, "__typename": kind.name}


def _attach(schema: GraphQLSchema, coordinate: str, resolver: Resolver) -> None:
    type_name, field_name = coordinate.split(".")
    kind = schema.get_type(type_name)
    if not isinstance(kind, GraphQLObjectType) or field_name not in kind.fields:
        raise LookupError(f"no such field: {coordinate}")
    kind.fields[field_name].resolve = lambda parent, _info, **arguments: resolver(parent, **arguments)
