"""
The real supervisor and workers with a gateway that does what the request's body says. Run as a program:

    fake_server.py SOCKET RUNTIME_DIRECTORY WORKERS DRAIN [OPTIONS]

OPTIONS is JSON: `stuck` and `quarantine` in seconds, `memory` in MB, `replace`, `health` as a port.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from functools import partial
from pathlib import Path

from kong_federation.gateway import HttpRequest, HttpResponse
from kong_federation.kong.flights import Flights
from kong_federation.kong.pulse import pulses
from kong_federation.kong.quarantine import Quarantine
from kong_federation.pluginserver import logs
from kong_federation.pluginserver.health import run_health
from kong_federation.pluginserver.inquest import Inquest
from kong_federation.pluginserver.listener import Door, SocketOptions
from kong_federation.pluginserver.supervisor import Supervisor, SupervisorOptions
from kong_federation.pluginserver.worker import Shared, WorkerOptions, run_worker
from kong_federation.settings import Settings


class Obedient:
    """`pid`: the worker's process id; `sleep N`; `die`, `later` (off its code); `spin`; `grow N`; `raise`."""

    def __init__(self, settings: Settings) -> None:
        self.name = settings.supergraph.sdl
        self.kept: list[bytes] = []
        self.refreshed = 0

    def start(self) -> None:
        pass

    def refresh(self) -> None:
        self.refreshed += 1

    async def handle(self, request: HttpRequest) -> HttpResponse:
        word, _, argument = request.body.decode().partition(" ")
        argument = argument.partition("#")[0]
        if word == "sleep":
            await asyncio.sleep(float(argument))
        elif word == "die":
            os._exit(3)
        elif word == "later":
            asyncio.get_running_loop().call_later(0.05, os._exit, 4)
            await asyncio.sleep(30)
        elif word == "spin":
            while True:
                pass
        elif word == "grow":
            self.kept.append(os.urandom(int(argument) * 2**20))
        elif word == "raise":
            raise ValueError(argument)
        elif word == "refreshed":
            return HttpResponse(200, (), str(self.refreshed).encode())
        return HttpResponse(200, (("x-sdl", str(self.name)),), str(os.getpid()).encode())

    async def close(self) -> None:
        logging.getLogger().info("gateway closed")


def main() -> None:
    path, directory, workers, drain = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    options = json.loads(sys.argv[5]) if len(sys.argv) > 5 else {}
    logs.configure("debug")
    door = Door(SocketOptions(path, replace=options.get("replace", False)))
    shared = Shared(Flights(100, door.predecessor), Quarantine())
    board = pulses(2 + 2 * workers)
    kept = SupervisorOptions(workers, os.getppid(), drain, options.get("stuck", 10.0), options.get("memory", 0) * 2**20)
    work = partial(run_worker, Obedient, WorkerOptions(directory, drain), shared)
    inquest = Inquest(shared.flights, shared.quarantine, options.get("quarantine", 60.0))
    health = options.get("health")
    helpers = [("health", partial(run_health, ("127.0.0.1", health), board))] if health else []
    Supervisor(door, work, kept, inquest, board, helpers).run()


if __name__ == "__main__":
    main()
