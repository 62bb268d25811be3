"""
Paths as Kong sees them.

Routes are matched on a normalised path: `.` and `..` are resolved, double slashes merged, and percent-encoded
characters decoded unless they are reserved. What goes upstream is escaped again. Text is latin-1, a character a byte.

Source: RFC 3986, sections 2.2, 5.2.4 and 6.2.2; which characters Kong decodes was read in Kong 3.9.3.
"""

from __future__ import annotations

import re

_RESERVED = frozenset("!*'();:@&=+$,/?%#[]")
_TRIPLET = re.compile(r"%([0-9A-Fa-f]{2})")
_UNSAFE = re.compile(r"[^!#$&'()*+,/:;=?@\[\]A-Za-z0-9\-_.~%]")


def split_target(target: str) -> tuple[str, str]:
    """The path and the query of a request target; a `?` in the first place belongs to the path."""
    at = target.find("?", 1)
    return (target, "") if at < 0 else (target[:at], target[at + 1 :])


def normalize(path: str) -> str:
    """The path that routes are matched on."""
    decoded = _TRIPLET.sub(_decode, path) if "%" in path else path
    if "." not in decoded and "//" not in decoded:
        return decoded
    trailing = decoded.endswith(("/", "/.", "/.."))
    kept: list[str] = []
    for segment in decoded.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if trailing and kept else "")


def escape(path: str) -> str:
    """The path as it is written into a request line."""
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", path)


def _decode(triplet: re.Match[str]) -> str:
    character = chr(int(triplet[1], 16))
    return triplet[0].upper() if character in _RESERVED else character
