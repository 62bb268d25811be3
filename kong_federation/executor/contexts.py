"""
Values taken from objects further up (`@fromContext`): gather entities together with what stands above them.

The path to the entities is walked in pieces, from one object that a value is taken of to the next. An entity below two
such objects that differ is, in the data tree, two objects: each gets the values above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kong_federation.executor.context import JsonObject
from kong_federation.executor.entities import Read, Refusal, compile_fields
from kong_federation.executor.exact import write_json
from kong_federation.executor.paths import Walk, compile_walk
from kong_federation.plan.nodes import Flatten

# Values of the variables, and the objects they are for.
Group = tuple[JsonObject, list[JsonObject]]


@dataclass(frozen=True, slots=True)
class Piece:
    """
    A piece of the path.

    Args:
        take: What is taken of the objects at its beginning: variable -> how.
        walk: Goes on to the objects at its end.
    """

    take: Mapping[str, Read]
    walk: Walk


@dataclass(frozen=True, slots=True)
class ContextWalk:
    """A path on which values are taken, compiled."""

    pieces: tuple[Piece, ...]
    at_end: Mapping[str, Read]

    def gather(self, root: JsonObject) -> tuple[list[Group], list[JsonObject]]:
        """
        Find the objects and the values above them.

        Returns:
            The objects in groups of equal values, and those for which a value is missing because its field is absent.
        """
        found: list[tuple[JsonObject, JsonObject | None]] = [(root, {})]
        for piece in self.pieces:
            found = [
                (below, values)
                for node, above in found
                for values in (_taken(piece.take, node, above),)
                for below in piece.walk(node)
            ]
        groups: dict[bytes, Group] = {}
        lost: list[JsonObject] = []
        for node, above in found:
            values = _taken(self.at_end, node, above)
            if values is None:
                lost.append(node)
            else:
                groups.setdefault(write_json(values), (values, []))[1].append(node)
        return list(groups.values()), lost


def compile_contexts(flatten: Flatten) -> ContextWalk:
    """Compile the one path of a flatten that takes values from further up."""
    path = flatten.paths[0]
    takes: dict[int, dict[str, Read]] = {}
    for value in flatten.contexts:
        takes.setdefault(value.depth, {})[value.variable] = compile_fields(value.fields)
    starts = sorted({0, *(depth for depth in takes if depth < len(path))})
    ends = [*starts[1:], len(path)]
    pieces = tuple(
        Piece(takes.get(start, {}), compile_walk(path[start:end])) for start, end in zip(starts, ends, strict=True)
    )
    return ContextWalk(pieces, takes.get(len(path), {}))


def _taken(take: Mapping[str, Read], node: JsonObject, above: JsonObject | None) -> JsonObject | None:
    """The values so far and those of an object; None if one is missing."""
    if not take or above is None:
        return above
    values = dict(above)
    for variable, read in take.items():
        written: JsonObject = {}
        if read(node, written) is Refusal.ABSENT:
            return None
        values[variable] = _leaf(written)
    return values


def _leaf(value: Any) -> Any:
    """The one value that a selection of one leaf has."""
    while type(value) is dict:
        value = next(iter(value.values()), None)
    return value
