"""
Merging subgraph answers into the data tree.

**The data tree is a tree.** Every object and list in it stands in exactly one place, and stays there. Each answer is a
fresh value of the JSON parser, so it owns its parts; it is given away to the first place it is merged into, and every
other place gets a deep copy. If one entity stood in two places by reference, a later fetch that gathers only one of
them would write into the other as well, where its selection was never asked for; and an error path or a null could no
longer be attributed to one place by the identity of an object, which `projection` and `explain` rely on. Scalars are
immutable and shared.

The rules of a merge:

- Objects are merged by key, lists pairwise. A list that is longer than the one already there loses its tail: the
  additional items would lack what the first answer had.
- A null never replaces a value; a value replaces a null. When one subgraph fails on a shareable field that another
  answered, the answer counts.
- An object or list is never replaced; a value of another kind that comes later is dropped.
- Otherwise the later value wins, which is what lets the subgraph that knows an object's runtime type correct the
  `__typename` that an interface object had before.

Depth is bounded by the JSON parser (1024), not by the interpreter's stack; callers treat `RecursionError` as an answer
that is nested too deeply. What has been merged until then is right, only incomplete.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kong_federation.executor.context import JsonObject


def spread(source: JsonObject, places: Sequence[JsonObject]) -> None:
    """Merge one object into every one of these different places; `source` belongs to the tree afterwards."""
    # Most entities are flat; scalars may be shared, so these need no copies.
    flat = _CONTAINERS.isdisjoint(map(type, source.values()))
    for place in places[1:]:
        merge(place, source if flat else copy(source))
    merge(places[0], source)


def merge(target: JsonObject, source: JsonObject) -> None:
    """Merge `source` into `target`; `source` belongs to the tree afterwards."""
    if target.keys().isdisjoint(source):
        target.update(source)
        return
    for key, value in source.items():
        present = target.get(key)
        if present is None:
            target[key] = value
        elif value is not None:
            target[key] = _combine(present, value)


def _combine(present: Any, value: Any) -> Any:
    kind = type(value)
    if kind is not type(present):
        return present if type(present) in _CONTAINERS else value
    if kind is dict:
        merge(present, value)
        return present
    if kind is list:
        for index, (old, new) in enumerate(zip(present, value, strict=False)):
            if old is None:
                present[index] = new
            elif new is not None:
                present[index] = _combine(old, new)
        return present
    return value


def copy(value: Any) -> Any:
    """Copy a JSON value with all its objects and lists."""
    kind = type(value)
    if kind is dict:
        return {key: copy(inner) if type(inner) in _CONTAINERS else inner for key, inner in value.items()}
    if kind is list:
        return [copy(inner) if type(inner) in _CONTAINERS else inner for inner in value]
    return value


_CONTAINERS = frozenset((dict, list))
