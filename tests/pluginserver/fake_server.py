"""
The real supervisor and workers with a gateway that does what the request's body says. Run as a program:

    fake_server.py SOCKET RUNTIME_DIRECTORY WORKERS DRAIN
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from functools import partial
from pathlib import Path

from kong_federation.gateway import HttpRequest, HttpResponse
from kong_federation.kong.flights import Flights
from kong_federation.pluginserver import logs
from kong_federation.pluginserver.listener import SocketOptions, identity, listen, remove
from kong_federation.pluginserver.supervisor import Supervisor
from kong_federation.pluginserver.worker import WorkerOptions, run_worker
from kong_federation.settings import Settings


class Obedient:
    """`pid`: the worker's process id; `sleep N`; `die`; `raise`."""

    def __init__(self, settings: Settings) -> None:
        self.name = settings.supergraph.sdl

    def start(self) -> None:
        pass

    async def handle(self, request: HttpRequest) -> HttpResponse:
        word, _, argument = request.body.decode().partition(" ")
        if word == "sleep":
            await asyncio.sleep(float(argument))
        elif word == "die":
            os._exit(3)
        elif word == "raise":
            raise ValueError(argument)
        return HttpResponse(200, (("x-sdl", str(self.name)),), str(os.getpid()).encode())

    async def close(self) -> None:
        logging.getLogger().info("gateway closed")


def main() -> None:
    path, directory, workers, drain = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    logs.configure("debug")
    listening = listen(SocketOptions(path))
    mine = identity(path)
    work = partial(run_worker, Obedient, WorkerOptions(directory, drain), Flights(100))
    Supervisor(listening, work, workers, drain).run()
    remove(path, mine)


if __name__ == "__main__":
    main()
