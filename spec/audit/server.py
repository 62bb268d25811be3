"""
All subgraphs of the audit in one process: `POST /SUITE/SUBGRAPH`.

    python -m spec.audit.server --port 4200

`GET /log` lists what was asked and answered since the start or the last `DELETE /log`. With `--until-stdin-closes` the
server ends with the process that holds the other end of its standard input, however that one ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import deque
from typing import Any, Final

from aiohttp import web

from spec.audit.suite import suites

# Enough for a whole run; a server left to itself for days must not grow.
LOG_ENTRIES: Final = 10_000


class Service:
    """
    The HTTP face of every suite's subgraphs.

    Args:
        strict: Whether resolvers that only a poor plan would call throw.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._subgraphs = {
            (suite.name, name): subgraph
            for suite in suites()
            for name, subgraph in suite.subgraphs(strict=strict).items()
        }
        self._log: deque[dict[str, Any]] = deque(maxlen=LOG_ENTRIES)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=16 * 1024 * 1024)
        application.router.add_get("/log", self._read_log)
        application.router.add_delete("/log", self._empty_log)
        application.router.add_post("/{suite}/{subgraph}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.Response:
        suite, name = request.match_info["suite"], request.match_info["subgraph"]
        subgraph = self._subgraphs.get((suite, name))
        if subgraph is None:
            return web.json_response({"errors": [{"message": f"no subgraph {suite}/{name}"}]}, status=404)
        try:
            body = await request.json()
            query, variables, operation_name = body["query"], body.get("variables"), body.get("operationName")
        except (ValueError, TypeError, KeyError, AttributeError):
            return web.json_response({"errors": [{"message": "expected a JSON object with a query"}]}, status=400)
        answer = await subgraph.answer(query, variables, operation_name)
        self._log.append(
            {"suite": suite, "subgraph": name, "query": query, "variables": variables, "answer": answer},
        )
        return web.json_response(answer)

    async def _read_log(self, _: web.Request) -> web.Response:
        return web.json_response(list(self._log))

    async def _empty_log(self, _: web.Request) -> web.Response:
        self._log.clear()
        return web.Response(status=204)


async def serve(port: int, *, strict: bool = False, until_stdin_closes: bool = False) -> None:
    """Serve on 127.0.0.1 until cancelled, and say where in one line of JSON."""
    runner = web.AppRunner(Service(strict=strict).application(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        host, bound = runner.addresses[0][:2]
        print(json.dumps({"url": f"http://{host}:{bound}"}), flush=True)
        await (_stdin_closed() if until_stdin_closes else asyncio.Event().wait())
    finally:
        await runner.cleanup()


async def _stdin_closed() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m spec.audit.server", description="The audit's subgraphs.")
    parser.add_argument("--port", type=int, default=4200, help="default 4200, which the supergraphs name; 0: any")
    parser.add_argument("--strict", action="store_true", help="throw where only a poor plan would ask")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input does")
    given = parser.parse_args()
    try:
        asyncio.run(serve(given.port, strict=given.strict, until_stdin_closes=given.until_stdin_closes))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
