"""Identical requests that change nothing share one exchange while it is under way."""

import asyncio

import pytest

from kong_federation.errors import FederationError
from kong_federation.strands import Strand
from kong_federation.transport import SubgraphPolicy, SubgraphRequest
from tests.transport.scripted import plain, serving
from tests.transport.test_connections import Gate, until

OK = plain(b"{}")
HEADERS = (("authorization", "ada"), ("traceparent", "00-1"))


def request(
    url: str, *, headers=HEADERS, body: bytes = b"{}", timeout: float = 5.0, safe: bool = True, subgraph: str = "shop"
) -> SubgraphRequest:
    return SubgraphRequest(subgraph, url, headers, body, timeout, safe=safe)


async def test_identical_queries_share_one_exchange(transport):
    gate = Gate()
    async with serving(gate) as server:
        futures = [transport.send(request(server.url)) for _ in range(5)]
        await until(lambda: gate.waiting == 1)
        futures += [transport.send(request(server.url)) for _ in range(5)]
        gate.open.set()
        answers = await asyncio.gather(*futures)
        assert all(answer is answers[0] for answer in answers)
        assert len({id(future) for future in futures}) == 10
        await transport.send(request(server.url))
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "headers",
    [
        (("authorization", "ada"), ("traceparent", "00-2")),
        (("authorization", "ada"), ("x-request-id", "7"), ("x-datadog-trace-id", "8")),
        (("authorization", "ada"),),
    ],
)
async def test_traces_do_not_tell_requests_apart(transport, headers):
    async with serving(OK) as server:
        await asyncio.gather(transport.send(request(server.url)), transport.send(request(server.url, headers=headers)))
    assert len(server.requests) == 1


async def test_request_ids_do_not_tell_requests_apart(transport):
    async with serving(OK) as server:
        ids = [SubgraphRequest("shop", server.url, HEADERS, b"{}", 5.0, safe=True, request_id=one) for one in "ab"]
        await asyncio.gather(*(transport.send(one) for one in ids))
    assert len(server.requests) == 1
    assert b"\r\nx-kong-request-id: a\r\n" in server.requests[0]


@pytest.mark.parametrize(
    "other",
    [
        {"headers": (("authorization", "eve"), ("traceparent", "00-1"))},
        {"headers": (("traceparent", "00-1"),)},
        {"headers": (*HEADERS, ("baggage", "tenant=2"))},
        {"headers": (*HEADERS, ("accept-language", "de"))},
        {"body": b"[]"},
        {"body": b"{} "},
        {"path": "other"},
    ],
)
async def test_different_requests_do_not_share(transport, other):
    async with serving(OK) as server:
        changes = {"url": server.url, **other}
        if "path" in changes:
            changes["url"] = server.url.replace("graphql", changes.pop("path"))
        await asyncio.gather(transport.send(request(server.url)), transport.send(request(**changes)))
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("size", "sent"),
    [
        # All three are told apart at once, and the first may still be joined.
        (100, [b"a", b"b"]),
        # They are looked up by their ends, where only the last can be found.
        (1000, [b"a", b"a", b"b"]),
    ],
)
async def test_bodies_that_differ_in_the_middle_do_not_share(transport, size, sent):
    bodies = [letter + b"x" * size for letter in (b"a", b"b", b"a")]
    gate = Gate()
    async with serving(gate) as server:
        futures = [transport.send(request(server.url, body=body)) for body in bodies]
        await until(lambda: gate.waiting == len(sent))
        gate.open.set()
        await asyncio.gather(*futures)
    assert sorted(one.partition(b"\r\n\r\n")[2][:1] for one in server.requests) == sent


async def test_mutations_never_share(transport):
    async with serving(OK) as server:
        await asyncio.gather(*(transport.send(request(server.url, safe=False)) for _ in range(3)))
        await asyncio.gather(transport.send(request(server.url)), transport.send(request(server.url, safe=False)))
    assert len(server.requests) == 5


async def test_nobody_joins_what_was_asked_before_a_mutation_ended(transport):
    gate = Gate()
    async with serving(gate) as slow, serving(OK) as quick:
        before = transport.send(request(slow.url))
        await until(lambda: gate.waiting == 1)
        joined = transport.send(request(slow.url))
        await transport.send(request(quick.url, safe=False))
        after = transport.send(request(slow.url))
        await until(lambda: gate.waiting == 2)
        gate.open.set()
        one, two, three = await asyncio.gather(before, joined, after)
    assert one is two
    assert three is not one


