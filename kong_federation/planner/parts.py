"""
The parts an answer comes in: the deferred fragments of an operation, each at the place where it stands.

One `@defer` in a fragment that is spread in two places makes two parts; below a list it is one part for all objects of
the list, which the executor delivers object by object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kong_federation.operation import Deferral, Want
from kong_federation.plan import Path
from kong_federation.planner.data import DataNode


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """
    One part.

    Args:
        number: Its index among the parts.
        deferral: The directive.
        path: The objects it adds to, by response keys.
        around: The part in which those objects come; None: the first answer.
    """

    number: int
    deferral: Deferral
    path: Path
    around: Part | None


class Parts:
    """The parts of one operation, in the order in which they are met."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[DataNode, Want], int] = {}
        self._parts: dict[tuple[Deferral, Path], Part] = {}

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts.values())

    def __len__(self) -> int:
        return len(self._parts)

    @property
    def always(self) -> bool:
        """Whether some part is deferred whatever the variables are."""
        return any(part.deferral.variable is None for part in self)

    def find(self, node: DataNode, want: Want, way: list[Path]) -> Part | None:
        """
        The part that a field comes in; None: the first answer.

        Args:
            node: The object's place in the data tree.
            want: The field.
            way: The object's place in the answer, and those of all objects above it, nearest first.
        """
        part: Part | None = None
        for deferral, depth in want.deferrals:
            key = (deferral, way[depth])
            part = self._parts.setdefault(key, Part(len(self._parts), deferral, way[depth], part))
        if part is not None:
            self.numbers[node, want] = part.number
        return part
