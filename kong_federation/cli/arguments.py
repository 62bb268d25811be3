"""Numbers that commands take; what makes no sense is said by argparse, with exit status 2."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable


def at_least(least: int) -> Callable[[str], int]:
    """A whole number that is no smaller."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal()) or int(text) < least:
            raise ArgumentTypeError(f"{text} is not a whole number of at least {least}")
        return int(text)

    return read


def seconds(most: int) -> Callable[[str], float]:
    """A time-out: more than nothing, and so much at most."""

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = 0.0
        if not 0 < found <= most:
            raise ArgumentTypeError(f"{text} is not a number of seconds above 0 and up to {most}")
        return found

    return read
