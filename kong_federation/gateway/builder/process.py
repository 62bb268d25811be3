"""
A planning process: a fork of the builder that does one job after the other; and how forks of the builder are made.

It has what the builder loaded, without a copy (the pages are shared until written), so starting one takes milliseconds
however large the supergraph is. That is why a job that takes too long can simply be ended with its process, and why no
job needs to be trusted with the builder's own memory.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from kong_federation.errors import FederationError
from kong_federation.errors.codes import INTERNAL_SERVER_ERROR
from kong_federation.gateway.builder.service import PlannerLike, run_job
from kong_federation.gateway.messages import Reader, pack_findings, pack_result, unpack_work
from kong_federation.gateway.urgency import be_less_urgent

_LOG = logging.getLogger("kong_federation.gateway.builder")

# Selections, fragments and plans are walked by recursion. 5,000 frames are deep enough for a document of the largest
# nesting, and, with up to about 1 KB of C stack for a frame, stay inside the 8 MB of a main thread.
_RECURSION = 5_000

# The builder ends a job that takes too long. Should the builder itself have died, the alarm does, this much later.
_ALARM_MARGIN = 1.0

_CHUNK = 1 << 20


def fork_planning(planner: PlannerLike, nice: int = 0) -> tuple[int, socket.socket]:
    """
    Start a planning process.

    Args:
        planner: What it plans with.
        nice: How much less urgent it is than the builder.

    Returns:
        As `fork_process`.
    """
    return fork_process(partial(_serve, planner), nice)


def fork_process(serve: Callable[[socket.socket], None], nice: int = 0) -> tuple[int, socket.socket]:
    """
    Start a process that talks to the builder over a socket.

    Args:
        serve: What it does until its end of the socket is at its end.
        nice: How much less urgent it is than the builder.

    Returns:
        Its process id, and the builder's end of its socket (non-blocking).
    """
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        _serve_and_exit(serve, theirs, nice)
    theirs.close()
    ours.setblocking(False)
    return child, ours


def _serve_and_exit(serve: Callable[[socket.socket], None], connection: socket.socket, nice: int) -> NoReturn:
    status = 1
    try:
        # The builder's objects are not collected here: finding them dead would write to (and so copy) their pages, and
        # their destructors would close descriptors that belong to others by then.
        gc.freeze()
        _forget_descriptors(connection.fileno())
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        sys.setrecursionlimit(_RECURSION)
        if nice:
            os.setsid()
            be_less_urgent(nice)
        serve(connection)
        status = 0
    except BaseException:  # noqa: BLE001 - nothing may unwind into the builder's own stack
        _LOG.exception("a process of the builder failed")
    finally:
        os._exit(status)


def _forget_descriptors(keep: int) -> None:
    os.closerange(3, keep)
    os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))


def _serve(planner: PlannerLike, connection: socket.socket) -> None:
    reader = Reader()
    # A builder that was killed leaves a broken connection.
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(_CHUNK):
            for message in reader.feed(data):
                timeout, job = unpack_work(message)
                signal.setitimer(signal.ITIMER_REAL, timeout / 1000 + _ALARM_MARGIN)
                result = _run(planner, job)
                signal.setitimer(signal.ITIMER_REAL, 0)
                connection.sendall(result)


def _run(planner: PlannerLike, job: Any) -> bytes:
    try:
        return run_job(planner, job)
    except Exception:  # noqa: BLE001 - a mistake of ours must not end a process that others need
        _LOG.exception("a job failed")
        finding = FederationError(INTERNAL_SERVER_ERROR, "a job failed in the builder, see its log")
        return pack_result(pack_findings([finding]), done=False)
