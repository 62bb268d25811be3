"""
Where a supergraph comes from: the configuration itself, or a file that may be replaced at any time.

A file is looked at again and again; what has changed is told by its digest, and whether it is worth reading by its
identity: device, inode, size and time, followed through symbolic links, because Kubernetes replaces a ConfigMap's files
by turning one link. A file that cannot be read for a moment has not changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from kong_federation.settings import SupergraphSettings

_LOG = logging.getLogger("kong_federation.gateway")

# A file written this recently may be written again without a visible change of its time, so it is read once more.
_SETTLED_SECONDS = 2.0

# Until there is a first supergraph, requests are refused; that is worth a look more often than any interval.
_FIRST_SECONDS = 1.0

_Identity = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class SupergraphText:
    """
    One supergraph, not yet looked into.

    Args:
        sdl: The text.
        digest: Hexadecimal SHA-256 of the text, for logs.
    """

    sdl: str
    digest: str


async def follow(
    settings: SupergraphSettings, look: asyncio.Event | None = None
) -> AsyncIterator[SupergraphText | None]:
    """
    The supergraph, and then every other one it is replaced by; ends if it cannot change.

    Args:
        settings: Where it is.
        look: Set by whoever wants the file to be looked at without delay; None: nobody does.

    Yields:
        None once if there is none to begin with.
    """
    if settings.sdl is not None:
        # Ten megabytes take longer to digest than the loop may stand still.
        yield await asyncio.to_thread(_text, settings.sdl)
        return
    assert settings.path is not None
    path = Path(settings.path)
    seen: _Identity | None = None
    digest: str | None = None
    complained = False
    while True:
        try:
            read = await asyncio.to_thread(_read_if_changed, path, seen)
        except (OSError, UnicodeDecodeError) as error:
            if not complained:
                _LOG.error("SUPERGRAPH_INVALID: %s cannot be read: %s", path, error)
                if digest is None:
                    yield None
            complained = True
        else:
            complained = False
            if read is not None:
                seen, text = read
                if text.digest != digest:
                    digest = text.digest
                    yield text
        if digest is not None and settings.poll_interval == 0 and look is None:
            return
        interval = settings.poll_interval / 1000 or None
        if digest is None:
            interval = min(interval or _FIRST_SECONDS, _FIRST_SECONDS)
        if await _asked_within(interval, look):
            # A file that was replaced without a visible change of its time is read, too.
            seen = None


async def _asked_within(seconds: float | None, look: asyncio.Event | None) -> bool:
    """Wait so long (None: for ever), or until somebody asks; whether somebody did."""
    if look is None:
        await asyncio.sleep(seconds or 0.0)
        return False
    try:
        await asyncio.wait_for(look.wait(), seconds)
    except TimeoutError:
        return False
    look.clear()
    return True


def _read_if_changed(path: Path, seen: _Identity | None) -> tuple[_Identity | None, SupergraphText] | None:
    # The identity is taken first: a file that is replaced in between is read again the next time.
    found = os.stat(path)  # noqa: PTH116 - one system call, and no object for each look
    identity = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    if identity == seen:
        return None
    settled = abs(time.time() - found.st_mtime) > _SETTLED_SECONDS
    return (identity if settled else None), _text(path.read_text(encoding="utf-8-sig"))


def _text(sdl: str) -> SupergraphText:
    return SupergraphText(sdl, hashlib.sha256(sdl.encode()).hexdigest())
