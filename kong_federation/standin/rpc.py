"""
Kong's side of the plugin protocol: calls, instances, and one event.

An event is a conversation that the plugin server leads; it ends when the server says so or with an answer to the
client. Its failures have one special case, and that is Kong's: when the server closes the connection during an event,
Kong takes it for a server that forgot the instance. It forgets all instances of the plugin, starts this one again and
sends the event again, at once and without end. Here there is an end, `REPLAYS`, because a laptop has only one core
to spare; everything else is as in Kong.

Source: recorded exchanges with Kong 3.9.3.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

from kong_federation import kong
from kong_federation.standin import pdk
from kong_federation.standin.connection import Broken, Closed, Connection, PluginServerError, Pool
from kong_federation.standin.entities import Plugin
from kong_federation.standin.events import Listener, Logged
from kong_federation.standin.exchange import Exchange
from kong_federation.standin.identity import WORKSPACE
from kong_federation.standin.lua import LuaError

REPLAYS = 10_000
"""Replays of one event before the stand-in gives up with 500; Kong makes about as many in a second, for ever."""

_CLAIM = 10.0  # seconds that a request waits for another one that is starting the same instance


@dataclass(slots=True)
class Exited:
    """
    A plugin answered the request.

    Args:
        connection: Kong closes it when the request is over, not earlier.
    """

    answer: kong.Exit
    connection: Connection


@dataclass(slots=True)
class _Instance:
    """A plugin's configuration at the server; without an id while it is being started."""

    generation: int
    id: int | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class PluginServer:
    """
    A plugin server, as one Kong worker sees it.

    Args:
        socket: Where it listens.
        patience: Seconds without a frame after which an event is given up.
        replays: See `REPLAYS`.
        listener: Hears log lines.
    """

    def __init__(self, socket: Path, patience: float, replays: int, listener: Listener) -> None:
        self._pool = Pool(socket, patience)
        self._replays = replays
        self._listener = listener
        self._instances: dict[str, _Instance] = {}
        self._sequence = 1
        self._waiting = _CLAIM

    async def handle(self, plugin: Plugin, generation: int, exchange: Exchange) -> Exited | None:
        """
        Run one event.

        Args:
            plugin: The configuration that applies.
            generation: Of that configuration, sent as `__seq__`; another one starts a new instance.
            exchange: Read and changed by the plugin.

        Returns:
            The plugin's answer; None when the request goes on.

        Raises:
            PluginServerError: The client gets 500.
        """
        for _ in range(self._replays + 1):
            instance = await self._instance(plugin, generation)
            try:
                return await self._event(instance, exchange)
            except Closed as error:
                self._instances = {key: kept for key, kept in self._instances.items() if kept.id is None}
                self._log("warn", str(error))
        raise Broken(f"the plugin server closed {self._replays + 1} times during one event; Kong would go on for ever")

    async def end(self) -> None:
        """Close all instances at the server, as Kong does with those it no longer uses, and all connections."""
        instances, self._instances = self._instances, {}
        for instance in instances.values():
            if instance.id is not None:
                await self._stop(instance.id)
        self.close()

    def close(self) -> None:
        """Close all idle connections."""
        self._pool.close()

    async def _instance(self, plugin: Plugin, generation: int) -> int:
        """The id of the plugin's instance, which is started if need be."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._waiting
        known = self._instances.get(plugin.id)
        while known is not None and known.id is None:
            try:
                async with asyncio.timeout_at(until):
                    await known.ready.wait()
            except TimeoutError as error:
                self._instances.pop(plugin.id, None)
                raise Broken(f"Could not claim instance_id for {plugin.name} (key: {plugin.id})") from error
            known = self._instances.get(plugin.id)
        if known is not None and known.generation == generation and known.id is not None:
            return known.id
        old = known.id if known is not None else None
        claim = _Instance(generation)
        self._instances[plugin.id] = claim
        try:
            claim.id = await self._start(plugin, generation)
        except (PluginServerError, kong.ProtocolError) as error:
            self._log("err", f"starting instance: {error}")
            raise Broken(f"starting instance: {error}") from error  # Never replayed, also when it was closed.
        finally:
            if claim.id is None:
                self._instances.pop(plugin.id, None)  # Another request may succeed.
            claim.ready.set()
        if old is not None:
            await self._stop(old)
        return claim.id

    async def _start(self, plugin: Plugin, generation: int) -> int:
        content = json.dumps(configuration(plugin, generation)).encode()
        call = kong.StartInstance(self._next(), plugin.name, content)
        connection = await self._pool.take()
        try:
            await connection.send(kong.encode_call(call))
            reply = await connection.receive()
        except PluginServerError:
            connection.close()
            raise
        answer = self._answer(connection, reply, call.sequence)
        if not isinstance(answer, kong.InstanceStarted):
            raise Broken("the answer to a start names no instance")
        return answer.instance

    async def _stop(self, instance: int) -> None:
        """Close an instance that a newer one replaced; nobody waits for a failure."""
        call = kong.CloseInstance(self._next(), instance)
        try:
            connection = await self._pool.take()
        except PluginServerError:
            return
        try:
            await connection.send(kong.encode_call(call))
            self._answer(connection, await connection.receive(), call.sequence)
        except (PluginServerError, kong.ProtocolError) as error:
            connection.close()
            self._log("debug", f"closing instance: {error}")

    async def _event(self, instance: int, exchange: Exchange) -> Exited | None:
        call = kong.HandleEvent(self._next(), instance, "access")
        connection = await self._pool.take()
        try:
            await connection.send(kong.encode_call(call))
            while function := await connection.receive():
                argument = await connection.receive()
                name = function.decode("latin-1")
                if name == "kong.response.exit":
                    return Exited(_exit(argument), connection)
                await connection.send(await pdk.call(exchange, name, argument, self._listener))
            reply = await connection.receive()
        except LuaError as error:
            connection.close()
            raise Broken(str(error)) from error
        except BaseException:
            connection.close()
            raise
        try:
            self._answer(connection, reply, call.sequence)
        except kong.ProtocolError as error:
            raise Broken(f"the event's last frame: {error}") from error
        return None

    def _answer(self, connection: Connection, reply: bytes, sequence: int) -> kong.Answer:
        """Read the frame that ends a call. Kong gives the connection back before it looks at the frame."""
        self._pool.give_back(connection)
        answer = kong.decode_answer(reply)
        if answer.sequence != sequence:
            raise Broken(f"the answer to call {sequence} carries the number {answer.sequence}")
        return answer

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _log(self, level: str, text: str) -> None:
        self._listener(Logged(level, text))


def configuration(plugin: Plugin, generation: int) -> dict[str, object]:
    """A plugin's configuration with the keys that Kong adds; what has no value is left out."""
    added = {
        "__seq__": generation,
        "__plugin_id": plugin.id,
        "__ws_id": WORKSPACE,
        "__key__": plugin.key,
        "route_id": plugin.route,
        "service_id": plugin.service,
        "consumer_id": plugin.consumer,
        "plugin_instance_name": plugin.instance_name,
    }
    return {**plugin.handed, **{name: value for name, value in added.items() if value != ""}}


def _exit(argument: bytes) -> kong.Exit:
    try:
        answer = kong.FUNCTIONS["kong.response.exit"].argument.decode(argument)
    except kong.ProtocolError as error:
        raise LuaError(f"kong.response.exit: {error}") from error
    assert isinstance(answer, kong.Exit)
    pdk.check_exit(answer)
    return answer
