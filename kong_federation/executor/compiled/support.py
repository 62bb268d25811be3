"""
What compiled plans call: all that is rare, and all that is the same for every plan.

Compiled code looks only for what is right. At anything else it raises `OddError`, or an error of Python's own where a
value is not what it is taken for, and the interpreter goes over the same answers again (see `program`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

import msgspec
from msgspec import UNSET, Raw

from kong_federation.executor.entities import Refusal
from kong_federation.executor.exact import to_number, write_json
from kong_federation.executor.leaves import compile_leaf
from kong_federation.plan.nodes import Leaf, LeafKind


class OddError(Exception):
    """Something is not as it is nearly always."""


def odd() -> NoReturn:
    """Leave it to the interpreter."""
    raise OddError


encode: Final = msgspec.json.Encoder().encode
"""Write what is answered as JSON: records, what was written before, numbers as they came."""


def fixer(leaf: Leaf, *, nullable: bool) -> Callable[[Any], Any]:
    """What becomes of a leaf's value whose JSON type does not say that it is right."""
    _, convert = compile_leaf(leaf)
    takes_all = leaf.kind is LeafKind.CUSTOM

    def fix(value: Any) -> Any:
        if value is None:
            return None if nullable else odd()
        if value is UNSET:
            odd()
        if type(value) is Raw:
            if takes_all:
                return value
            number = to_number(bytes(value).decode())
            taken = convert(number)
            # What stays as it is stays as it was written.
            return value if taken is number else odd() if taken is None else taken
        taken = convert(value)
        return odd() if taken is None else taken

    fix.__doc__ = f"any other value of {leaf.name}{'' if nullable else '!'}: as it is answered, or odd"
    return fix


def pick(name: str, *holders: object) -> Any:
    """
    A field that several answers may have.

    Args:
        name: The attribute.
        holders: The latest first; None for one that was not asked for.

    Returns:
        The first value that is not null; null if there is none but a null. Where one of them is an object or a list,
        which custom scalars may be, it is odd if they are not all the same.
    """
    found: Any = UNSET
    for number, holder in enumerate(holders, 1):
        value = UNSET if holder is None else getattr(holder, name)
        if value is not UNSET and value is not None:
            for older in holders[number:]:
                if older is not None and _is_other(value, getattr(older, name)):
                    odd()
            return value
        if value is None:
            found = None
    return odd() if found is UNSET else found


def _is_other(value: Any, older: Any) -> bool:
    """Whether a value would have to be merged with an older one; a scalar takes the place of another scalar."""
    if older is None or older is UNSET:
        return False
    return (type(value) in _CONTAINERS or type(older) in _CONTAINERS) and older != value


def identity(value: Any) -> Any:
    """A value as part of an identity; `1`, `1.0` and `true` are the same to Python's dictionaries."""
    return value if value is None or type(value) is str or type(value) is int else write_json(value)


def nested(build: Callable[..., Any], state: object, *values: Any) -> Any:
    """
    A part of a representation that is an object, or lists of objects.

    Args:
        build: Represents one object.
        state: Its first argument.
        values: The values that several answers have in that place; alike, or it is odd.

    Returns:
        `Refusal.NULL` where a key inside is null.
    """
    first = values[0]
    if first is None:
        return None if values.count(None) == len(values) else odd()
    if type(first) is not list:
        return build(state, *values)
    items = [nested(build, state, *each) for each in zip(*values, strict=True)]
    return Refusal.NULL if Refusal.NULL in items else items


def entities_of(found: Any, asked: int, nulls: object) -> list[Any]:
    """
    The entities of one selection, with all-null ones where the subgraph knows none, and one more at the end.

    Args:
        found: What was answered.
        asked: How many there have to be.
        nulls: An entity whose fields are all null.
    """
    if type(found) is not list or len(found) != asked:
        odd()
    kinds = set(map(type, found))
    if kinds != {type(nulls)}:
        if not kinds <= {type(nulls), type(None)}:
            odd()
        found = [nulls if one is None else one for one in found]
    entities: list[Any] = found
    entities.append(nulls)
    return entities


_CONTAINERS: Final = {dict, list}

SUPPORT: Final = {
    "Raw": Raw,
    "Refusal": Refusal,
    "UNSET": UNSET,
    "dumps": write_json,
    "encode": encode,
    "entities_of": entities_of,
    "nested": nested,
    "identity": identity,
    "odd": odd,
    "pick": pick,
}
"""The names by which compiled text calls them."""
