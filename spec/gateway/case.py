"""What a case is: a title, what it needs of its host, and a function that raises if something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from spec.gateway.host import MODES, Host
from spec.gateway.subgraphs import Record

Check = Callable[["Scene"], None]

_Check = TypeVar("_Check", bound=Callable[["Scene"], None])


@dataclass(frozen=True, slots=True)
class Scene:
    """
    What a case has at hand.

    Args:
        host: The host, which serves the routes of `routes.py`.
        record: The subgraphs' record, empty when the case begins.
    """

    host: Host
    record: Record

    @property
    def url(self) -> str:
        """Where clients ask, without a slash at the end."""
        return self.host.url


@dataclass(frozen=True, slots=True)
class Case:
    """
    One case.

    Args:
        suite: What it is about.
        title: What is true if it passes.
        needs: Kong's plugins that it takes.
        modes: Who may have started the plugin server.
        check: Raises AssertionError with what is wrong.
    """

    suite: str
    title: str
    needs: frozenset[str]
    modes: tuple[str, ...]
    check: Check


class Suite:
    """
    Cases about one thing, in order.

    Args:
        name: What they are about.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: list[Case] = []

    def case(self, title: str, needs: Iterable[str] = (), modes: tuple[str, ...] = MODES) -> Callable[[_Check], _Check]:
        """Make a function a case."""

        def add(check: _Check) -> _Check:
            self.cases.append(Case(self.name, title, frozenset(needs), modes, check))
            return check

        return add


def equal(found: Any, expected: Any, what: str = "") -> None:
    """Raise if two values differ."""
    if found != expected:
        label = f"{what}: " if what else ""
        raise AssertionError(f"{label}found {_short(found)}, expected {_short(expected)}")


def true(held: object, what: str) -> None:
    """Raise if something does not hold."""
    if not held:
        raise AssertionError(what)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 500 else f"{text[:500]}..."
