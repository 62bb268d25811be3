"""Gateways with a scripted builder and a subgraph in memory, and requests to them."""

import asyncio
import gc
import json
from dataclasses import dataclass, field

from kong_federation.executor import prepare
from kong_federation.gateway import Gateway, HttpRequest
from kong_federation.gateway.cache import Prepared, Sizes, Uses
from kong_federation.plan.nodes import Composite, OperationKind, QueryPlan, Variant
from kong_federation.settings import parse_settings
from kong_federation.transport import MemoryTransport, SubgraphResponse
from tests.gateway.scripted_planner import PROGRAM

URL = "http://a.test/graphql"
NOTHING = Composite("Query", abstract=False, variants=(Variant(("Query",), ()),))


async def echo(request):
    return SubgraphResponse(200, (), json.dumps({"data": {"me": "Ada"}}).encode())


@dataclass
class World:
    """Makes gateways of one runtime directory, and closes them at the end."""

    directory: object
    gateways: list = field(default_factory=list)
    transport: MemoryTransport = field(default_factory=lambda: MemoryTransport({URL: echo}))

    def script(self, **script):
        return json.dumps({"subgraphs": {"a": URL}, **script})

    def gateway(self, script=None, *, supergraph=None, **config):
        config["supergraph"] = supergraph or {"sdl": script or self.script()}
        gateway = Gateway(parse_settings(config), self.directory, program=PROGRAM, transport=self.transport)
        self.gateways.append(gateway)
        return gateway


def post(query, accept="application/graphql-response+json", **members):
    return HttpRequest(
        method="POST",
        headers={"content-type": ["application/json"], "accept": [accept]},
        body=json.dumps({"query": query, **members}).encode(),
        request_id="kong-1",
    )


def changed(request, **members):
    names = ("method", "query", "headers", "body", "request_id", "identity", "way")
    return HttpRequest(**{name: getattr(request, name) for name in names} | members)


def read(response):
    return response.status, json.loads(response.body)


def code(response):
    return json.loads(response.body)["errors"][0]["extensions"]["code"]


def prepared(weight=0, operation_name=""):
    """A plan that asks nobody."""
    executable = prepare(QueryPlan(OperationKind.QUERY, operation_name, None, NOTHING))
    return Prepared(executable, False, False, weight, 0, b"", "", Sizes(), Uses(b""), {})


class Watched:
    """Whether something is still there; of a kind that may be compiled, and then there are no weak references to it."""

    def __init__(self, one):
        self.kind, self.number = type(one), id(one)

    def __call__(self, successor=None):
        """It, if it is still there; another that has come since may have its place in memory."""
        there = (one for one in gc.get_objects() if id(one) == self.number and type(one) is self.kind)
        return next((one for one in there if one is not successor), None)


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)
