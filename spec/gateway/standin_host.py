"""The stand-in for Kong, by its command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from spec.child import Child, free_port
from spec.gateway.host import WORKERS, Host, wait_for_port

_STARTED: Final = re.compile(r"plugin server started \(pid (\d+)\)")


class StandInHost(Host):
    """The stand-in, which has few of Kong's plugins."""

    name = "standin"
    _child: Child | None = None

    @classmethod
    def plugins(cls) -> frozenset[str]:
        return frozenset({"key-auth"})

    def start(self) -> None:
        port, admin = free_port(), free_port()
        self.url, self.admin_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin}"
        arguments = ["dev", str(self.kong_yml), "--port", str(port), "--admin-port", str(admin), "--no-access-log"]
        if self.mode == "external":
            arguments += ["--socket", str(self.socket)]
        else:
            arguments += ["--workers", str(WORKERS)]
        self._child = Child(["-m", "kong_federation.cli.__main__", *arguments], self.directory / "host.log")
        self._child.__enter__()
        wait_for_port(self._child, port)

    def stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.__exit__(None, None, None)

    def reload(self) -> None:
        # Kong makes new workers, which read the configuration; the stand-in's one process reads it.
        self.admin("POST", "/config", self.document)

    def server_socket(self) -> Path:
        words = Path(f"/proc/{self.server_pids()[0]}/cmdline").read_text().split("\0")
        return Path(words[words.index("--socket") + 1])

    def server_pids(self) -> list[int]:
        if self.mode == "external":
            return super().server_pids()
        assert self._child is not None
        pid = int(_STARTED.findall(self._child.output())[-1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]
