"""
A host of the plugin that runs: what a case may do with it, beside asking it.

How the plugin server comes to be is one of two ways, and both are tried: `managed`, the host starts it and looks after
it; `external`, somebody else does, which is this module.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from spec.child import Child, listens
from spec.gateway.client import Answer, query, send

MODES: Final = ("external", "managed")
PATIENCE: Final = 60.0  # seconds for whatever starts; the machine may be busy
WORKERS: Final = 2

_Found = TypeVar("_Found")


class Host(ABC):
    """
    A host and its plugin server, as a context.

    Args:
        directory: For all files of this run; its path is short enough for a Unix socket.
        mode: One of `MODES`.
    """

    name: ClassVar[str]
    url: str
    admin_url: str
    status_url: str = ""

    def __init__(self, directory: Path, mode: str) -> None:
        self.directory = directory
        self.mode = mode
        self.document: Mapping[str, Any] = {}
        self._server: Child | None = None

    # --- What hosts do in their own way ---

    @classmethod
    @abstractmethod
    def plugins(cls) -> frozenset[str]:
        """Kong's own plugins that it can run."""

    @abstractmethod
    def start(self) -> None:
        """Start with `kong.yml` in the directory."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it."""

    @abstractmethod
    def reload(self) -> None:
        """Have it begin anew without losing a request, as its operator would."""

    # --- What is the same for all ---

    @property
    def kong_yml(self) -> Path:
        """The declarative configuration."""
        return self.directory / "kong.yml"

    @property
    def socket(self) -> Path:
        """Where the plugin server listens."""
        return self.directory / "s.socket"

    def command(self, *arguments: str) -> list[str]:
        """Our own command line."""
        return [sys.executable, "-m", "kong_federation.cli.__main__", *arguments]

    def serve(self) -> list[str]:
        """The arguments of the plugin server."""
        return ["serve", "--socket", str(self.socket), "--workers", str(WORKERS), "--replace"]

    @contextmanager
    def running(self, document: Mapping[str, Any], is_ready: Callable[[], bool] | None = None) -> Iterator[None]:
        """
        The host with a configuration, until the context ends.

        Args:
            document: The declarative configuration.
            is_ready: Whether the case's routes answer; None: `answers`.
        """
        self.document = document
        self.kong_yml.write_text(json.dumps(document))
        try:
            if self.mode == "external":
                self.start_server()
            self.start()
            until(lambda: (is_ready or self.answers)() or None, "the host answers")
            yield
        finally:
            self.stop()
            self.stop_server()

    def start_server(self) -> None:
        """Start the plugin server, in external mode."""
        before = self._inode()
        self._server = Child(["-m", "kong_federation.cli.__main__", *self.serve()], self.directory / "server.log")
        self._server.__enter__()
        # One that still runs is replaced.
        until(lambda: self._inode() not in {None, before} or None, "the plugin server listens")

    def _inode(self) -> int | None:
        try:
            return self.socket.stat().st_ino
        except OSError:
            return None

    def stop_server(self) -> None:
        """Stop it, in external mode."""
        server, self._server = self._server, None
        if server is not None:
            server.__exit__(None, None, None)

    def server_pids(self) -> list[int]:
        """The plugin server's processes, the supervisor first; its builders are not among them."""
        mine = {}
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdecimal() else []
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1]) if words else 0
            except OSError:
                continue
            if b"serve" in words and str(self.socket).encode() in words:
                mine[int(entry.name)] = parent
        supervisors = [pid for pid, parent in mine.items() if parent not in mine]
        return [*supervisors, *(pid for pid, parent in mine.items() if parent in mine)]

    def server_socket(self) -> Path:
        """Where the plugin server that is in use listens."""
        return self.socket

    def replace_server(self) -> None:
        """Start another plugin server on the same socket, then let the old one go, in external mode."""
        old = self._server
        self.start_server()
        if old is not None:
            old.__exit__(None, None, None)

    def kill_server(self) -> None:
        """End the plugin server at once, all of it."""
        for pid in self.server_pids():
            end(pid)

    def answers(self) -> bool:
        """Whether an operation is answered."""
        return query(f"{self.url}/plain", "{ me { id } }").status == 200

    def admin(self, method: str, path: str, body: Any = None) -> Answer:
        """Call the Admin API."""
        content = None if body is None else json.dumps(body).encode()
        return send(method, self.admin_url + path, content, {"content-type": "application/json"})


def end(pid: int) -> None:
    """SIGKILL to a process that may have ended."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def until(look: Callable[[], _Found | None], what: str, patience: float = PATIENCE) -> _Found:
    """
    Wait for something.

    Raises:
        AssertionError: It does not come about.
    """
    deadline = time.monotonic() + patience
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"it does not come about that {what}")
        time.sleep(0.05)


def wait_for_port(child: Child, port: int) -> None:
    """Wait until a child listens."""
    child.until(lambda: listens(port) or None, PATIENCE)
