"""
The builder itself: listens to workers, and has planning processes do what they order.

It loads the supergraph before it reads the first order, and from then on never computes: it passes jobs on and answers.
So it answers at once whatever a client has sent, and a worker that gets no sign of life for a while may take it for
stuck. Equal jobs that are ordered at the same time, by whichever worker, are done once.

The builder lives as long as somebody is connected, and a grace period more.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket

from kong_federation.errors import FederationError
from kong_federation.errors.codes import INTERNAL_SERVER_ERROR
from kong_federation.gateway.builder.pool import Pool
from kong_federation.gateway.builder.service import PlannerLike
from kong_federation.gateway.messages import (
    PING,
    Failed,
    Hello,
    Order,
    Reader,
    Reply,
    pack_findings,
    pack_greeting,
    pack_reply,
    unpack_order,
)

_LOG = logging.getLogger("kong_federation.gateway.builder")

_CHUNK = 1 << 16


class Host:
    """
    One builder.

    Args:
        planner: What it has loaded, or why it could not.
        grace: Seconds it goes on when nobody is connected.
    """

    def __init__(self, planner: PlannerLike | Failed, grace: float) -> None:
        self._greeting = planner if isinstance(planner, Failed) else _hello(planner)
        self._pool = None if isinstance(planner, Failed) else Pool(planner)
        self._grace = grace
        self._connections = 0
        self._jobs: dict[bytes, asyncio.Task[tuple[bool, bytes]]] = {}
        self._replies: set[asyncio.Task[None]] = set()
        self._leaving: asyncio.TimerHandle | None = None
        self._end = asyncio.Event()

    async def run(self, listener: socket.socket) -> None:
        """Serve until nobody has been connected for the grace period, or the process is told to end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        self._prepare_to_leave()
        server = await asyncio.start_unix_server(self._serve, sock=listener)
        await self._end.wait()
        server.close()
        if self._pool is not None:
            self._pool.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        if self._leaving is not None:
            self._leaving.cancel()
        try:
            writer.write(pack_greeting(self._greeting))
            messages = Reader()
            while data := await reader.read(_CHUNK):
                for message in messages.feed(data):
                    self._take(unpack_order(message), writer)
        except (OSError, ValueError, TypeError):
            _LOG.debug("a worker's connection broke off", exc_info=True)
        finally:
            writer.close()
            self._connections -= 1
            if not self._connections:
                self._prepare_to_leave()

    def _prepare_to_leave(self) -> None:
        self._leaving = asyncio.get_running_loop().call_later(self._grace, self._end.set)

    def _take(self, order: Order, writer: asyncio.StreamWriter) -> None:
        if order.number == PING or self._pool is None:
            writer.write(pack_reply(Reply(PING, done=True, content=b"")))
            return
        job = self._jobs.get(order.job)
        if job is None:
            job = self._jobs[order.job] = asyncio.ensure_future(self._do(self._pool, order))
            job.add_done_callback(lambda _: self._jobs.pop(order.job))
        reply = asyncio.ensure_future(self._reply(job, order.number, writer))
        self._replies.add(reply)
        reply.add_done_callback(self._replies.discard)

    async def _do(self, pool: Pool, order: Order) -> tuple[bool, bytes]:
        try:
            return await pool.run(order)
        except FederationError as error:
            return False, pack_findings([error])
        except Exception:  # noqa: BLE001 - those who wait are answered, and the log has it
            _LOG.exception("a job could not be run")
            return False, pack_findings([FederationError(INTERNAL_SERVER_ERROR, "a job could not be run")])

    async def _reply(self, job: asyncio.Task[tuple[bool, bytes]], number: int, writer: asyncio.StreamWriter) -> None:
        done, content = await job
        if not writer.is_closing():
            writer.write(pack_reply(Reply(number, done, content)))


def _hello(planner: PlannerLike) -> Hello:
    return Hello(planner.subgraphs(), tuple(sorted(planner.override_labels())))
