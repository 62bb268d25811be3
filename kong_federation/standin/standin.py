"""
The stand-in for Kong: for laptops and tests, never for production.

It reads a kong.yml, starts the real plugin server and drives it over the real protocol.

    async with StandIn("kong.yml", port=0) as standin:
        ...  # standin.url
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.standin.admin import Admin, Node
from kong_federation.standin.answers import finish_headers
from kong_federation.standin.child import COMMAND, Child, ask_dump
from kong_federation.standin.declarative import read_configuration
from kong_federation.standin.entities import Configuration, Route
from kong_federation.standin.events import ConfigurationRead, Listener, Ready, Warned, silent
from kong_federation.standin.front import Front
from kong_federation.standin.generation import Generation, put_to_use
from kong_federation.standin.plugins import KEY_AUTH_INFO, PluginInfo
from kong_federation.standin.rpc import REPLAYS, PluginServer
from kong_federation.standin.yaml_file import read_yaml

_LOOK = 0.5  # seconds between two looks at a watched file


@dataclass(frozen=True, slots=True)
class Tuning:
    """
    What tests turn; the defaults are Kong's, except for the replays.

    Args:
        body_buffer: Bytes of a request's body that are kept in memory (`client_body_buffer_size`).
        patience: Seconds without a frame after which an event is given up (`lua_socket_read_timeout`).
        replays: How often an event is replayed; Kong has no bound.
    """

    body_buffer: int = 8192
    patience: float = 60.0
    replays: int = REPLAYS


class StandIn:
    """
    One stand-in.

    Args:
        config: The path of a kong.yml, or what it holds.
        host: Where requests are taken; the loopback address unless told otherwise.
        port: 0 for any free one.
        workers: Of the plugin server; None: its own default.
        socket: A running plugin server's unix socket; None: one is started.
        plugin: What is known of the plugin; None: `kong-federation dump` is asked.
        listener: Hears what happens.
        tuning: See there.
        admin_port: Of the Admin API, 0 for any free one; None: there is none.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all but the first are given by name
        self,
        config: str | Path | Mapping[str, Any],
        host: str = "127.0.0.1",
        port: int = 8000,
        workers: int | None = None,
        socket: str | Path | None = None,
        plugin: PluginInfo | None = None,
        listener: Listener = silent,
        tuning: Tuning = Tuning(),
        admin_port: int | None = None,
    ) -> None:
        self._config = config
        self._host = host
        self._port = port
        self._workers = workers
        self._socket = Path(socket) if socket is not None else None
        self._plugin = plugin
        self._listener = listener
        self._tuning = tuning
        self._admin_port = admin_port
        self._numbers = 0
        self._front: Front | None = None
        self._closing = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """
        Read the configuration, start the plugin server, take requests.

        Raises:
            FederationError, FederationErrors: CONFIGURATION_INVALID or SERVICE_UNAVAILABLE; nothing is left running.
            OSError: The port cannot be bound.
        """
        try:
            await self._start()
        except BaseException:
            await self._closing.aclose()
            raise

    async def close(self) -> None:
        """Stop taking requests, end the plugin server, remove what was written."""
        await self._closing.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def port(self) -> int:
        """The port that requests are taken on."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL, without a final slash."""
        return f"http://{self._host}:{self._port}"

    @property
    def socket(self) -> Path:
        """The plugin server's socket, once it is started."""
        assert self._socket is not None
        return self._socket

    @property
    def admin_url(self) -> str:
        """The base URL of the Admin API, without a final slash; empty without one."""
        return "" if self._admin_port is None else f"http://{self._host}:{self._admin_port}"

    async def reload(self) -> None:
        """
        Read the configuration again and use it from the next request on.

        Raises:
            FederationError, FederationErrors: CONFIGURATION_INVALID; the old one stays in use.
        """
        assert self._front is not None
        assert self._plugin is not None
        self._front.generation = self._put(self._read(self._plugin))
        self._ready(self._front.generation)

    async def watch(self) -> None:
        """Reload whenever the file changes, until cancelled; a file that is wrong is a warning."""
        if isinstance(self._config, Mapping):
            return
        path = Path(self._config)
        seen = _stamp(path)
        while True:
            await asyncio.sleep(_LOOK)
            now = _stamp(path)
            if now == seen or now is None:
                continue
            seen = now
            try:
                await self.reload()
            except (FederationError, FederationErrors) as error:
                self._listener(Warned(f"{path} is not used, the configuration before it stays: {error}"))

    async def _start(self) -> None:
        directory = Path(tempfile.mkdtemp(prefix="kong-federation-"))
        self._closing.callback(shutil.rmtree, directory, ignore_errors=True)
        if self._plugin is None:
            self._plugin = await ask_dump()
        generation = self._put(self._read(self._plugin))
        if self._socket is None:
            self._socket = directory / "plugin-server.socket"
            child = Child(self._command(directory), self._socket, self._listener)
            self._closing.push_async_callback(child.close)
            await child.start()
        server = PluginServer(self._socket, self._tuning.patience, self._tuning.replays, self._listener)
        self._closing.callback(server.close)
        spool = directory / "client_body_temp"
        spool.mkdir()
        node = str(uuid.uuid4())
        infos = (KEY_AUTH_INFO, self._plugin)
        self._front = Front(generation, server, infos, node, (spool, self._tuning.body_buffer), self._listener)
        application = web.Application(handler_args={"auto_decompress": False})
        application.router.add_route("*", "/{path:.*}", self._front.handle)
        application.on_response_prepare.append(finish_headers)
        self._port = await self._listen(application, self._port)
        if self._admin_port is not None:
            admin = self._admin(self._front, self._plugin, node)
            self._admin_port = await self._listen(admin.application(), self._admin_port)
        self._ready(generation)

    async def _listen(self, application: web.Application, port: int) -> int:
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._closing.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, self._host, port).start()
        number: int = runner.addresses[0][1]
        return number

    def _admin(self, front: Front, plugin: PluginInfo, node: str) -> Admin:
        def use(configuration: Configuration) -> None:
            front.generation = self._put(configuration)
            self._ready(front.generation)

        file = None if isinstance(self._config, Mapping) else str(self._config)
        assert self._socket is not None
        known = {KEY_AUTH_INFO.name: KEY_AUTH_INFO, plugin.name: plugin}
        return Admin(Node(node, self._socket, file), known, lambda: front.generation.configuration, use)

    def _command(self, directory: Path) -> list[str]:
        runtime = directory / "runtime"
        runtime.mkdir(mode=0o700)
        command = [*COMMAND, "serve", "--socket", str(self._socket), "--runtime-directory", str(runtime)]
        return command if self._workers is None else [*command, "--workers", str(self._workers)]

    def _read(self, plugin: PluginInfo) -> Configuration:
        document = self._config if isinstance(self._config, Mapping) else read_yaml(Path(self._config))
        return read_configuration(document, {KEY_AUTH_INFO.name: KEY_AUTH_INFO, plugin.name: plugin})

    def _put(self, configuration: Configuration) -> Generation:
        generation = put_to_use(configuration, self._numbers)
        self._numbers += len(configuration.plugins)
        for warning in configuration.warnings:
            self._listener(Warned(warning))
        self._listener(
            ConfigurationRead(
                services=len(configuration.services),
                routes=len(configuration.routes),
                plugins=tuple(_scoped(configuration)),
            )
        )
        return generation

    def _ready(self, generation: Generation) -> None:
        routes = generation.configuration.routes
        self._listener(Ready(self.url, tuple(_described(route, self.url) for route in routes), self.admin_url))


def _described(route: Route, url: str) -> str:
    service = route.service
    where = f"{service.protocol}://{service.host}:{service.port}{service.path}" if service else "no service"
    # A regular expression is no path; its ~ shows what it is.
    urls = " ".join(url + path for path in route.paths or ("/",))
    asked = [route.name or route.id, *route.methods, *route.hosts]
    return f"{urls} ({' '.join(asked)}) -> {where}"


def _scoped(configuration: Configuration) -> list[str]:
    routes = {route.id: route.name or route.id for route in configuration.routes}
    services = {service.id: service.name or service.id for service in configuration.services}
    consumers = {consumer.id: consumer.username or consumer.id for consumer in configuration.consumers}
    lines = []
    for plugin in configuration.plugins:
        scope = [
            f"{kind} {names.get(identity, identity)}"
            for kind, names, identity in (
                ("route", routes, plugin.route),
                ("service", services, plugin.service),
                ("consumer", consumers, plugin.consumer),
            )
            if identity
        ]
        lines.append(f"{plugin.name} ({', '.join(scope) or 'global'})")
    return lines


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - one call, both figures
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
