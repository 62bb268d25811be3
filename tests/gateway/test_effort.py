"""
What a request costs, counted in calls: a guard that no busy machine can fool.

Every call of a Python function and of a built-in one counts, from the request to the answer, for an operation whose
plan has been compiled; subgraphs answer from memory. `effort.json` has the figures.

What an event costs around that is counted in `tests/pluginserver/test_effort.py`, what an exchange with a subgraph
costs in `tests/transport/test_effort.py`.
"""

import asyncio

import orjson
import pytest

from bench.questions import questions
from bench.world import SUBGRAPHS, WORKLOAD, Tables, subgraph
from kong_federation.gateway import Gateway, HttpRequest
from kong_federation.settings import parse_settings
from kong_federation.transport import SubgraphResponse
from tests.counting import assert_no_dearer, counting
from tests.gateway.gateway_world import until

URL = "http://subgraphs.test/"


class Remembering:
    """Subgraphs that answer at once, from memory when they are asked the same again."""

    def __init__(self):
        tables = Tables.load()
        self.graphs = {name: subgraph(name, tables) for name in SUBGRAPHS}
        self.answers = {}

    def send(self, request):
        asked = (request.subgraph, request.body)
        if asked not in self.answers:
            answer = self.graphs[request.subgraph].answer(orjson.loads(request.body))
            self.answers[asked] = SubgraphResponse(200, (), orjson.dumps(answer))
        future = asyncio.get_running_loop().create_future()
        future.set_result(self.answers[asked])
        return future

    async def close(self):
        pass


async def calls_of(gateway, request):
    """The calls that one request makes, and its answer."""
    with counting() as count:
        response = await gateway.handle(request)
    return count.calls, response


@pytest.mark.parametrize("name", ["users", "hop2", "big"])
async def test_a_request_makes_no_more_calls_than_it_did(name, tmp_path):
    question = next(one for one in questions() if one.name == name)
    settings = parse_settings(
        {
            "supergraph": {"path": str(WORKLOAD / "supergraph.graphql")},
            "subgraphs": [{"name": one, "url": URL + one} for one in SUBGRAPHS],
        }
    )
    headers = {"host": ["api.test"], "content-type": ["application/json"], "accept": ["application/json"]}
    request = HttpRequest("POST", "", headers, question.request, "0" * 32)
    gateway = Gateway(settings, tmp_path, transport=Remembering())
    try:
        while (await gateway.handle(request)).status != 200:
            pass
        (plan,) = gateway._generation._cache._plans.values()
        await gateway.handle(request)
        await until(lambda: plan.executable.tier.program() is not None)
        # The fewest of a few: now and then the cyclic garbage collector calls something, too.
        counted, response = min([await calls_of(gateway, request) for _ in range(5)], key=lambda one: one[0])
    finally:
        await gateway.close()
    assert question.is_right(response.body)
    assert plan.executable.tier.given_up == 0
    assert_no_dearer(__file__, name, counted)
