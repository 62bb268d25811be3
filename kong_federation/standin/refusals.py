"""
What nginx refuses by itself, before Kong looks for a route.

Source: tried on Kong 3.9.3. The HTTP server in front of the stand-in refuses the rest: a second Host, a Content-Length
beside Transfer-Encoding, methods in lower case.
"""

from __future__ import annotations

from kong_federation.standin.headers import HeaderList

_ONLY_ONCE = (
    "authorization",
    "content-range",
    "expect",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
)


def refused_by_nginx(method: str, headers: HeaderList) -> tuple[int, str] | None:
    """The status and the message, if the request is refused."""
    if method == "TRACE":
        return 405, "Method not allowed"
    if any(len(headers.all(name)) > 1 for name in _ONLY_ONCE):
        return 400, "Bad request"
    return None
