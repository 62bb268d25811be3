"""What the headers of clients say, read once for as long as the same ones come again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from kong_federation.gateway.media import GRAPHQL_JSON, JSON, choose, is_json

# Characters of names and values; read in memory they take some ten times that.
_LONGEST: Final = 2_048

_ANSWER_HEADERS: Final = {name: (("content-type", f"{name}; charset=utf-8"),) for name in (JSON, GRAPHQL_JSON)}


class Head:
    """
    The headers of a client, read.

    Args:
        headers: As in `HttpRequest`; they are not changed any more.

    Attributes:
        media_type: What to answer in; None: the client accepts nothing that we have.
        answer_headers: Those of an answer in that type.
        is_json: Whether the body is said to be JSON in UTF-8.
        is_encoded: Whether the body is said to be compressed.
        is_usual: Whether there is nothing in them that a POST could be refused for.
        is_short: Whether they take little enough memory to be remembered.
    """

    __slots__ = ("answer_headers", "headers", "is_encoded", "is_json", "is_short", "is_usual", "media_type")

    def __init__(self, headers: Mapping[str, Sequence[str]]) -> None:
        self.headers = headers
        self.media_type = choose(headers.get("accept", ()))
        self.answer_headers = _ANSWER_HEADERS[self.media_type or JSON]
        self.is_json = is_json(headers.get("content-type", ()))
        encodings = headers.get("content-encoding", ())
        self.is_encoded = any(value.strip().lower() not in {"", "identity"} for value in encodings)
        self.is_usual = self.media_type is not None and self.is_json and not self.is_encoded
        self.is_short = sum(map(len, headers)) + sum(sum(map(len, one)) for one in headers.values()) <= _LONGEST
