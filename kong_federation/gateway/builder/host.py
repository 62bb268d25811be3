"""
The builder itself: listens to workers, and has planning processes do what they order.

It loads the supergraph before it reads the first order, and from then on never computes: it passes jobs on and answers.
So it answers at once whatever a client has sent, and a worker that gets no sign of life for a while may take it for
stuck. Equal jobs that are ordered at the same time, by whichever worker, are done once.

Plans that the node's store knows are not made again; the store is kept by another process (`keeper`), because a disk
may be slow. Orders that say that they can wait are planned by one process more, of lower priority, so that no live
request waits for them: not even one for the same operation, which is planned twice then.

The builder lives as long as somebody is connected, and a grace period more.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from typing import Any

from kong_federation.errors import FederationError
from kong_federation.errors.codes import INTERNAL_SERVER_ERROR
from kong_federation.gateway.builder.keeper import Keeper, StorePlace
from kong_federation.gateway.builder.pool import Pool
from kong_federation.gateway.builder.service import PlannerLike
from kong_federation.gateway.messages import (
    PING,
    Failed,
    Hello,
    Order,
    PlanJob,
    PopularJob,
    Reader,
    Reply,
    UsesJob,
    pack_findings,
    pack_greeting,
    pack_operation,
    pack_operations,
    pack_reply,
    plan_digest,
    read_job,
    unpack_order,
)

_LOG = logging.getLogger("kong_federation.gateway.builder")

# Beside the builder's own; a process of this priority gets about a tenth of a core that others want. With less than
# that, warming takes several times as long on a full machine, and live requests feel no less of it.
_BACKGROUND_NICE = 5

_CHUNK = 1 << 16


class Host:
    """
    One builder.

    Args:
        planner: What it has loaded, or why it could not.
        grace: Seconds it goes on when nobody is connected.
        store: Where plans are kept; None: nowhere.
    """

    def __init__(self, planner: PlannerLike | Failed, grace: float, store: StorePlace | None = None) -> None:
        self._greeting = planner if isinstance(planner, Failed) else _hello(planner)
        self._work = None if isinstance(planner, Failed) else _Work(planner, store)
        self._grace = grace
        self._connections = 0
        self._jobs: dict[tuple[bytes, bool], asyncio.Task[tuple[bool, bytes]]] = {}
        self._replies: set[asyncio.Task[Any]] = set()
        self._leaving: asyncio.TimerHandle | None = None
        self._end = asyncio.Event()

    async def run(self, listener: socket.socket) -> None:
        """Serve until nobody has been connected for the grace period, or the process is told to end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        self._prepare_to_leave()
        if self._work is not None:
            await self._work.start()
        server = await asyncio.start_unix_server(self._serve, sock=listener)
        await self._end.wait()
        server.close()
        if self._work is not None:
            self._work.close()

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
        if self._work is None or not order.job:
            writer.write(pack_reply(Reply(PING, done=True, content=b"")))
            return
        if order.number == PING:
            self._replies.add(told := asyncio.ensure_future(self._do(self._work, order)))
            told.add_done_callback(self._replies.discard)
            return
        key = (order.job, order.background)
        job = self._jobs.get(key)
        if job is None:
            job = self._jobs[key] = asyncio.ensure_future(self._do(self._work, order))
            job.add_done_callback(lambda _: self._jobs.pop(key))
        reply = asyncio.ensure_future(self._reply(job, order.number, writer))
        self._replies.add(reply)
        reply.add_done_callback(self._replies.discard)

    async def _do(self, work: _Work, order: Order) -> tuple[bool, bytes]:
        try:
            return await work.do(order)
        except FederationError as error:
            return False, pack_findings([error])
        except Exception:  # noqa: BLE001 - those who wait are answered, and the log has it
            _LOG.exception("a job could not be run")
            return False, pack_findings([FederationError(INTERNAL_SERVER_ERROR, "a job could not be run")])

    async def _reply(self, job: asyncio.Task[tuple[bool, bytes]], number: int, writer: asyncio.StreamWriter) -> None:
        done, content = await job
        if not writer.is_closing():
            writer.write(pack_reply(Reply(number, done, content)))


class _Work:
    """Who does what: planning processes, the store."""

    def __init__(self, planner: PlannerLike, store: StorePlace | None) -> None:
        self._live = Pool(planner)
        self._background = Pool(planner, 1, nice=_BACKGROUND_NICE, lingers=False)
        self._keeper = None if store is None else Keeper(store)

    async def start(self) -> None:
        if self._keeper is not None:
            await self._keeper.start()

    def close(self) -> None:
        self._live.close()
        self._background.close()
        if self._keeper is not None:
            self._keeper.close()

    async def do(self, order: Order) -> tuple[bool, bytes]:
        """
        Do one job.

        Returns:
            Whether it was done, and what to reply with.

        Raises:
            FederationError: Why it was not.
        """
        pool = self._background if order.background else self._live
        job = read_job(order.job)
        match job:
            case PlanJob() if self._keeper is not None:
                return await self._plan(job, order, pool, self._keeper)
            case PopularJob(most):
                return True, pack_operations([]) if self._keeper is None else await self._keeper.popular(most)
            case UsesJob(uses):
                if self._keeper is not None:
                    await self._keeper.count(uses)
                return True, b""
        return await pool.run(order)

    async def _plan(self, job: PlanJob, order: Order, pool: Pool, keeper: Keeper) -> tuple[bool, bytes]:
        digest = plan_digest(job)
        found = await keeper.find(digest)
        if found is not None:
            return True, found
        done, content = await pool.run(order)
        if done:
            await keeper.keep(digest, pack_operation(job), content)
        return done, content


def _hello(planner: PlannerLike) -> Hello:
    return Hello(planner.subgraphs(), tuple(sorted(planner.override_labels())))
