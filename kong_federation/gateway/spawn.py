"""Starting a builder: the one place that makes a process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kong_federation import __version__
from kong_federation.gateway.sockets import private_directory, socket_path
from kong_federation.gateway.urgency import be_less_urgent
from kong_federation.plan import VERSION

_MODULE = "kong_federation.gateway.builder"

# A worker that was restarted finds the builder still there.
_GRACE = 10.0

# Workers answer clients meanwhile; on a full machine they go first.
_NICE = 5


@cache
def _code() -> str:
    """
    What tells one installation of this package from another.

    A version alone does not: a server that is restarted from changed sources of one version would find the builder of
    the sources before, and misread its plans.
    """
    package = Path(__file__).parents[1]
    files = sorted((str(path), path.stat()) for path in package.rglob("*.py"))
    seen = [(name, about.st_mtime_ns, about.st_size) for name, about in files]
    return hashlib.sha256(repr((__version__, VERSION, seen)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """
    Where a builder keeps plans over restarts.

    Args:
        directory: Of the store; shared with other builders.
        max_bytes: Size of its file.
    """

    directory: Path
    max_bytes: int


@dataclass(frozen=True, slots=True)
class BuilderProgram:
    """
    What a builder is started with.

    Args:
        planner: `module:function` that makes a planner of SDL.
        grace: Seconds it goes on when no worker is connected.
        store: Where plans are kept; None: nowhere.
    """

    planner: str = "kong_federation.gateway.builder.planning:make_planner"
    grace: float = _GRACE
    store: StoreOptions | None = None

    def path(self, runtime_directory: Path, sdl: str) -> Path:
        """
        Where the builder of a supergraph listens.

        Builders of other code or another Python are others: their plans would be misread.
        """
        digest = hashlib.sha256(repr((self._space(sdl), sys.executable, self.store)).encode())
        return socket_path(runtime_directory, digest.hexdigest())

    def start(self, path: Path, sdl: str) -> subprocess.Popen[bytes]:
        """
        Start a builder; blocks for some milliseconds.

        It inherits nothing but standard error and the ways to import, and it is a session of its own, so that no signal
        meant for the workers reaches it. It ends by itself.

        Raises:
            OSError: The process cannot be made.
        """
        # The file has no name, so the supergraph stays on the disk only while somebody has it open.
        with tempfile.TemporaryFile(dir=private_directory(path.parent)) as handed_over:
            handed_over.write(sdl.encode())
            handed_over.seek(0)
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", _MODULE, str(path), self.planner, str(self.grace), *self._place(sdl)],
                stdin=handed_over,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": _import_path()},
                cwd="/",
                start_new_session=True,
            )
        # From its first moment: its imports take as long as loading a small supergraph.
        be_less_urgent(_NICE, process.pid)
        # Somebody must take its exit status, whatever the loop or the host does with signals.
        threading.Thread(target=process.wait, name="builder-reaper", daemon=True).start()
        return process

    def _place(self, sdl: str) -> list[str]:
        return [] if self.store is None else [str(self.store.directory), str(self.store.max_bytes), self._space(sdl)]

    def _space(self, sdl: str) -> str:
        """What plans depend on beside the operation: the supergraph, the planner, and the code that runs it."""
        digest = hashlib.sha256(repr((_code(), sys.version, self.planner)).encode())
        digest.update(sdl.encode())
        return digest.hexdigest()


def _import_path() -> str:
    return os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
