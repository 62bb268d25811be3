"""A client that sees everything of an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

JSON: Final = "application/json"
GRAPHQL: Final = "application/graphql-response+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came back.

    Args:
        status: The HTTP status; 0 if there was no whole answer.
        headers: Names in lower case; several values joined by commas.
        body: As it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the first error, or empty."""
        try:
            return str(self.json["errors"][0]["extensions"]["code"])
        except (ValueError, KeyError, IndexError, TypeError):
            return ""


def send(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, timeout: float = 30.0
) -> Answer:
    """Send one request on a connection of its own; whatever goes wrong is an answer with the status 0."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port or 80, timeout=timeout)
    target = f"{address.path or '/'}?{address.query}".rstrip("?")
    try:
        connection.request(method, target, body, dict(headers or {}))
        response = connection.getresponse()
        content = response.read()
    except (OSError, HTTPException) as error:
        return Answer(0, {}, f"{type(error).__name__}: {error}".encode())
    finally:
        connection.close()
    names = {name.lower() for name, _ in response.getheaders()}
    found = {name: ",".join(value for other, value in response.getheaders() if other.lower() == name) for name in names}
    return Answer(response.status, found, content)


def query(url: str, text: str, headers: Mapping[str, str] | None = None, **members: Any) -> Answer:
    """Send an operation with POST."""
    body = json.dumps({"query": text, **members}).encode()
    return send("POST", url, body, {"content-type": JSON, "accept": JSON, **(headers or {})})
