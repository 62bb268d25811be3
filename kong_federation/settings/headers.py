"""Which headers travel between clients and subgraphs: the rules an operator may set, and what no rule can."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from kong_federation.settings.checks import Check, Conditional, MutuallyExclusive, OnlyOneOf

HEADER_NAME = "^[A-Za-z0-9_-]+$"
"""What a header's name looks like, the same to Lua, Python and JSON Schema."""

HEADER_NAME_ERROR = "must be a header name"

_HEADER_VALUE = "^[ -~]+$"
_HEADER_VALUE_ERROR = "must be one line of printable ASCII"

HOP_BY_HOP = (
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
"""Headers that belong to one connection (RFC 9110, section 7.6.1); they are never forwarded."""

OWN_HEADERS = ("accept", "accept-encoding", "content-encoding", "content-length", "content-type", "expect", "host")
"""Headers that describe a message of ours; the client's would contradict it."""

IDENTITY_VALUES = (
    "consumer_id",
    "consumer_username",
    "consumer_custom_id",
    "consumer_tags",
    "credential_id",
    "groups",
    "scopes",
)
"""What can be told of who asks; several values are joined by commas."""


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """One rule about headers on the way to a subgraph."""

    CHECKS: ClassVar[tuple[Check, ...]] = (
        OnlyOneOf(("named", "matching")),
        Conditional("op", ("insert",), "named"),
        MutuallyExclusive(("value", "value_from")),
        MutuallyExclusive(("value", "default")),
        MutuallyExclusive(("named", "exclude")),
        MutuallyExclusive(("matching", "rename")),
        MutuallyExclusive(("matching", "default")),
    )

    op: str = field(
        metadata={
            "about": "What is done. `propagate` sends the client's header on, if there is one. `insert` sets a header "
            "to `value` or to what `value_from` names. `remove` takes away what was to be sent.",
            "one_of": ("propagate", "insert", "remove"),
        },
    )
    named: str | None = field(
        default=None,
        metadata={
            "about": "Name of the header, in any case. Headers that belong to one connection or describe the body "
            "cannot be named.",
            "match": HEADER_NAME,
            "err": HEADER_NAME_ERROR,
            "not_one_of": HOP_BY_HOP + OWN_HEADERS,
        },
    )
    matching: str | None = field(
        default=None,
        metadata={
            "about": "Instead of `named`: a regular expression (Python's) that is looked for in names, in any case; "
            "`^x-` is all that begin so. For `propagate` and `remove`.",
            "len_max": 1_024,
        },
    )
    exclude: tuple[str, ...] = field(
        default=(),
        metadata={
            "about": "Names that `matching` does not mean.",
            "match": HEADER_NAME,
            "err": HEADER_NAME_ERROR,
        },
    )
    rename: str | None = field(
        default=None,
        metadata={
            "about": "For `propagate` with `named`: the name it is sent on under.",
            "match": HEADER_NAME,
            "err": HEADER_NAME_ERROR,
            "not_one_of": HOP_BY_HOP + OWN_HEADERS,
        },
    )
    default: str | None = field(
        default=None,
        metadata={
            "about": "For `propagate` with `named`, and for `value_from`: the value if there is none.",
            "match": _HEADER_VALUE,
            "err": _HEADER_VALUE_ERROR,
            "len_max": 8_192,
        },
    )
    value: str | None = field(
        default=None,
        metadata={
            "about": "For `insert`: the value.",
            "match": _HEADER_VALUE,
            "err": _HEADER_VALUE_ERROR,
            "len_max": 8_192,
            "referenceable": True,
            "encrypted": True,
        },
    )
    value_from: str | None = field(
        default=None,
        metadata={
            "about": "For `insert`: what Kong knows of who asks. Whatever the client sent under this name is not sent, "
            "also if Kong knows nothing.",
            "one_of": IDENTITY_VALUES,
        },
    )


@dataclass(frozen=True, slots=True)
class HeaderSettings:
    """Which headers travel where."""

    request: tuple[HeaderRule, ...] = field(
        default=(),
        metadata={
            "about": "Rules for the client's headers on their way to subgraphs. Without a rule only trace context and "
            "request ids are sent on.",
        },
    )
