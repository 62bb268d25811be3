"""
A gateway that can be told to kill its process.

A document with one of these comments does what it says before anything else; all others are answered as ever.

    # chaos: die          the process ends as after a fault in C
    # chaos: spin         the loop never gets another turn
    # chaos: grow N       N more MB are kept for ever
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

from kong_federation.gateway import Gateway, HttpRequest, HttpResponse
from kong_federation.settings import Settings

_TOLD = re.compile(rb"# chaos: (die|spin|grow) ?(\d*)")


class Mortal:
    """A gateway of flesh and blood."""

    kept: list[bytes] = []  # noqa: RUF012 - what is kept is kept by the process

    def __init__(self, settings: Settings, runtime_directory: Path) -> None:
        # Not its base: the real one may be compiled.
        self._gateway = Gateway(settings, runtime_directory)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        if told := _TOLD.search(request.body):
            self._obey(told[1].decode(), int(told[2] or 0))
        return await self._gateway.handle(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def _obey(self, word: str, number: int) -> None:
        if word == "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        while word == "spin":
            pass
        self.kept.append(b"x" * (number * 2**20))
