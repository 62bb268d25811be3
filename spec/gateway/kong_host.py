"""A real Kong without a database, started in a directory of its own by its own command."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Final

from spec.child import free_port
from spec.gateway.client import send
from spec.gateway.host import Host, until

_PLUGINS: Final = frozenset(
    {
        "acl",
        "correlation-id",
        "cors",
        "file-log",
        "http-log",
        "jwt",
        "key-auth",
        "opentelemetry",
        "post-function",
        "pre-function",
        "prometheus",
        "rate-limiting",
        "request-termination",
        "request-transformer",
        "response-transformer",
    }
)

_NGINX_WORKERS: Final = 2
_SETTLING: Final = 1.0  # seconds


class KongHost(Host):
    """Kong, by the executable that `KONG_BIN` names."""

    name = "kong"

    @classmethod
    def plugins(cls) -> frozenset[str]:
        return _PLUGINS

    def start(self) -> None:
        proxy, admin, status = free_port(), free_port(), free_port()
        self.url, self.admin_url = f"http://127.0.0.1:{proxy}", f"http://127.0.0.1:{admin}"
        self.status_url = f"http://127.0.0.1:{status}"
        self._conf.write_text(self._configuration(proxy, admin, status))
        self._run("start", "-c", str(self._conf), "-p", str(self._prefix))
        until(lambda: send("GET", f"{self.status_url}/status/ready").status == 200 or None, "Kong is ready")

    def stop(self) -> None:
        if self._conf.exists():
            self._run("stop", "-p", str(self._prefix), check=False)

    def log(self) -> str:
        """What it and the plugin server have written."""
        logs = [self.directory / "server.log", self._prefix / "logs" / "error.log"]
        return "\n".join(log.read_text(errors="replace") for log in logs if log.exists())

    def reload(self) -> None:
        old = self._workers()
        self._run("reload", "-c", str(self._conf), "-p", str(self._prefix))
        until(lambda: len(self._workers() - old) >= _NGINX_WORKERS or None, "Kong has new workers")
        # They read the declarative file first; a configuration that is sent before they have is replaced by it.
        until(lambda: send("GET", f"{self.status_url}/status/ready").status == 200 or None, "Kong is ready")
        time.sleep(_SETTLING)

    def _workers(self) -> set[int]:
        master = (self._prefix / "pids" / "nginx.pid").read_text().strip()
        return set(map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split()))

    @property
    def _conf(self) -> Path:
        return self.directory / "kong.conf"

    @property
    def _prefix(self) -> Path:
        return self.directory / "kong"

    def _configuration(self, proxy: int, admin: int, status: int) -> str:
        lines = [
            "database = off",
            f"declarative_config = {self.kong_yml}",
            f"proxy_listen = 127.0.0.1:{proxy} backlog=4096",
            f"admin_listen = 127.0.0.1:{admin}",
            f"status_listen = 127.0.0.1:{status}",
            "admin_gui_listen = off",
            "anonymous_reports = off",
            f"nginx_worker_processes = {_NGINX_WORKERS}",
            "log_level = info",
            "untrusted_lua = on",
            "tracing_instrumentations = request",
            "tracing_sampling_rate = 1",
            "plugins = bundled,graphql-federation",
            "pluginserver_names = graphql-federation",
            f"pluginserver_graphql_federation_socket = {self.socket}",
            f"pluginserver_graphql_federation_query_cmd = {' '.join(self.command('dump'))}",
        ]
        if self.mode == "managed":
            lines.append(f"pluginserver_graphql_federation_start_cmd = {' '.join(self.command(*self.serve()))}")
        return "\n".join(lines) + "\n"

    def _run(self, *arguments: str, check: bool = True) -> None:
        command = [os.environ["KONG_BIN"], *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        except OSError as error:
            raise SystemExit(f"KONG_BIN names no Kong: {error}") from None
        if check and done.returncode:
            raise RuntimeError(f"kong {' '.join(arguments)}: {done.stdout}{done.stderr}")
