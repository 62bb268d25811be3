"""What a stand-in tells whoever listens; the command line prints it, tests collect it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ConfigurationRead:
    """A configuration was read and is right: how much is in it, and where each plugin runs."""

    services: int
    routes: int
    plugins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something is ignored or went wrong, and the stand-in goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class ServerStarted:
    """The plugin server runs."""

    pid: int


@dataclass(frozen=True, slots=True)
class ServerEnded:
    """The plugin server has ended by itself; it is started again."""

    pid: int
    status: int


@dataclass(frozen=True, slots=True)
class ServerSaid:
    """A line the plugin server wrote."""

    pid: int
    line: str


@dataclass(frozen=True, slots=True)
class Ready:
    """Requests are taken, at a base URL; each route with its URLs and where it leads; the Admin API's URL, if any."""

    url: str
    routes: tuple[str, ...]
    admin_url: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """
    A request is done.

    Args:
        seconds: From its head to the last byte of the answer.
        serialized: What plugins added to Kong's log entry.
    """

    client: str
    method: str
    target: str
    status: int
    seconds: float
    request_id: str
    route: str
    serialized: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Logged:
    """A plugin wrote to Kong's log, or Kong itself did; levels are nginx's."""

    level: str
    text: str


Event = ConfigurationRead | Warned | ServerStarted | ServerEnded | ServerSaid | Ready | Answered | Logged

Listener = Callable[[Event], None]


def silent(_: Event) -> None:
    """The listener that does not listen."""
