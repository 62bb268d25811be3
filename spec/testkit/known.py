"""
What is known of the data tree while a plan runs, for every runtime type that an object may have.

A fetch may only use what was fetched before it. *Before* is decided by turns: a turn says for each `Parallel` around a
fetch which branch it is in, so two fetches in different branches of one `Parallel` do not know of each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from kong_federation.plan import Each, Key, Path

# (number of a Parallel, branch), outermost first.
Turn: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(slots=True, eq=False)
class Found:
    """
    A field under its data key.

    Args:
        name: The field.
        arguments: Canonical text.
        node: What lies below; None for leaves.
        turns: When it is fetched.
    """

    name: str
    arguments: str
    node: Node | None
    turns: list[Turn] = field(default_factory=list)

    def by(self, now: Turn) -> bool:
        """Whether it is there at some turn."""
        return any(_before(turn, now) for turn in self.turns)


@dataclass(slots=True, eq=False)
class Node:
    """
    Objects at one place.

    Args:
        types: Runtime types they may have.
        fields: (runtime type, data key) -> what is fetched; `__typename` is there if objects tell what they are.
    """

    types: frozenset[str]
    fields: dict[tuple[str, str], Found] = field(default_factory=dict)

    def put(self, runtime_type: str, key: str, name: str, arguments: str, now: Turn) -> Found | None:
        """Note a field; None if there is another one under its key already."""
        known = self.fields.setdefault((runtime_type, key), Found(name, arguments, None))
        if (known.name, known.arguments) != (name, arguments):
            return None
        known.turns.append(now)
        return known

    def get(self, runtime_type: str, key: str, now: Turn) -> Found | None:
        """A field that is there by a turn."""
        known = self.fields.get((runtime_type, key))
        return known if known is not None and known.by(now) else None

    def tells(self, runtime_type: str, now: Turn) -> bool:
        """Whether objects of a type say what they are."""
        return self.get(runtime_type, "__typename", now) is not None


def reached(root: Node, path: Path, now: Turn) -> Iterator[tuple[Node, frozenset[str], bool]]:
    """Objects at a path: their place, those types of them that the path keeps, and whether it can tell these apart."""
    ends = [(root, root.types, True)]
    for step in path:
        match step:
            case Each():
                continue
            case Key(name):
                below = [node.get(one, name, now) for node, types, _ in ends for one in sorted(types)]
                ends = [(found.node, found.node.types, True) for found in below if found and found.node]
            case _:
                kept = frozenset(step.names)
                ends = [
                    (node, types & kept, all(node.tells(one, now) for one in types) or types <= kept)
                    for node, types, _ in ends
                    if types & kept
                ]
    yield from ends


def _before(turn: Turn, now: Turn) -> bool:
    branches = dict(now)
    return all(branches.get(parallel, branch) == branch for parallel, branch in turn)
