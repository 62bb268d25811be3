"""
Plans as bytes, for caches, for the disk, and between the builder and the workers.

A message is msgpack: `[VERSION, plan]`. Every value of a plan is either a scalar or an array whose first member is a
tag: 0 for a plain tuple, otherwise the kind of node, whose fields follow in the order of their declaration. JSON
defaults of variables are packed on their own, because they may hold arrays of the client's schema that have no tag.
Composites, which may stand in many places of a plan, are written once and referred to by number afterwards; otherwise a
plan on an interface of eighty types, nested three levels, would be written eighty times eighty times.

A change to any class in `nodes` is a new VERSION: fields have no names here, so an old message would be misread. An
unknown version, tag or arity raises `PlanFormatError`; the reader plans anew.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import msgpack

from kong_federation.plan import nodes

VERSION = 5

_PLAIN, _NO_DEFAULT, _JSON, _SEEN = 0, 1, 2, 3

# Tags are written out, never derived from the order of declaration: they live on disks.
_TAGS: dict[type, int] = {
    nodes.QueryPlan: 10,
    nodes.Fetch: 11,
    nodes.Flatten: 12,
    nodes.Representation: 13,
    nodes.RepresentationField: 14,
    nodes.ContextValue: 22,
    nodes.Introspect: 15,
    nodes.Sequence: 16,
    nodes.Parallel: 17,
    nodes.Condition: 18,
    nodes.Subscription: 19,
    nodes.Defer: 20,
    nodes.Deferred: 21,
    nodes.Key: 30,
    nodes.Each: 31,
    nodes.OnTypes: 32,
    nodes.InputField: 40,
    nodes.EnumInput: 41,
    nodes.ObjectInput: 42,
    nodes.Written: 43,
    nodes.Leaf: 50,
    nodes.Composite: 51,
    nodes.ListOf: 52,
    nodes.NonNull: 53,
    nodes.OutputField: 54,
    nodes.Variant: 55,
    nodes.Given: 56,
}
_CLASSES = {tag: kind for kind, tag in _TAGS.items()}
_FIELDS = {kind: tuple(field.name for field in dataclasses.fields(kind)) for kind in _TAGS}
# Enums travel as their text; these fields get them back.
_ENUMS: dict[tuple[type, str], type] = {
    (nodes.QueryPlan, "kind"): nodes.OperationKind,
    (nodes.Fetch, "kind"): nodes.OperationKind,
    (nodes.Leaf, "kind"): nodes.LeafKind,
}

# Plans of one graph are made of the same names, and hold a ninth less memory where they share them. Names that clients
# make up come here, too, so this is bounded: characters of a name, and names.
_LONGEST_NAME = 64
_MOST_NAMES = 8_192
_names: dict[str, str] = {}


class PlanFormatError(ValueError):
    """The bytes are not a plan of this version."""


def encode_plan(plan: nodes.QueryPlan) -> bytes:
    """A plan as bytes; equal plans give equal bytes."""
    return bytes(msgpack.packb([VERSION, _encode(plan, {})]))


def decode_plan(data: bytes) -> nodes.QueryPlan:
    """
    The plan that `encode_plan` was given.

    Raises:
        PlanFormatError: The bytes are something else, or of another version.
    """
    try:
        message = msgpack.unpackb(data)
        version, body = message
    except (ValueError, TypeError, msgpack.exceptions.UnpackException) as error:
        raise PlanFormatError("not a plan") from error
    if version != VERSION:
        raise PlanFormatError(f"plan format {version!r}, expected {VERSION}")
    try:
        plan = _decode(body, [])
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise PlanFormatError("damaged plan") from error
    if not isinstance(plan, nodes.QueryPlan):
        raise PlanFormatError("not a whole plan")
    return plan


def _encode(value: Any, seen: dict[int, int]) -> Any:
    """
    The value's array.

    Args:
        value: A node, a tuple or a scalar.
        seen: Composites that are written already: identity -> number. Both sides count them when they are complete.
    """
    if isinstance(value, tuple):
        return [_PLAIN, *(_encode(member, seen) for member in value)]
    tag = _TAGS.get(type(value))
    if tag is None:
        return value
    if isinstance(value, nodes.InputField):
        return [tag, value.name, value.type, _encode_default(value.default)]
    if id(value) in seen:
        return [_SEEN, seen[id(value)]]
    array = [tag, *(_encode(getattr(value, name), seen) for name in _FIELDS[type(value)])]
    if isinstance(value, nodes.Composite):
        seen[id(value)] = len(seen)
    return array


def _shared(text: str) -> str:
    """The same text, of which plans have one; not by `sys.intern`, which some versions of Python never let go of."""
    if len(text) > _LONGEST_NAME:
        return text
    known = _names.get(text)
    if known is None:
        if len(_names) >= _MOST_NAMES:
            _names.clear()
        known = _names[text] = text
    return known


def _encode_default(default: Any) -> Any:
    if default is nodes.NO_DEFAULT:
        return [_NO_DEFAULT]
    return _encode(default, {}) if isinstance(default, nodes.Written) else [_JSON, msgpack.packb(default)]


def _decode(value: Any, seen: list[nodes.Composite]) -> Any:
    if not isinstance(value, list):
        return _shared(value) if type(value) is str else value
    tag, *members = value
    if tag == _PLAIN:
        return tuple(_decode(member, seen) for member in members)
    if tag == _NO_DEFAULT:
        return nodes.NO_DEFAULT
    if tag == _JSON:
        return msgpack.unpackb(members[0])
    if tag == _SEEN:
        return seen[members[0]]
    kind = _CLASSES[tag]
    values = dict(zip(_FIELDS[kind], (_decode(member, seen) for member in members), strict=True))
    for (owner, name), enum in _ENUMS.items():
        if owner is kind:
            values[name] = enum(values[name])
    node = kind(**values)
    if isinstance(node, nodes.Composite):
        seen.append(node)
    return node
