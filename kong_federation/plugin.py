"""
The door for the stock `kong-python-pluginserver` of kong-pdk 0.36, in its threads mode.

`plugins/graphql-federation.py` is what that server loads. Kong's MessagePack protocol, which it speaks, lets a request
pass when the plugin server fails; a route without a Service closes that gap. The project's own server
(`kong-federation serve`) has neither this nor the following traps of kong-pdk:

- The server handles one event at a time until the plugin's first PDK call, so `access` begins with one.
- An exception that leaves `access` is never answered, and may stop the whole server, so none does.
- A phase is whatever attribute has a phase's name, so `Plugin` has nothing but `access`.
- `get_raw_body()` fails for a body that nginx wrote to a file, but `get_raw_body(0)` does not.
- An argument that is None ends the list of arguments, so an empty body is `""`.
- PDK calls return a value and an error, or only the value, by a flag of the server.
- Nothing may be asked of Kong once `exit` has been called.
- In multiprocessing mode the plugin is pickled for each event, so it holds only values.

One trap remains: the server numbers instances from 0 each time it starts, so after a restart a Kong worker may ask for
another configuration's instance by its old number. Serve one configuration, or restart Kong with it.

All requests of a process are answered on one event loop in a thread of its own, by the same gateway as everywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import uvloop

from kong_federation import __version__
from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import CONFIGURATION_INVALID, INTERNAL_SERVER_ERROR
from kong_federation.gateway import (
    NOBODY,
    Gateway,
    HttpRequest,
    HttpResponse,
    Identity,
    Vouched,
    read_identity,
    refusal,
    shared_keys,
    wants_identity,
)
from kong_federation.kong.schema import config_fields
from kong_federation.settings import Settings, parse_settings

__all__ = ["Plugin", "Schema", "priority", "version"]

Schema = config_fields()
version = __version__
priority = 5
"""After authentication, rate limiting and tracing, before request-termination."""

RUNTIME_DIRECTORY_VARIABLE = "KONG_FEDERATION_RUNTIME_DIRECTORY"

_LOG = logging.getLogger("kong_federation.plugin")

# Kong never closes the instances of plugins that were deleted; more graphs than this are not served by one process.
_MOST_GATEWAYS = 32

# Kong's own default is 100 headers; the rest would be dropped without a word.
_MOST_HEADERS = 1_000

# What the loop may need beyond the gateway's own deadline.
_PATIENCE_SECONDS = 2.0


class Plugin:
    """
    One configured instance of the plugin.

    Args:
        config: As Kong sends it. A configuration that is wrong is answered for with an error at each request: an
            exception here would make Kong start the instance again and again.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.settings: Settings | None = None
        try:
            self.settings = parse_settings(config)
        except FederationErrors as errors:
            for error in errors.errors:
                _LOG.error("%s", error)

    def access(self, kong: Any) -> None:
        """Answer the request; it never reaches a Service."""
        try:
            method = _value(kong.request.get_method())
            response = _answer(self.settings, method, kong)
            if self.settings is not None:
                _tell(self.settings, response, kong)
        except BaseException:  # noqa: BLE001 - an exception that leaves would never be answered
            _LOG.exception("a request failed")
            response = refusal((FederationError(INTERNAL_SERVER_ERROR, "see the log"),))
        with contextlib.suppress(BaseException):
            kong.response.exit(response.status, response.body or "", dict(response.headers))


def _answer(settings: Settings | None, method: str, kong: Any) -> HttpResponse:
    if settings is None:
        return refusal((FederationError(CONFIGURATION_INVALID, "see the log"),))
    host = _host()
    gateway = host.gateway(settings)
    headers = _headers(_value(kong.request.get_headers(_MOST_HEADERS)))
    length = next(iter(headers.get("content-length", ())), "")
    # A body that is too large is not even brought over.
    refused = gateway.too_large(int(length)) if length.isdecimal() else None
    if refused is not None:
        return refused
    request = HttpRequest(
        method=method,
        query=_latin_1(_value(kong.request.get_raw_query())) if method == "GET" else "",
        headers=headers,
        body=_bytes(_value(kong.request.get_raw_body(0))) if method == "POST" else b"",
        request_id=_latin_1(_value(kong.nginx.get_var("kong_request_id"))),
        identity=_identity(settings, headers, kong) if wants_identity(settings) else NOBODY,
    )
    return host.run(gateway, request, settings.limits.deadline / 1000 + _PATIENCE_SECONDS)


