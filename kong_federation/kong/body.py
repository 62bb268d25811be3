"""
A request's body, in memory or from nginx's temporary file.

nginx keeps a body up to `client_body_buffer_size` (8 KiB unless raised) in memory; for a larger one Kong hands over the
path of a file. The file is nginx's: it must be readable here, which needs the same user and the same file system.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat

from kong_federation.errors import FederationError
from kong_federation.errors.codes import REQUEST_TOO_LARGE
from kong_federation.kong.records import RawBody

_log = logging.getLogger(__name__)

# A file that was just written is in the page cache: reading this much takes under 0.1 ms, less than a thread's turn.
_READ_AT_ONCE = 256 * 1024  # bytes

_TOO_LARGE = "The request's body has more than the {limit} bytes that are allowed."
_UNREADABLE = (
    "The request's body is larger than the proxy keeps in memory, and the gateway cannot read the proxy's "
    "temporary file."
)
_ADVICE = (
    "cannot read the request body that nginx wrote to %s: %s. Run the plugin server as Kong's user on Kong's file "
    "system, or raise nginx_http_client_body_buffer_size above the largest request"
)


async def read_body(body: RawBody, limit: int) -> bytes:
    """
    All bytes of a body.

    Args:
        body: What Kong said of it.
        limit: Most bytes that are accepted.

    Raises:
        FederationError: REQUEST_TOO_LARGE: above the limit, or in a file that cannot be read.
    """
    if body.content is not None:
        if len(body.content) > limit:
            raise _too_large(limit)
        return body.content
    if body.path is None:
        _log.error(_ADVICE, "a file", body.error)
        raise FederationError(REQUEST_TOO_LARGE, _UNREADABLE)
    return await _read_file(body.path, limit)


async def _read_file(path: str, limit: int) -> bytes:
    name = path.encode("latin-1")
    try:
        if os.stat(name).st_size <= _READ_AT_ONCE:  # noqa: PTH116 - a name in the kernel's cache; bytes
            content = _read(name, limit)
        else:
            # Opened and closed inside the thread: an event that is given up must not close the file under its feet.
            content = await asyncio.to_thread(_read, name, limit)
    except OSError as error:
        _log.error(_ADVICE, path, error.strerror)
        raise FederationError(REQUEST_TOO_LARGE, _UNREADABLE) from error
    if len(content) > limit:
        raise _too_large(limit)
    return content


def _read(name: bytes, limit: int) -> bytes:
    """At most one byte more than the limit."""
    # O_NONBLOCK: opening what is not a file, such as a pipe, must not wait for its other end.
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a file")
        return file.read(limit + 1)


def _too_large(limit: int) -> FederationError:
    return FederationError(REQUEST_TOO_LARGE, _TOO_LARGE.format(limit=limit))
