"""
Media types: which one a request is in, and which one its answer may be in.

GraphQL over HTTP, section Media Types; RFC 9110, section 12.5.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"

# The whole value, and no comma anywhere: browsers have had bugs in what they take for a type that needs no preflight,
# so nothing is searched for in a value that is not exactly this (GHSA-hff2-gcpx-8f4p).
_JSON_CONTENT = re.compile(
    r"application/json[ \t]*(?:;[ \t]*charset=\"?utf-?8\"?[ \t]*)?;?[ \t]*", re.IGNORECASE | re.ASCII
)

_UTF_8 = frozenset({"utf-8", "utf8", '"utf-8"', '"utf8"'})

# A longer header is not remembered, so that no client fills the memory with it.
_LONGEST_REMEMBERED = 500


def is_json(content_types: Sequence[str]) -> bool:
    """Whether the one Content-Type header says JSON in UTF-8."""
    if len(content_types) != 1:
        return False
    content_type = content_types[0]
    # What nearly every client sends; saves the pattern.
    return content_type == JSON or _JSON_CONTENT.fullmatch(content_type.strip()) is not None


def choose(accepts: Sequence[str]) -> str | None:
    """
    The media type to answer in.

    The one with the higher quality; of two equals the one that is named, of two that are named the first. Clients that
    take anything are old ones and get `application/json`.

    Args:
        accepts: The values of all Accept headers.

    Returns:
        One of the two media types of GraphQL, or None if the client accepts neither.
    """
    accept = accepts[0] if len(accepts) == 1 else ",".join(accepts)
    return _choose(accept) if len(accept) > _LONGEST_REMEMBERED else _remembered(accept)


def admits(accepts: Sequence[str], media_type: str) -> bool:
    """Whether a client accepts one of the two media types of GraphQL at all, by the values of its Accept headers."""
    accept = ",".join(accepts)
    return not accept.strip() or media_type in _ranked(accept)


def _choose(accept: str) -> str | None:
    if not accept.strip():
        return JSON
    ranked = _ranked(accept)
    return max(ranked, key=lambda media_type: ranked[media_type]) if ranked else None


def _ranked(accept: str) -> dict[str, tuple[float, int, int]]:
    """The media types that a header accepts, each with what it is to be preferred by."""
    # Per type: quality, exactness of the range that named it (RFC 9110: the most exact one counts), place.
    found: dict[str, tuple[int, float, int]] = {}
    for place, part in enumerate(accept.split(",")):
        pattern, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = _quality(parameters)
        if quality is None:
            continue
        for media_type in (JSON, GRAPHQL_JSON):
            exactness = (pattern == "*/*") + 2 * (pattern == "application/*") + 3 * (pattern == media_type)
            if exactness > found.get(media_type, (0, 0.0, 0))[0]:
                found[media_type] = (exactness, quality, -place)
    return {media_type: (q, exact, place) for media_type, (exact, q, place) in found.items() if q > 0}


_remembered = lru_cache(maxsize=256)(_choose)


def _quality(parameters: Sequence[str]) -> float | None:
    """The range's quality; None if it asks for what we do not have (another charset) or is malformed."""
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value not in _UTF_8:
            return None
        if name == "q":
            if not re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", value, re.ASCII):
                return None
            quality = float(value)
    return quality
