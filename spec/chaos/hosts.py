"""
Where the suite runs: the stand-in, or a real Kong whose executable `KONG_BIN` names.

Behind the stand-in the suite keeps the plugin server alive itself, as Kong does: what ends is started again, at most
once a second. A real Kong does that (its *managed* mode).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from spec.chaos.processes import alive, children, command, descendants, send, until
from spec.child import ROOT, Child, free_port, listens
from spec.host import START_PATIENCE, Route, kong_yml

PATH: Final = "/graphql"
SUPERGRAPH: Final = Path(__file__).with_name("supergraph.graphql")

WORKERS: Final = 3
SOCKET: Final = "graphql-federation.socket"

# So that a worker which is stuck or too large is dealt with before everybody is bored.
FLAGS: Final = ("--workers", str(WORKERS), "--watchdog-seconds", "2", "--max-memory-mb", "250", "--drain-seconds", "10")

_RESPAWN = 1.0  # seconds from one start to the next at least, as in Kong
_POLL = 0.02


class Host(Protocol):
    """What the faults need."""

    name: str
    url: str
    socket: Path

    def server(self) -> int:
        """The process id of the supervisor; 0: there is none."""
        ...

    async def reload(self) -> None:
        """Have another server take the place of the one that runs, as `kong reload` does."""
        ...


def workers(host: Host) -> list[int]:
    """The process ids of the workers, the oldest first."""
    server = host.server()
    return children(server) if server else []


async def served(host: Host) -> None:
    """Wait until a server has all its workers."""
    if not await until(lambda: len(workers(host)) >= WORKERS, START_PATIENCE):
        raise RuntimeError(f"{host.name}: no server with {WORKERS} workers")


class StandIn:
    """
    The stand-in for Kong, and the plugin server beside it.

    Args:
        folder: For everything that is written.
        url: Where the stand-in listens.
    """

    name = "standin"

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.socket = folder / SOCKET
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._old: list[subprocess.Popen[bytes]] = []
        self._keeper: asyncio.Task[None] | None = None

    def server(self) -> int:
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    async def start(self) -> None:
        self._process = self._spawn()
        self._keeper = asyncio.create_task(self._keep())

    async def reload(self) -> None:
        old = self.server()
        assert self._process is not None
        self._old.append(self._process)
        self._process = self._spawn("--replace")
        await served(self)
        # Kong's old worker ends some time after the new one has begun.
        await asyncio.sleep(0.5)
        os.kill(old, signal.SIGTERM)

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        for process in (*self._old, self._process):
            if process is not None and process.poll() is None:
                process.terminate()
        for process in (*self._old, self._process):
            if process is not None:
                await asyncio.to_thread(process.wait, 30)

    def _spawn(self, *more: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "spec.chaos.server", "serve", "--socket", str(self.socket), *FLAGS, *more]
        with self._log.open("ab") as output:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=ROOT)

    async def _keep(self) -> None:
        started = time.monotonic()
        while True:
            await asyncio.sleep(_POLL)
            if not self.server():
                await asyncio.sleep(max(0.0, started + _RESPAWN - time.monotonic()))
                started = time.monotonic()
                self._process = self._spawn()


class Kong:
    """
    A real Kong that manages the plugin server.

    Args:
        folder: For everything that is written; Kong's prefix is in it.
        url: Where it listens.
        binary: Kong's executable.
    """

    name = "kong"

    def __init__(self, folder: Path, url: str, binary: str) -> None:
        self.url = url
        self.prefix = folder / "kong"
        self.socket = self.prefix / SOCKET
        self._conf = folder / "kong.conf"
        self._binary = binary
        self._known = 0

    def server(self) -> int:
        if not (self._known and alive(self._known) and self._known in children(self._parent)):
            self._known = self._parent = 0
            for pid in descendants(self._master()):
                if "spec.chaos.server serve" in command(pid) and "spec.chaos.server" not in command(_parent(pid)):
                    self._known, self._parent = pid, _parent(pid)
        return self._known

    _parent = 0

    def _master(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            return int((self.prefix / "pids" / "nginx.pid").read_text())
        return 0

    async def start(self) -> None:
        await self._run("start")
        await served(self)

    async def reload(self) -> None:
        old = self.server()
        await self._run("reload")
        await until(lambda: not alive(old), START_PATIENCE)
        self._known = 0
        await served(self)

    async def close(self) -> None:
        left = [*descendants(self._master()), self._master()]
        with contextlib.suppress(RuntimeError):
            await self._run("stop")
        await asyncio.sleep(1)
        send(signal.SIGKILL, [pid for pid in left if pid and alive(pid) and _is_ours(pid, self.prefix)])

    def configure(self, port: int, declared: Path) -> None:
        """Write kong.conf."""
        python = f"/usr/bin/env PYTHONPATH={ROOT} {sys.executable} -m spec.chaos.server"
        name = "pluginserver_graphql_federation"
        settings = {
            "prefix": self.prefix,
            "database": "off",
            "declarative_config": declared,
            "plugins": "bundled,graphql-federation",
            "proxy_listen": f"127.0.0.1:{port}",
            "admin_listen": "off",
            "admin_gui_listen": "off",
            "status_listen": "off",
            "nginx_worker_processes": 1,
            "log_level": "info",
            "router_flavor": "traditional",
            "pluginserver_names": "graphql-federation",
            f"{name}_socket": self.socket,
            f"{name}_start_cmd": f"{python} serve --socket {self.socket} --replace {shlex.join(FLAGS)}",
            f"{name}_query_cmd": f"{python} dump",
        }
        self._conf.write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))

    async def _run(self, *words: str) -> None:
        with_conf = ["-c", str(self._conf)] if words[0] != "stop" else []
        # Not on the loop, which the subgraphs share.
        done = await asyncio.to_thread(
            subprocess.run,
            [self._binary, *words, *with_conf, "-p", str(self.prefix)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        if done.returncode:
            raise RuntimeError(f"kong {words[0]}: {done.stdout}{done.stderr}")


@asynccontextmanager
async def standing(folder: Path, urls: dict[str, str], binary: str) -> AsyncIterator[Host]:
    """
    A host that serves the graph, for as long as the context lasts.

    Args:
        folder: For everything that is written.
        urls: Of the subgraphs.
        binary: Kong's executable; "": the stand-in.
    """
    settings = {"subgraph_defaults": {"read_timeout": 2500}, "limits": {"deadline": 15_000}}
    declared = folder / "kong.yml"
    declared.write_text(kong_yml([Route("graphql", PATH, SUPERGRAPH, urls, settings)]))
    port = free_port()
    url = f"http://127.0.0.1:{port}{PATH}"
    if binary:
        kong = Kong(folder, url, binary)
        kong.configure(port, declared)
        try:
            await kong.start()
            yield kong
        finally:
            await kong.close()
        return
    host = StandIn(folder, url)
    try:
        await host.start()
        await served(host)
        words: Sequence[str] = ("dev", str(declared), "--port", str(port), "--socket", str(host.socket))
        with Child(["-m", "kong_federation.cli.__main__", *words, "--no-access-log"], folder / "dev.log") as child:
            await asyncio.to_thread(child.until, lambda: listens(port) or None, START_PATIENCE)
            yield host
    finally:
        await host.close()


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _is_ours(pid: int, prefix: Path) -> bool:
    words = command(pid)
    return str(prefix) in words or "nginx" in words