async def test_it_can_be_switched_off(transports):
    transport = transports(policies={"shop": SubgraphPolicy(deduplicate=False)})
    async with serving(OK) as server:
        await asyncio.gather(*(transport.send(request(server.url)) for _ in range(3)))
        assert len(server.requests) == 3
        await asyncio.gather(*(transport.send(request(server.url, subgraph="cart")) for _ in range(3)))
    assert len(server.requests) == 4


@pytest.mark.parametrize("gone", [0, 1, 2])
async def test_one_that_is_cancelled_leaves_the_exchange_to_the_others(transport, gone):
    gate = Gate()
    async with serving(gate) as server:
        futures = [transport.send(request(server.url)) for _ in range(3)]
        await until(lambda: gate.waiting == 1)
        futures.pop(gone).cancel()
        await asyncio.sleep(0.12)
        gate.open.set()
        assert [answer.status for answer in await asyncio.gather(*futures)] == [200, 200]
    assert len(server.requests) == 1


async def test_the_last_one_that_is_cancelled_gives_the_exchange_up(transport):
    gate = Gate()
    async with serving(gate) as server:
        futures = [transport.send(request(server.url)) for _ in range(3)]
        await until(lambda: gate.waiting == 1)
        for future in futures:
            future.cancel()
        (pool,) = transport._pools.values()
        await until(lambda: not pool._open)
        assert not any(lane.flights for lane, _ in transport._ways.values())
        server.script = Gate()
        server.script.open.set()
        assert (await transport.send(request(server.url))).status == 200
    assert len(server.requests) == 2


async def test_a_request_that_nobody_waits_for_is_still_worth_joining(transport):
    gate = Gate()
    async with serving(gate) as server:
        transport.send(request(server.url)).cancel()
        second = transport.send(request(server.url))
        gate.open.set()
        assert (await second).status == 200
    assert len(server.requests) == 1


@pytest.mark.parametrize("impatient", [0, 1])
async def test_each_waits_no_longer_than_its_own_time(transport, impatient):
    gate = Gate()
    async with serving(gate) as server:
        futures = [transport.send(request(server.url, timeout=0.03 if at == impatient else 5.0)) for at in range(2)]
        with pytest.raises(FederationError) as raised:
            await futures.pop(impatient)
        assert raised.value.code.name == "SUBREQUEST_TIMEOUT"
        assert "0.03 s" in raised.value.message
        gate.open.set()
        assert (await futures[0]).status == 200
    assert len(server.requests) == 1


async def test_an_error_is_everybodys_and_each_has_its_own(transport):
    async with serving(b"SSH-2.0\r\n\r\n") as server:
        futures = [transport.send(request(server.url)) for _ in range(3)]
        errors = await asyncio.gather(*futures, return_exceptions=True)
    assert {type(error) for error in errors} == {FederationError}
    assert len({id(error) for error in errors}) == 3


# --- Who waits on a strand goes on where the promise is kept ---


async def on_strands(*coroutines):
    """Run them on strands, and return what they return, or their errors."""
    strands = [Strand(one, [0]) for one in coroutines]
    for strand in strands:
        strand.resume()
    return await asyncio.gather(*strands, return_exceptions=True)


async def test_one_that_is_told_of_its_time_may_ask_the_same_again(transport):
    """It asks inside the look at the exchange that it has just been sent away from."""
    gate = Gate()
    async with serving(gate) as server:

        async def twice():
            with pytest.raises(FederationError, match="within"):
                await transport.send(request(server.url, timeout=0.03))
            gate.open.set()
            return await transport.send(request(server.url, timeout=0.5))

        answers = await on_strands(twice(), twice())
    assert [answer.status for answer in answers] == [200, 200]
    # The exchange was given up before they were told, so neither joined it, and the second joined the first.
    assert len(server.requests) == 2


async def test_one_that_is_told_of_its_time_may_join_those_who_have_more(transport):
    gate = Gate()
    async with serving(gate) as server:

        async def twice():
            with pytest.raises(FederationError, match="within"):
                await transport.send(request(server.url, timeout=0.03))
            again = transport.send(request(server.url))
            gate.open.set()
            return await again

        async def patient():
            return await transport.send(request(server.url))

        one, two = await on_strands(twice(), patient())
    assert one is two
    assert len(server.requests) == 1


async def test_one_that_has_its_answer_may_cancel_the_others(transport):
    async with serving(OK) as server:
        promises = [transport.send(request(server.url)) for _ in range(3)]

        async def first():
            await promises[0]
            return [promise.cancel() for promise in promises]

        assert await on_strands(first()) == [[False, True, True]]
    assert [promise.cancelled() for promise in promises] == [False, True, True]
