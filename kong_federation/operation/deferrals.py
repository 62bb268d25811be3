"""
Which selections a client is content to get later (`@defer`).

A field may be selected inside and outside of deferred fragments. It is as late as its earliest selection: it belongs to
the innermost fragment that all its selections stand in, and to the first answer if there is none. So nothing is ever
delivered twice, and what a fragment adds to is never later than the fragment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from graphql import BooleanValueNode, DirectiveNode, NullValueNode, StringValueNode, VariableNode


@dataclass(frozen=True, slots=True, eq=False)
class Deferral:
    """
    One `@defer` of the document.

    Args:
        label: What the client calls it.
        variable: It defers only if this Boolean variable is true; None: always.
    """

    label: str | None
    variable: str | None


# The deferred fragments around a selection, outermost first, each with the number of fields between the object it
# stands on and the object that is selected from. One directive in a fragment that is spread at several depths is as
# many deferred fragments.
Deferrals: TypeAlias = tuple[tuple[Deferral, int], ...]

AT_ONCE: Deferrals = ()


def read_deferral(node: DirectiveNode) -> Deferral | None:
    """The deferral that a valid `@defer` asks for; None if its `if` is literally false."""
    values = {argument.name.value: argument.value for argument in node.arguments or ()}
    label, condition = values.get("label", NullValueNode()), values.get("if")
    if isinstance(condition, BooleanValueNode) and not condition.value:
        return None
    return Deferral(
        label.value if isinstance(label, StringValueNode) else None,
        condition.name.value if isinstance(condition, VariableNode) else None,
    )


def below(deferrals: Deferrals) -> Deferrals:
    """The same fragments, seen from the object a field leads to."""
    return tuple((deferral, depth + 1) for deferral, depth in deferrals) if deferrals else deferrals


def common(alternatives: Iterable[Deferrals]) -> Deferrals:
    """The fragments that all selections of a field stand in."""
    first, *others = alternatives
    for other in others:
        shared = 0
        while shared < min(len(first), len(other)) and first[shared] == other[shared]:
            shared += 1
        first = first[:shared]
    return first
