"""
Progressive `@override`: which labels are on for one request.

A label moves a field from one subgraph to another, so the labels that are on are part of a plan's key. What the
configuration says of each label the supergraph has is compiled once per generation; a graph without labels, or one
whose labels are settled for everybody, decides nothing per request.

**The draw.** A share of clients is chosen by a number between 0 and 100 that is a hash of who asks, so a client stays
on its side, on every worker and every node, and nothing is remembered. All labels `percent(N)` share one draw: whoever
is in at 5 is still in at 20, though that is another label, and a graph with k of them has k + 1 sets of labels instead
of 2^k. A label with a name of its own has a draw of its own, so that two rollouts do not always meet the same clients.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kong_federation.gateway.exchange import HttpRequest
from kong_federation.gateway.identity import bytewise
from kong_federation.settings import OverrideLabelSettings, Settings

_LOG = logging.getLogger("kong_federation.gateway")

# At most eight digits of a fraction, as composition checks.
_PERCENT: Final = re.compile(r"percent\((\d{1,3}(?:\.\d{1,8})?)\)")
_SHARED_DRAW: Final = "percent"

# Set by Kong's authentication plugins; the last one also for clients without a consumer, by JWT and LDAP for example.
_CONSUMER_HEADERS: Final = ("x-consumer-id", "x-consumer-custom-id", "x-credential-identifier")
_FALSE: Final = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Rule:
    """
    When one label is on.

    Args:
        label: The label.
        draw: Name of its draw.
        share: On for a draw below this, between 0 and 100.
        header: On if this header says so; in lower case, may be empty.
        groups: On for members of any of these, whose texts are as in identities.
    """

    label: str
    draw: str
    share: float
    header: str
    groups: frozenset[str] = frozenset()

    def is_on(self, request: HttpRequest) -> bool:
        """Whether the request itself switches it on, whatever its share."""
        if self.header and any(_is_true(value) for value in request.headers.get(self.header, ())):
            return True
        return bool(self.groups) and not self.groups.isdisjoint(request.identity.groups)


@dataclass(frozen=True, slots=True)
class Labels:
    """
    The labels of one supergraph under one configuration.

    Args:
        always: Those that are on for everybody.
        rules: Those that are not the same for all requests.
        stickiness: By what a client is known: `consumer`, `client` or `none`.
    """

    always: frozenset[str]
    rules: tuple[Rule, ...]
    stickiness: str

    def active(self, request: HttpRequest) -> frozenset[str]:
        """The labels that are on for a request."""
        if not self.rules:
            return self.always
        who = ""
        draws: dict[str, float] = {}
        found = set(self.always)
        for rule in self.rules:
            if rule.is_on(request):
                found.add(rule.label)
            elif rule.share > 0:
                if rule.draw not in draws:
                    who = who or _identity(request, self.stickiness)
                    draws[rule.draw] = draw(rule.draw, who)
                if draws[rule.draw] < rule.share:
                    found.add(rule.label)
        return frozenset(found)


def find_labels(settings: Settings, labels: Iterable[str]) -> Labels:
    """
    Settle what can be settled about a supergraph's labels by the configuration alone.

    Args:
        settings: The whole configuration; what it says of labels that the supergraph does not have is logged.
        labels: The supergraph's.
    """
    known = frozenset(labels)
    said = {setting.label: setting for setting in settings.override_labels}
    for name in sorted(said.keys() - known):
        _LOG.warning("the configuration names an override label %s that the supergraph does not have", name)
    always, rules = set(), []
    for label in sorted(known):
        rule = _rule(label, said)
        setting = said.get(label)
        if rule.share >= 100 or (setting is not None and setting.enabled):
            always.add(label)
        elif rule.share > 0 or rule.header or rule.groups:
            rules.append(rule)
    return Labels(frozenset(always), tuple(rules), settings.override_stickiness)


def draw(name: str, who: str) -> float:
    """
    The number that a client has drawn, evenly spread.

    Args:
        name: Another name is another draw.
        who: The client, whatever it is known by.

    Returns:
        From 0 to less than 100.
    """
    # The name's length keeps apart what would be one text together.
    digest = hashlib.blake2b(f"{len(name)}:{name}{who}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    # 53 bits are what a float holds; with all 64, the largest would be rounded to 100.
    return (int.from_bytes(digest) >> 11) * 100 / 2**53


def _rule(label: str, said: Mapping[str, OverrideLabelSettings]) -> Rule:
    setting = said.get(label)
    percent = _PERCENT.fullmatch(label)
    share = float(percent[1]) if percent else 0.0
    header, groups = "", frozenset[str]()
    if setting is not None:
        share = share if setting.percent is None else setting.percent
        header = (setting.header or "").lower()
        groups = frozenset(map(bytewise, setting.consumer_groups))
    return Rule(label, _SHARED_DRAW if percent else label, share, header, groups)


def _identity(request: HttpRequest, stickiness: str) -> str:
    """Who asks, as far as headers tell; nobody in particular if they do not."""
    if stickiness == "consumer":
        if request.identity.consumer_id:
            return f"x-consumer-id:{request.identity.consumer_id}"
        for name in _CONSUMER_HEADERS:
            value = request.header(name)
            if value:
                return f"{name}:{value}"
    if stickiness != "none":
        # The first address of the list is the client's; proxies add theirs behind it.
        address = (request.header("x-forwarded-for") or "").partition(",")[0].strip() or request.header("x-real-ip")
        if address:
            return f"address:{address}"
    return os.urandom(16).hex()


def _is_true(value: str) -> bool:
    return value.strip().lower() not in _FALSE