def _identity(settings: Settings, headers: dict[str, list[str]], kong: Any) -> Identity:
    consumer = _value(kong.client.get_consumer()) or {}
    credential = _value(kong.client.get_credential()) or {}
    vouched = Vouched(
        consumer_id=_latin_1(consumer.get("id")),
        consumer_username=_latin_1(consumer.get("username")),
        consumer_custom_id=_latin_1(consumer.get("custom_id")),
        consumer_tags=tuple(map(_latin_1, consumer.get("tags") or ())),
        credential_id=_latin_1(credential.get("id")),
        shared={key: _bytewise(_value(kong.ctx.shared.get(key))) for key in shared_keys(settings)},
    )
    return read_identity(settings, vouched, headers)


def _tell(settings: Settings, response: HttpResponse, kong: Any) -> None:
    if response.facts is None:
        return
    facts = response.facts.members()
    if settings.telemetry.log_serializer:
        kong.log.set_serialize_value("graphql", facts)
    if settings.telemetry.shared_context:
        kong.ctx.shared.set("graphql", facts)


# --- What PDK calls return -----------------------------------------------------------------------------------------


def _value(returned: Any) -> Any:
    """The value of a PDK call, in either style; Kong itself never sends a tuple."""
    return returned[0] if isinstance(returned, tuple) else returned


def _headers(given: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, values in (given or {}).items():
        listed = values if isinstance(values, list) else [values]
        # A header without a value arrives as `true`.
        found[_latin_1(name).lower()] = ["" if isinstance(value, bool) else _latin_1(value) for value in listed]
    return found


def _latin_1(text: Any) -> str:
    """Text as the gateway has it: each byte one character. The server has decoded it as UTF-8."""
    return "" if text is None else _bytes(text).decode("latin-1")


def _bytewise(value: Any) -> Any:
    return [_latin_1(item) for item in value] if isinstance(value, list) else _latin_1(value)


def _bytes(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    return b"" if content is None else str(content).encode("utf-8", "surrogateescape")


# --- The loop beside the server's threads --------------------------------------------------------------------------


class _Host:
    """One event loop in a thread of its own, and the gateways on it."""

    def __init__(self, runtime_directory: Path) -> None:
        self._runtime_directory = runtime_directory
        self._loop = uvloop.new_event_loop()
        self._gateways: OrderedDict[Settings, Gateway] = OrderedDict()
        self._lock = threading.Lock()
        threading.Thread(target=self._loop.run_forever, name="kong-federation", daemon=True).start()

    def gateway(self, settings: Settings) -> Gateway:
        """The gateway of a configuration; equal configurations share one."""
        with self._lock:
            gateway = self._gateways.get(settings)
            if gateway is None:
                gateway = self._gateways[settings] = Gateway(settings, self._runtime_directory)
            self._gateways.move_to_end(settings)
            if len(self._gateways) > _MOST_GATEWAYS:
                oldest, unused = self._gateways.popitem(last=False)
                self._close_later(unused, oldest.limits.deadline / 1000)
        return gateway

    def run(self, gateway: Gateway, request: HttpRequest, patience: float) -> HttpResponse:
        """
        Have a request answered on the loop, and wait for it here.

        Raises:
            TimeoutError: The loop itself is stuck.
        """
        future = asyncio.run_coroutine_threadsafe(gateway.handle(request), self._loop)
        try:
            return future.result(patience)
        except TimeoutError:
            future.cancel()
            raise

    def _close_later(self, gateway: Gateway, seconds: float) -> None:
        async def close() -> None:
            await asyncio.sleep(seconds)
            await gateway.close()

        asyncio.run_coroutine_threadsafe(close(), self._loop)


_host_lock = threading.Lock()


def _host() -> _Host:
    # The first requests come at once, each in a thread of its own.
    with _host_lock:
        return _make_host()


@cache
def _make_host() -> _Host:
    # The server's own output goes nowhere; Kong writes standard error to its log.
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.INFO)
    configured = os.environ.get(RUNTIME_DIRECTORY_VARIABLE)
    fallback = Path(tempfile.gettempdir()) / f"kong-federation-{os.geteuid()}"
    return _Host(Path(configured) if configured else fallback)
