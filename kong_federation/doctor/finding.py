"""What an examination finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One finding.

    Args:
        check: What was looked at, in one word: `versions`, `kong.yml`, `kong`, `server`, `supergraph`, `subgraphs`.
        state: How it is.
        text: What was found, in one sentence; never a secret.
        advice: What to do about it; empty where nothing is to be done.
    """

    check: str
    state: State
    text: str
    advice: str = ""


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, text)


def warning(check: str, text: str, advice: str) -> Finding:
    """It works, and may not for long, or not as one thinks."""
    return Finding(check, State.WARNING, text, advice)


def failed(check: str, text: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(check, State.FAILED, text, advice)


def skipped(check: str, text: str, advice: str) -> Finding:
    """It could not be looked at."""
    return Finding(check, State.SKIPPED, text, advice)
