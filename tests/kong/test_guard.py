"""What is admitted; `test_event` has what becomes of replays."""

import asyncio
import json
import time

import pytest

from kong_federation.gateway import HttpRequest
from kong_federation.kong import FUNCTIONS
from kong_federation.kong import guard as module
from kong_federation.kong.guard import lone_guard, refusal
from kong_federation.kong.quarantine import digest_of

ID = "b55f5f0d1bc813098bcbe461fff74902"
QUERY = b'{"query":"{ a }"}'
MUTATION = b'{"query":"mutation { a }"}'


class Channel:
    def __init__(self, started=0.0):
        self.started = started
        self.asked = 0

    async def call(self, calls):
        assert [name for name, _ in calls.calls] == ["kong.nginx.req_start_time"]
        self.asked += 1
        return [FUNCTIONS["kong.nginx.req_start_time"].result.encode(self.started)]


def request(body, method="POST", query=""):
    return HttpRequest(method, query, {}, body, ID)


def code(answer):
    return json.loads(answer.body)["errors"][0]["extensions"]["code"]


@pytest.fixture
def guard():
    return lone_guard()


async def answer_to(asked, graph, guard, channel=None):
    """The refusal of a request, if it is not run."""
    admitted = guard.admit(asked, graph)
    return await refusal(admitted, asked, guard, channel or Channel()) if guard.doubts(admitted) else None


async def test_a_mutation_that_may_have_been_begun_by_another_server_is_not_run(guard):
    young, old = Channel(time.time() + 1), Channel(guard.flights.since - 0.001)
    asked = request(MUTATION)
    admitted = guard.admit(asked, b"g")
    assert code(await refusal(admitted, asked, guard, old)) == "REQUEST_INTERRUPTED"
    admitted.over(answered=True)
    assert await answer_to(asked, b"g", guard, young) is None


async def test_queries_are_not_asked_how_old_they_are(guard):
    pdk = Channel()
    assert await answer_to(request(QUERY), b"g", guard, pdk) is None
    assert await answer_to(request(b"", "GET", "query={a}"), b"h", lone_guard(), pdk) is None
    assert pdk.asked == 0


@pytest.mark.parametrize("how", ["shared", "later"])
async def test_nobody_is_asked_when_the_table_knows_all(guard, how, monkeypatch):
    if how == "shared":
        guard.flights.since = 0.0
    else:
        later = module.monotonic() + 1000
        monkeypatch.setattr(module, "monotonic", lambda: later)
    pdk = Channel()
    assert await answer_to(request(MUTATION), b"g", guard, pdk) is None
    assert pdk.asked == 0


async def test_who_is_in_quarantine_is_told_when_to_come_again(guard):
    guard.quarantine.impose(digest_of(b"g", QUERY), 42)
    answer = await answer_to(request(QUERY), b"g", guard)
    assert (answer.status, code(answer)) == (503, "REQUEST_QUARANTINED")
    assert 40 <= int(dict(answer.headers)["retry-after"]) <= 42
    assert await answer_to(request(QUERY), b"another graph", guard) is None


async def test_a_request_is_under_way_until_kong_has_the_answer(guard):
    admitted = guard.admit(request(QUERY), b"g")
    assert guard.flights.begin(ID, b"").deaths == 1, "its worker might have died with the answer"
    admitted.over(answered=True)
    assert guard.flights.begin(ID, b"").deaths == 0


@pytest.mark.parametrize(("body", "deaths"), [(QUERY, 0), (MUTATION, 1)])
async def test_a_mutation_whose_connection_was_lost_is_not_forgotten(guard, body, deaths):
    """Kong may send it again while it runs."""
    guard.flights.since = 0.0
    guard.admit(request(body), b"g").over(answered=False)
    assert guard.flights.begin(ID, b"").deaths == deaths


async def test_a_refused_request_stays_in_the_table_for_the_inquest(guard):
    """The worker that refuses may be quicker than the supervisor, which asks the table what the last one died of."""
    guard.flights.begin(ID, b"d" * 16, worker=1)
    guard.flights.begin(ID, b"d" * 16, worker=2)
    admitted = guard.admit(request(QUERY), b"g")
    assert admitted.deaths == 2
    admitted.over(answered=True)
    assert [left.place for left in guard.flights.left_by(2)] == [admitted.place]


@pytest.mark.parametrize("judged", [False, True])
async def test_a_refusal_waits_for_the_inquest_but_not_for_ever(guard, judged, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    guard.flights.begin(ID, b"d" * 16, worker=1)
    guard.flights.begin(ID, b"d" * 16, worker=2)
    answer = asyncio.create_task(answer_to(request(QUERY), b"g", guard))
    await asyncio.sleep(0.05)
    assert not answer.done()
    if judged:
        guard.flights.left_by(1)
        guard.flights.left_by(2)
        monkeypatch.setattr(module, "_PATIENCE", 60.0)
    assert code(await answer) == "REQUEST_QUARANTINED"


async def test_who_has_lost_a_connection_and_lives_is_not_waited_for(guard, monkeypatch):
    """Kong sends a mutation again whose connection was cut, at once and more than once."""
    monkeypatch.setattr(module, "_PATIENCE", 60.0)
    monkeypatch.setattr(module, "_INQUEST", 0.01)
    guard.flights.since = 0.0
    guard.admit(request(MUTATION), b"g").over(answered=False)
    for deaths in (1, 2, 3):
        again = guard.admit(request(MUTATION), b"g")
        async with asyncio.timeout(10):
            assert code(await refusal(again, request(MUTATION), guard, Channel())) == "REQUEST_INTERRUPTED"
        assert again.deaths == deaths
        again.over(answered=False)
        await asyncio.sleep(0.05)
    guard.admit(request(MUTATION), b"g").over(answered=True)
    await asyncio.sleep(0.05)
    assert guard.flights.begin(ID, b"").deaths == 0, "Kong has its answer"
