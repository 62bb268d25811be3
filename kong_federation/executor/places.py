"""
From the data tree to the client's response: data keys become response keys, objects become paths.

All of this walks, and none of it is compiled: it runs only when there are errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kong_federation.executor.context import JsonObject
from kong_federation.executor.origins import Chain
from kong_federation.executor.paths import Segments
from kong_federation.executor.projection import Position, holds
from kong_federation.plan.nodes import Composite, ListOf, NonNull, OutputField, OutputType


def to_client(output: OutputType, value: Any, path: Segments, variables: Mapping[str, Any]) -> list[Segments]:
    """
    Translate a path of data keys and indices to response keys.

    Args:
        output: What is answered for `value`.
        value: The data tree, or a part of it.
        path: From there.
        variables: Decide which fields are answered.

    Returns:
        Every place where the client sees it; a place that the client did not ask for is cut off at the last object
        or list that it did ask for.
    """
    return list(dict.fromkeys(_translate(output, value, path, variables)))


def _translate(output: OutputType, value: Any, path: Segments, variables: Mapping[str, Any]) -> Iterator[Segments]:
    match output:
        case NonNull(of):
            yield from _translate(of, value, path, variables)
        case ListOf(of) if path and type(path[0]) is int:
            index = path[0]
            item = value[index] if type(value) is list and 0 <= index < len(value) else None
            for rest in _translate(of, item, path[1:], variables):
                yield (index, *rest)
        case Composite() if path:
            source = path[0]
            inner = value.get(source) if type(value) is dict else None
            fields = [one for one in _fields(output, value) if one.source == source and holds(one, variables)]
            for one in fields:
                for rest in _translate(one.type, inner, path[1:], variables):
                    yield (one.key, *rest)
            if not fields:
                yield ()
        case _:
            yield ()


def _fields(output: Composite, value: Any) -> Iterator[OutputField]:
    """The fields for the value's runtime type, or all if that is not known."""
    typename = value.get("__typename") if output.abstract and type(value) is dict else None
    known = any(typename in variant.types for variant in output.variants)
    for variant in output.variants:
        if not known or typename in variant.types:
            yield from variant.fields


def static_path(output: OutputType, chain: Chain) -> Segments:
    """Translate a chain of data keys to response keys, up to the first list."""
    path: list[str] = []
    for source in chain:
        output = output.of if isinstance(output, NonNull) else output
        if not isinstance(output, Composite):
            break
        field = next((one for one in _fields(output, None) if one.source == source), None)
        if field is None:
            break
        path.append(field.key)
        output = field.type
    return tuple(path)


def chain_of(position: Position) -> Chain:
    """The data keys from the root to a place."""
    return tuple(step.field.source for step in _steps(position) if step.field is not None)


def find(position: Position, root: JsonObject) -> dict[int, tuple[Segments, Segments]]:
    """
    Find every object or list that has a value at this position.

    Returns:
        By the container's identity: its path in response keys, and the identities of the objects and lists around it,
        itself included.
    """
    level: list[tuple[Segments, Segments, Any]] = [((), (id(root),), root)]
    for step in _steps(position)[:-1]:
        level = [
            ((*path, segment), (*lineage, id(child)), child)
            for path, lineage, node in level
            for segment, child in _children(step, node)
        ]
    return {id(node): (path, lineage) for path, lineage, node in level}


def _children(step: Position, node: Any) -> Sequence[tuple[str | int, Any]]:
    if step.field is None:
        return list(enumerate(node)) if type(node) is list else []
    return [(step.field.key, node[step.field.source])] if type(node) is dict and step.field.source in node else []


def _steps(position: Position) -> list[Position]:
    steps = [position]
    while (parent := steps[-1].parent) is not None:
        steps.append(parent)
    return steps[::-1]
