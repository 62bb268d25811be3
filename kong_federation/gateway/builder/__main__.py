"""
The builder's process: one per supergraph and node.

    python -m kong_federation.gateway.builder SOCKET PLANNER GRACE [DIRECTORY MAX_BYTES SPACE] < supergraph

DIRECTORY is the plan store's, MAX_BYTES its size, SPACE in hexadecimal what tells this builder's plans from others'.

It listens first and loads then: workers that come meanwhile wait on their connection and need not start another.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from pathlib import Path

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import INTERNAL_SERVER_ERROR, SUPERGRAPH_INVALID
from kong_federation.gateway.builder.host import Host
from kong_federation.gateway.builder.keeper import StorePlace
from kong_federation.gateway.builder.service import PlannerLike, load_planner
from kong_federation.gateway.messages import Failed
from kong_federation.gateway.sockets import claim, give_up

_LOG = logging.getLogger("kong_federation.gateway.builder")


def main(arguments: list[str]) -> int:
    """Serve one supergraph; returns when nobody needs it any more."""
    path, planner, grace, *place = arguments
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.INFO)
    # A worker may have been started with signals blocked, and a process inherits that.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # Nobody else may connect to the socket that is made here.
    os.umask(0o077)
    listener = claim(Path(path))
    if listener is None:
        return 0
    try:
        host = Host(_load(planner, _take_input()), float(grace), _store(*place) if place else None)
        # What is loaded lives as long as the process: never look at it again, never copy its pages.
        gc.collect()
        gc.freeze()
        asyncio.run(host.run(listener))
    finally:
        give_up(Path(path), listener)
    return 0


def _store(directory: str, max_bytes: str, space: str) -> StorePlace:
    return StorePlace(Path(directory), int(max_bytes), bytes.fromhex(space))


def _take_input() -> str:
    """All of standard input; what it came from is let go of, so that its disk space is free again."""
    text = sys.stdin.buffer.read().decode()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return text


def _load(planner: str, sdl: str) -> PlannerLike | Failed:
    try:
        return load_planner(planner, sdl)
    except FederationErrors as errors:
        return Failed(errors.errors)
    except FederationError as error:
        return Failed((error,))
    except RecursionError:
        return Failed((FederationError(SUPERGRAPH_INVALID, "the supergraph is nested too deeply"),))
    except Exception:  # noqa: BLE001 - whatever it is, the workers are told and the log has it
        _LOG.exception("the supergraph cannot be loaded")
        return Failed((FederationError(INTERNAL_SERVER_ERROR, "the supergraph cannot be loaded, see the log"),))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
