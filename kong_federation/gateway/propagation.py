"""
What a subgraph gets to see of a client's headers.

Trace context and request ids always travel, so that one request can be followed everywhere; whatever else travels is
said by rules, which are carried out in order: those of the defaults first, then the subgraph's own. A rule works on
what the rules before it have left, so a later one wins. Headers of one connection never travel, and neither does what
the client's `Connection` header names (RFC 9110, section 7.6.1).

Most configurations have no rule, or only such as send a header on under its own name. Those come down to a set of
names, and the client's headers are walked once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kong_federation.gateway.identity import Identity
from kong_federation.settings import HOP_BY_HOP, OWN_HEADERS, HeaderRule
from kong_federation.transport import TRACE_HEADERS

Headers = tuple[tuple[str, str], ...]
Values = Sequence[str]
Step = Callable[[Mapping[str, Values], Identity, dict[str, Values]], None]
"""One rule at work: the client's headers that may travel, who asks, and the subgraph's headers so far, changed."""

# Kong's own id comes from Kong, never from the client.
KONG_REQUEST_ID = "x-kong-request-id"
"""The header that tells a subgraph Kong's id of the client's request."""

# Baggage is not for tracing alone: tenants and experiments travel in it.
_TRACE = TRACE_HEADERS - {KONG_REQUEST_ID} | {"baggage"}
_NEVER = frozenset((*HOP_BY_HOP, *OWN_HEADERS, KONG_REQUEST_ID))

# Longer names are not compared with patterns: a pattern could take very long on them.
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True, eq=False)
class HeaderRules:
    """
    The rules of one subgraph, compiled.

    Args:
        names: What travels by its own name, in lower case.
        steps: All rules in order, if there is one that does anything else; `names` is then what always travels.
        personal: Whether a rule looks at who asks.
    """

    names: frozenset[str]
    steps: tuple[Step, ...] = ()
    personal: bool = False


def compile_rules(rules: Iterable[HeaderRule]) -> HeaderRules:
    """Prepare rules; they are taken in order."""
    rules = tuple(rules)
    if all(rule.op == "propagate" and rule.named and not rule.rename and rule.default is None for rule in rules):
        return HeaderRules(_TRACE | {(rule.named or "").lower() for rule in rules} - _NEVER)
    return HeaderRules(_TRACE, tuple(map(_step, rules)), any(rule.value_from is not None for rule in rules))


def propagate(client: Mapping[str, Values], identity: Identity, rules: HeaderRules) -> Headers:
    """
    The headers that a subgraph gets, but for Kong's request id.

    Args:
        client: The client's headers.
        identity: Who asks; makes a difference only for rules that are `personal`.
        rules: What `compile_rules` gave for the subgraph.
    """
    connection = client.get("connection", ())
    dropped = {name.strip().lower() for value in connection for name in value.split(",")} if connection else ()
    headers: list[tuple[str, str]] = []
    if not rules.names.isdisjoint(client):
        headers = [
            (name, value)
            for name, values in client.items()
            if name in rules.names and name not in dropped
            for value in values
            if _is_one_line(value)
        ]
    if rules.steps:
        headers = _apply(rules.steps, client, identity, dropped, headers)
    return tuple(headers)


def _apply(
    steps: Iterable[Step],
    client: Mapping[str, Values],
    identity: Identity,
    dropped: Iterable[str],
    always: Iterable[tuple[str, str]],
) -> list[tuple[str, str]]:
    free = {
        name: [value for value in values if _is_one_line(value)]
        for name, values in client.items()
        if name not in _NEVER and name not in dropped
    }
    sent: dict[str, Values] = {name: free[name] for name, _ in always}
    for step in steps:
        step(free, identity, sent)
    sent.pop(KONG_REQUEST_ID, None)
    return [(name, value) for name, values in sent.items() for value in values]


def _step(rule: HeaderRule) -> Step:
    match rule.op:
        case "insert":
            return _insert(rule)
        case "remove":
            return _remove(rule)
        case _:
            return _propagate_named(rule) if rule.named is not None else _propagate_matching(rule)


def _propagate_named(rule: HeaderRule) -> Step:
    name = (rule.named or "").lower()
    target = (rule.rename or name).lower()
    default = None if rule.default is None else [rule.default]

    def step(client: Mapping[str, Values], _: Identity, sent: dict[str, Values]) -> None:
        values = client.get(name) or default
        if values:
            sent[target] = values

    return step


def _propagate_matching(rule: HeaderRule) -> Step:
    fits = _matcher(rule)

    def step(client: Mapping[str, Values], _: Identity, sent: dict[str, Values]) -> None:
        sent.update({name: values for name, values in client.items() if fits(name)})

    return step


def _insert(rule: HeaderRule) -> Step:
    name = (rule.named or "").lower()
    default = rule.default or ""
    attribute = rule.value_from
    static = rule.value or ""

    def step(_: Mapping[str, Values], identity: Identity, sent: dict[str, Values]) -> None:
        told = static if attribute is None else _told(identity, attribute)
        value = told if told and _is_one_line(told) else default
        # What a client sent under this name must not pass for what Kong vouches for.
        if value:
            sent[name] = [value]
        else:
            sent.pop(name, None)

    return step


def _remove(rule: HeaderRule) -> Step:
    fits = _matcher(rule)

    def step(_: Mapping[str, Values], __: Identity, sent: dict[str, Values]) -> None:
        for name in [name for name in sent if fits(name)]:
            del sent[name]

    return step


def _matcher(rule: HeaderRule) -> Callable[[str], bool]:
    """Whether a header's name is meant."""
    if rule.named is not None:
        named = rule.named.lower()
        return lambda name: name == named
    pattern = re.compile(rule.matching or "", re.IGNORECASE)
    excluded = frozenset(name.lower() for name in rule.exclude)
    return lambda name: name not in excluded and len(name) <= _LONGEST_NAME and pattern.search(name) is not None


def _told(identity: Identity, attribute: str) -> str:
    value: str | tuple[str, ...] = getattr(identity, attribute)
    return value if isinstance(value, str) else ",".join(value)


def _is_one_line(value: str) -> bool:
    # A host that let such a value in would let the client write headers of its own to subgraphs.
    return not ("\n" in value or "\r" in value or "\0" in value)
