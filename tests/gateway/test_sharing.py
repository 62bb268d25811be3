"""Identical queries share one execution, and nothing else is shared."""

import asyncio
import json

import pytest

from kong_federation.executor import Result
from kong_federation.gateway import HttpRequest
from kong_federation.gateway.cache import PlanKey
from kong_federation.gateway.identity import Identity
from kong_federation.gateway.sharing import Sharing, sharing_key
from kong_federation.transport import SubgraphResponse
from tests.gateway.gateway_world import URL, post, read, until

PLAN = PlanKey("{ me }", None, frozenset())


def key(headers=None, variables=None, identity=None, plan=PLAN):
    request = HttpRequest("POST", "", headers or {}, b"", "1", *([identity] if identity else []))
    return sharing_key(request, plan, variables or {})


def test_what_tells_requests_apart_does_not_tell_queries_apart():
    assert key({"traceparent": ["1"], "a": ["x"]}) == key({"a": ["x"], "x-request-id": ["2"], "content-length": ["9"]})


@pytest.mark.parametrize(
    "other",
    [
        key({"authorization": ["ada"]}),
        key({"baggage": ["tenant=1"]}),
        key({"user-agent": ["a rule may send it on"]}),
        key({"connection": ["authorization"]}),
        key(variables={"a": 1}),
        key(identity=Identity(consumer_id="ada")),
        key(plan=PlanKey("{ me }", "other", frozenset())),
        key(plan=PlanKey("{ me }", None, frozenset({"label"}))),
    ],
)
def test_whatever_may_change_an_answer_is_part_of_the_key(other):
    assert other != key()


async def test_the_last_one_that_leaves_ends_the_execution():
    sharing, ended = Sharing(), asyncio.Event()
    begun = 0

    async def execute():
        nonlocal begun
        begun += 1
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return Result({})

    waiting = [asyncio.ensure_future(sharing.result("key", execute)) for _ in range(3)]
    await asyncio.sleep(0)
    for one in waiting[:2]:
        one.cancel()
    await asyncio.gather(*waiting[:2], return_exceptions=True)
    assert (begun, ended.is_set(), len(sharing)) == (1, False, 1)
    waiting[2].cancel()
    await asyncio.gather(waiting[2], return_exceptions=True)
    await ended.wait()
    assert len(sharing) == 0


async def test_a_failure_is_everybodys_and_is_forgotten():
    sharing = Sharing()

    async def fail():
        raise ValueError

    outcomes = await asyncio.gather(*(sharing.result("key", fail) for _ in range(2)), return_exceptions=True)
    assert [type(one) for one in outcomes] == [ValueError, ValueError]
    await asyncio.sleep(0)
    assert len(sharing) == 0


async def test_who_comes_while_an_execution_is_given_up_begins_another_that_can_be_joined():
    sharing, begun = Sharing(), []

    async def execute():
        begun.append(1)
        await asyncio.sleep(0.01)
        return Result({})

    leaving = asyncio.ensure_future(sharing.result("key", execute))
    await asyncio.sleep(0)
    leaving.cancel()
    first = asyncio.ensure_future(sharing.result("key", execute))
    await asyncio.gather(leaving, return_exceptions=True)
    await asyncio.sleep(0.001)
    await asyncio.gather(first, sharing.result("key", execute))
    assert len(begun) == 2


async def test_a_client_reads_what_it_wrote(world):
    gateway = world.gateway(operations={"deduplicate": True})
    await gateway.handle(post("{ me }"))
    name, may_end = "Ada", asyncio.Event()

    async def answer(request):
        nonlocal name
        if not request.safe:
            name = "Bo"
            return SubgraphResponse(200, (), b'{"data": {"rename": "Bo"}}')
        known = name
        if known == "Ada":
            await may_end.wait()
        return SubgraphResponse(200, (), json.dumps({"data": {"me": known}}).encode())

    world.transport._handlers[URL] = answer
    before = asyncio.ensure_future(gateway.handle(post("{ me }")))
    await asyncio.sleep(0.01)
    assert read(await gateway.handle(post("mutation { rename }")))[1]["data"] == {"rename": "Bo"}
    async with asyncio.timeout(5):
        assert read(await gateway.handle(post("{ me }")))[1]["data"] == {"me": "Bo"}
    may_end.set()
    assert read(await before)[1]["data"] == {"me": "Ada"}


@pytest.mark.parametrize(("switched", "subrequests"), [(True, 1), (False, 3)])
async def test_identical_queries_of_clients_are_executed_once_if_that_is_switched_on(world, switched, subrequests):
    gateway = world.gateway(operations={"deduplicate": switched})
    await gateway.handle(post("{ me }"))
    asked = []

    async def slow(request):
        asked.append(request)
        await asyncio.sleep(0.05)
        return SubgraphResponse(200, (), json.dumps({"data": {"me": "Ada"}}).encode())

    world.transport._handlers[URL] = slow
    asking = asyncio.gather(*(gateway.handle(post("{ me }")) for _ in range(3)))
    await asyncio.sleep(0.01)
    # What is in a key lives as long as it: the identity of a plan that was given up could become another's.
    tier = gateway._generation.recall(PlanKey("{ me }", None, frozenset())).executable.tier
    assert [plan for plan, *_ in gateway._sharing._running] == [(gateway._generation, tier)] * switched
    answers = await asking
    assert [read(answer) for answer in answers] == [(200, {"data": {"me": "Ada"}})] * 3
    assert len(asked) == subrequests


async def test_a_mutation_of_the_supergraph_before_is_waited_for_too(world):
    """A query that began before it was over may have missed what it changed, whatever supergraph it was planned for."""
    file = world.directory.with_name("supergraph.json")
    file.write_text(world.script(), encoding="utf-8")
    gateway = world.gateway(
        supergraph={"path": str(file), "poll_interval": 20},
        operations={"deduplicate": True},
        subgraph_defaults={"deduplicate": False},
    )
    for query in ("{ me }", "mutation { me }"):
        assert (await gateway.handle(post(query))).status == 200
    written, read_ = asyncio.Event(), asyncio.Event()
    asked = []

    async def slow(request):
        asked.append(request)
        await (written if b"mutation" in request.body else read_).wait()
        return SubgraphResponse(200, (), b'{"data":{"me":"Ada"}}')

    world.transport._handlers[URL] = slow
    before = gateway._generation
    writing = asyncio.ensure_future(gateway.handle(post("mutation { me }")))
    await until(lambda: len(asked) == 1)
    file.write_text(world.script(version=2), encoding="utf-8")
    await until(lambda: gateway._generation is not before)
    first = asyncio.ensure_future(gateway.handle(post("{ me }")))
    await until(lambda: len(asked) == 2)
    written.set()
    await writing
    second = asyncio.ensure_future(gateway.handle(post("{ me }")))
    await until(lambda: len(asked) == 3)
    read_.set()
    assert [answer.status for answer in await asyncio.gather(first, second)] == [200, 200]
