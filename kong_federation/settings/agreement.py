"""
What parts of a configuration must agree on: rules that one field or one record cannot tell.

Each finding is a path and what is wrong there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kong_federation.errors.base import PathSegment
from kong_federation.settings.headers import HeaderRule
from kong_federation.settings.model import ClaimSettings, Settings

Finding = tuple[tuple[PathSegment, ...], str]

# Which other fields a rule about headers may have, by what it does and how it names headers.
_TAKEN = {
    ("propagate", "named"): {"rename", "default"},
    ("propagate", "matching"): {"exclude"},
    ("insert", "named"): {"value", "value_from", "default"},
    ("remove", "named"): set[str](),
    ("remove", "matching"): {"exclude"},
}
_OTHERS = ("exclude", "rename", "default", "value", "value_from")


def disagreements(settings: Settings) -> Iterator[Finding]:
    """Everything in a configuration that does not go together, though each record is right by itself."""
    yield from _twice((one.name for one in settings.subgraphs), "subgraphs", "name")
    yield from _twice((one.label for one in settings.override_labels), "override_labels", "label")
    yield from _headers(settings.subgraph_defaults.headers.request, ("subgraph_defaults",))
    for index, subgraph in enumerate(settings.subgraphs):
        yield from _headers(subgraph.headers.request, ("subgraphs", index))
    if settings.passthrough.enabled and settings.security.mask_errors:
        yield ("passthrough", "enabled"), "needs security.mask_errors to be false: nothing is masked on that way"
    if settings.identity.groups == ClaimSettings():
        for index, label in enumerate(settings.override_labels):
            if label.consumer_groups:
                path = ("override_labels", index, "consumer_groups")
                yield path, "needs identity.groups to say where groups are told"


def _twice(names: Iterable[str], array: str, member: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield (array, index, member), "is there twice"
        seen.add(name)


def _headers(rules: Iterable[HeaderRule], owner: tuple[PathSegment, ...]) -> Iterator[Finding]:
    for index, rule in enumerate(rules):
        yield from _header(rule, (*owner, "headers", "request", index))


def _header(rule: HeaderRule, path: tuple[PathSegment, ...]) -> Iterator[Finding]:
    by = "named" if rule.named is not None else "matching"
    for name in _OTHERS:
        if getattr(rule, name) not in {None, ()} and name not in _TAKEN[rule.op, by]:
            yield (*path, name), f"has no meaning where op is {rule.op} with {by}"
    if rule.op == "insert" and (rule.value is None) == (rule.value_from is None):
        yield path, "needs exactly one of value, value_from where op is insert"
    if rule.matching is not None:
        try:
            re.compile(rule.matching)
        except (re.error, RecursionError, OverflowError) as error:
            yield (*path, "matching"), f"is not a regular expression: {error}"
