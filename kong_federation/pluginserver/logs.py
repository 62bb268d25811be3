"""One line per thing on stderr: Kong and container runtimes prefix every line, so one thing must not have two."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import sys
import traceback
from types import TracebackType

LEVELS = ("debug", "info", "warning", "error")

_STDOUT, _STDERR = 1, 2
# Bytes passed on at once: a pipe that can be written to takes so many without a wait, whoever reads it.
_PIECE = select.PIPE_BUF

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
    _keep_places()
    logging.basicConfig(level=level.upper(), handlers=[logging.StreamHandler(sys.stderr)], force=True)
    name_process("supervisor")


def _keep_places() -> None:
    """Some hosts start a process without standard streams; a socket that got the place of one would be written to."""
    for descriptor in (0, _STDOUT, _STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def name_process(role: str) -> None:
    """Say in every further line what this process is."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(OneLine(role))


class Relay:
    """
    Carries what the children say to where the supervisor speaks.

    Kong reads a plugin server's output until all who hold it have let go of it, and starts another server only then. So
    the supervisor alone holds it: the workers of one that was killed go on, and a builder stays for a while. And nobody
    but the supervisor waits for a reader who is slow; what the children say then is lost.
    """

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        for descriptor in (self.reader, self._writer):
            os.set_blocking(descriptor, False)

    def adopt(self) -> None:
        """Make it the output of this process, a child."""
        for descriptor in (_STDOUT, _STDERR):
            os.dup2(self._writer, descriptor)
        os.close(self.reader)
        os.close(self._writer)

    def pump(self) -> bool:
        """
        Pass on what was said.

        Returns:
            Whether all of it could be; if not, whoever reads it is slow, and there is no use in trying again at once.
        """
        with contextlib.suppress(OSError):
            while select.select([self.reader], [], [], 0)[0]:
                if not select.select([], [_STDERR], [], 0)[1]:
                    return False
                said = memoryview(os.read(self.reader, _PIECE))
                while said:
                    said = said[os.write(_STDERR, said) :]
        return True
