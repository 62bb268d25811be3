"""
Walking the data tree.

A plan's path is compiled to one function per step, which takes all nodes of one level and gives those of the next: one
list comprehension per level is faster than one call per node. Where the path of each object is wanted as well, which is
only when there are errors, `locate` does the same walk slowly.

Subgraphs send what they like, so each step looks at what it stands on; what does not fit ends the walk there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from kong_federation.executor.context import JsonObject
from kong_federation.plan.nodes import Each, Key, OnTypes, Path

Level: TypeAlias = list[Any]
Segments: TypeAlias = tuple[str | int, ...]
Walk: TypeAlias = Callable[[JsonObject], list[JsonObject]]


def compile_walk(path: Path) -> Walk:
    """Compile a path to a function from the tree's root to the objects at the path's end, in the tree's order."""
    steps = tuple(_steps(path))

    def walk(root: JsonObject) -> list[JsonObject]:
        level: Level = [root]
        for step in steps:
            level = step(level)
        return [node for node in level if type(node) is dict]

    return walk


def may_meet(one: Path, other: Path) -> bool:
    """Tell whether two paths may lead to the same object: in a tree, only if they differ in nothing but types."""
    return _untyped(one) == _untyped(other)


def _untyped(path: Path) -> Path:
    return tuple(step for step in path if not isinstance(step, OnTypes))


def _steps(path: Path) -> Iterator[Callable[[Level], Level]]:
    number = 0
    while number < len(path):
        match path[number : number + 2]:
            case (Key(name), Each()):
                yield _items(name)
                number += 2
            case (step, *_):
                yield _step(step)
                number += 1


def _items(name: str) -> Callable[[Level], Level]:
    """Key and Each in one step, which most paths are made of."""
    return lambda level: [
        child
        for node in level
        if type(node) is dict and type(children := node.get(name)) is list
        for child in children
        if child is not None
    ]


def _step(step: Key | Each | OnTypes) -> Callable[[Level], Level]:
    match step:
        case Key(name):
            return lambda level: [
                child for node in level if type(node) is dict and (child := node.get(name)) is not None
            ]
        case Each():
            return lambda level: [child for node in level if type(node) is list for child in node if child is not None]
        case OnTypes(names):
            # A tuple, because a `__typename` may be anything, also unhashable.
            return lambda level: [node for node in level if type(node) is dict and node.get("__typename") in names]


def locate(path: Path, root: JsonObject) -> list[tuple[Segments, JsonObject]]:
    """Find the objects at the path's end together with the data keys and list indices that lead to them."""
    level: list[tuple[Segments, Any]] = [((), root)]
    for step in path:
        match step:
            case Key(name):
                level = [
                    ((*at, name), child)
                    for at, node in level
                    if type(node) is dict and (child := node.get(name)) is not None
                ]
            case Each():
                level = [
                    ((*at, index), child)
                    for at, node in level
                    if type(node) is list
                    for index, child in enumerate(node)
                    if child is not None
                ]
            case OnTypes(names):
                level = [(at, node) for at, node in level if type(node) is dict and node.get("__typename") in names]
    return [(at, node) for at, node in level if type(node) is dict]
