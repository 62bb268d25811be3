"""One HTTP exchange with JSON in and JSON out, without a header more than is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came back.

    Args:
        status: The HTTP status; 0 if there was no answer at all.
        body: The body read as JSON, None if it was none.
        trouble: What kept the body from being read, or empty.
    """

    status: int
    body: Any
    trouble: str = ""


def ask(
    method: str,
    url: str,
    payload: object = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
) -> Answer:
    """
    Send one request and read its answer whatever the status.

    Args:
        method: Upper case.
        url: Of an http server; its proxies are never asked.
        payload: Sent as JSON, unless it is None.
        headers: Sent beside the ones that describe the body.
        timeout: Seconds to wait for each part of the answer.
    """
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port or 80, timeout=timeout)
    try:
        connection.putrequest(method, f"{address.path or '/'}?{address.query}".rstrip("?"), skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        body = None if payload is None else json.dumps(payload).encode()
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        content = response.read()
    except (OSError, HTTPException) as error:
        return Answer(0, None, f"{type(error).__name__}: {error}")
    finally:
        connection.close()
    try:
        return Answer(response.status, json.loads(content) if content else None)
    except ValueError:
        return Answer(response.status, None, f"no JSON: {content[:200]!r}")
