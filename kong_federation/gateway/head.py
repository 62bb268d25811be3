"""What the headers of clients say, read once for as long as the same ones come again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from kong_federation.gateway.media import choose, is_json

_MOST: Final = 256


class Head:
    """
    The headers of a client, read.

    Args:
        headers: As in `HttpRequest`; they are not changed any more.

    Attributes:
        media_type: What to answer in; None: the client accepts nothing that we have.
        is_json: Whether the body is said to be JSON in UTF-8.
        is_encoded: Whether the body is said to be compressed.
    """

    __slots__ = ("headers", "is_encoded", "is_json", "media_type")

    def __init__(self, headers: Mapping[str, Sequence[str]]) -> None:
        self.headers = headers
        self.media_type = choose(headers.get("accept", ()))
        self.is_json = is_json(headers.get("content-type", ()))
        encodings = headers.get("content-encoding", ())
        self.is_encoded = any(value.strip().lower() not in {"", "identity"} for value in encodings)


class Heads:
    """
    The heads of the last requests, by the identity of their headers.

    The host gives the same mapping for the same headers, if it can (`kong/conversation.py`). One that is held here
    cannot be freed, so its identity is its own.
    """

    __slots__ = ("_heads",)

    def __init__(self) -> None:
        self._heads: dict[int, Head] = {}

    def of(self, headers: Mapping[str, Sequence[str]]) -> Head:
        """The head of a request with these headers."""
        head = self._heads.get(id(headers))
        if head is None:
            head = Head(headers)
            if len(self._heads) >= _MOST:
                self._heads.clear()
            self._heads[id(headers)] = head
        return head
