"""
Where a URL leads: an origin to connect to, and the first lines of every request that goes there.

A URL is read once. What is done with its parts is RFC 9112, section 3.2.1 and RFC 9110, sections 4.2 and 7.2: the
target is path and query, the fragment stays at home, credentials become a Basic authorization.
"""

from __future__ import annotations

import base64
import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlsplit

from kong_federation.transport.errors import TransportError, Trouble

_PORTS: Final = {"http": 80, "https": 443}
# What a target may hold as it is (RFC 3986): reserved and unreserved characters, and escapes that are there already.
_TARGET_SAFE: Final = "!#$%&'()*+,/:;=?@[]~"
_HOST: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9._~-]+)?")


class Origin(NamedTuple):
    """
    What connections are shared by.

    Args:
        tls: Whether connections are encrypted.
        host: Name or address, in ASCII, without brackets.
        port: 1 to 65535.
    """

    tls: bool
    host: str
    port: int


class Address:
    """
    A URL, read.

    `starts` has the first lines of a request: at 0 with Host and, if the URL has credentials, Authorization; 1 is added
    where the request's own headers have a Host, 2 where they have an Authorization.

    Args:
        url: Absolute, http or https.

    Raises:
        TransportError: ADDRESS.
    """

    __slots__ = ("origin", "starts")

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            self.origin = Origin(parts.scheme == "https", _ascii(parts.hostname or ""), _port(parts.scheme, parts.port))
        except ValueError:  # UnicodeError is one
            raise TransportError(Trouble.ADDRESS) from None
        target = quote(parts.path or "/", _TARGET_SAFE) + (
            "?" + quote(parts.query, _TARGET_SAFE) if parts.query else ""
        )
        line = f"POST {target} HTTP/1.1\r\n".encode("ascii")
        host = f"host: {_authority(self.origin)}\r\n".encode("ascii")
        credentials = _authorization(parts.username, parts.password)
        self.starts = (line + host + credentials, line + credentials, line + host, line)


def _port(scheme: str, port: int | None) -> int:
    if scheme not in _PORTS or port == 0:
        raise ValueError(scheme)
    return port or _PORTS[scheme]


def _ascii(host: str) -> str:
    encoded = host if host.isascii() else host.encode("idna").decode("ascii")
    if _HOST.fullmatch(encoded) is None:
        raise ValueError(host)
    return encoded


def _authority(origin: Origin) -> str:
    # A zone names an interface of this machine and means nothing to the server (RFC 6874).
    host = f"[{origin.host.partition('%')[0]}]" if ":" in origin.host else origin.host
    return host if origin.port == _PORTS["https" if origin.tls else "http"] else f"{host}:{origin.port}"


def _authorization(username: str | None, password: str | None) -> bytes:
    if username is None and password is None:
        return b""
    secret = unquote_to_bytes(username or "") + b":" + unquote_to_bytes(password or "")
    return b"authorization: Basic " + base64.b64encode(secret) + b"\r\n"
