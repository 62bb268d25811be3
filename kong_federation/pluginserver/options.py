"""What a plugin server is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kong_federation.pluginserver.listener import SocketOptions


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """
    All of it; `kong-federation serve --help` says more.

    Args:
        socket: Where Kong connects to.
        runtime_directory: What the workers share and keep over restarts.
        workers: How many.
        most_events: Events that may be under way in one worker.
        drain: Seconds that events under way get when a worker leaves.
        stuck: Seconds a worker's loop may stand still; 0: for ever.
        most_memory: MB that a worker may have resident; 0: as many as it wants; None: its share of the machine's.
        quarantine: Seconds for which a deadly request is refused; 0: it is not.
        health: Host and port for probes; None: there are none.
        parent: Id of the process that started it, read at its start; when that has gone, it leaves. Up to 1: nobody.
    """

    socket: SocketOptions
    runtime_directory: Path
    workers: int
    most_events: int
    drain: float
    stuck: float
    most_memory: int | None
    quarantine: float
    health: tuple[str, int] | None
    parent: int
