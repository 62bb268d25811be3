"""One line per thing on stderr: Kong and container runtimes prefix every line, so one thing must not have two."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from types import TracebackType

LEVELS = ("debug", "info", "warning", "error")

_FRAMES = 6  # innermost frames of an exception that are named


class OneLine(logging.Formatter):
    """
    `warning worker-1[123]: text; ValueError: reason [file.py:12 in inner < file.py:7 in outer]`.

    Args:
        role: What this process is.
    """

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """The record in one line."""
        text = f"{record.levelname.lower()} {self._role}[{os.getpid()}]: {record.getMessage()}"
        if record.exc_info:
            text += f"; {self.formatException(record.exc_info)}"
        # The text may hold what a client sent.
        return " | ".join(text.splitlines())

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """The exception and where it came from, innermost frame first."""
        kind, error, trace = ei
        if kind is None:
            return ""
        frames = [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name}"
            for frame in reversed(traceback.extract_tb(trace)[-_FRAMES:])
        ]
        return f"{kind.__name__}: {error} [{' < '.join(frames)}]"


def configure(level: str) -> None:
    """
    Send the process's log to stderr.

    Args:
        level: One of `LEVELS`; from there on upwards is written.
    """
    logging.basicConfig(level=level.upper(), handlers=[logging.StreamHandler(sys.stderr)], force=True)
    name_process("supervisor")


def name_process(role: str) -> None:
    """Say in every further line what this process is."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(OneLine(role))
