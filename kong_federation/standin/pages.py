"""
The answers that Kong makes itself: errors, in the form the client accepts.

Source: recorded responses; the other forms are those of Kong 3.9.3, with texts of our own around the two values.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

UNEXPECTED = "An unexpected error occurred"

_UPSTREAM = {
    502: "An invalid response was received from the upstream server",
    503: "The upstream server is currently unavailable",
    504: "The upstream server is timing out",
}

_RANGE = re.compile(r"\s*([a-z0-9*][a-z0-9!#$&^_+.-]*)/([a-z0-9*][a-z0-9!#$&^_+.-]*)(.*)", re.IGNORECASE)
_QUALITY = re.compile(r";\s*q=(1(?:\.0{0,3})?|0(?:\.\d{0,3})?)", re.IGNORECASE)

_JSON = "application/json; charset=utf-8"
_TYPES = {
    "text/html": "text/html; charset=utf-8",
    "application/json": _JSON,
    "application/*": _JSON,
    "text/plain": "text/plain; charset=utf-8",
    "text/*": "text/plain; charset=utf-8",
    "application/xml": "application/xml; charset=utf-8",
}


def upstream_failure(status: int) -> str:
    """What Kong says about an upstream that did not answer."""
    return _UPSTREAM.get(status, f"The upstream server responded with {status}")


def error_page(message: str, request_id: str, accept: Sequence[str]) -> tuple[str, bytes]:
    """
    An error's body.

    Args:
        message: One sentence without its full stop.
        request_id: Kong's request id.
        accept: The client's Accept headers.

    Returns:
        The content type and the body.
    """
    kind = _accepted(",".join(accept))
    match kind.partition(";")[0]:
        case "text/html":
            inner = f"<p>{html.escape(message)}.</p>\n<p>request_id: {request_id}</p>"
            text = f"<!doctype html>\n<title>Error</title>\n{inner}\n"
        case "text/plain":
            text = f"{message}\nrequest_id: {request_id}\n"
        case "application/xml":
            inner = f"<message>{html.escape(message)}</message>\n<requestid>{request_id}</requestid>"
            text = f'<?xml version="1.0" encoding="UTF-8"?>\n<error>\n{inner}\n</error>\n'
        case _:
            text = f'{{\n  "message":"{message}",\n  "request_id":"{request_id}"\n}}'
    return kind, text.encode()


def _accepted(accept: str) -> str:
    """The content type of the first media range of the highest quality; JSON when nothing is known."""
    best = 0.0
    kind = _JSON
    for piece in accept.split(","):
        found = _RANGE.match(piece)
        if found is None:
            continue
        stated = _QUALITY.search(found[3])
        quality = float(stated[1]) if stated else 1.0
        if quality > best:
            best = quality
            kind = _TYPES.get(f"{found[1]}/{found[2]}".lower(), _JSON)
    return kind
