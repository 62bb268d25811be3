"""What is admitted; `test_event` has what becomes of replays."""

import json
import time

import pytest

from kong_federation.gateway import HttpRequest, HttpResponse
from kong_federation.kong import FUNCTIONS, Exit
from kong_federation.kong import guard as module
from kong_federation.kong.guard import admit, lone_guard, run
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

    def when_over(self, call, repeatable):
        self.over = call


def request(body, method="POST", query=""):
    return HttpRequest(method, query, {}, body, ID)


def code(answer):
    return json.loads(answer.body)["errors"][0]["extensions"]["code"]


@pytest.fixture
def guard():
    return lone_guard()


async def test_a_mutation_that_may_have_been_begun_by_another_server_is_not_run(guard):
    young, old = Channel(time.time() + 1), Channel(guard.flights.since - 0.001)
    assert code(await admit(request(MUTATION), b"g", guard, old)) == "REQUEST_INTERRUPTED"
    old.over(True)
    assert not isinstance(await admit(request(MUTATION), b"g", guard, young), Exit)


async def test_queries_are_not_asked_how_old_they_are(guard):
    pdk = Channel()
    assert not isinstance(await admit(request(QUERY), b"g", guard, pdk), Exit)
    assert not isinstance(await admit(request(b"", "GET", "query={a}"), b"h", lone_guard(), pdk), Exit)
    assert pdk.asked == 0


@pytest.mark.parametrize("how", ["shared", "later"])
async def test_nobody_is_asked_when_the_table_knows_all(guard, how, monkeypatch):
    if how == "shared":
        guard.flights.since = 0.0
    else:
        later = module.monotonic() + 1000
        monkeypatch.setattr(module, "monotonic", lambda: later)
    pdk = Channel()
    assert not isinstance(await admit(request(MUTATION), b"g", guard, pdk), Exit)
    assert pdk.asked == 0


async def test_who_is_in_quarantine_is_told_when_to_come_again(guard):
    guard.quarantine.impose(digest_of(b"g", QUERY), 42)
    answer = await admit(request(QUERY), b"g", guard, Channel())
    assert (answer.status, code(answer)) == (503, "REQUEST_QUARANTINED")
    assert 40 <= int(dict(answer.headers)["retry-after"]) <= 42
    assert not isinstance(await admit(request(QUERY), b"another graph", guard, Channel()), Exit)


async def test_an_answer_clears_and_a_failure_does_not(guard):
    digest = digest_of(b"g", QUERY)
    guard.quarantine.watch(digest)

    async def fail():
        raise ValueError("as it should")

    async def answer():
        return HttpResponse(200, (), b"")

    channel = Channel()
    with pytest.raises(ValueError, match="as it should"):
        await run(await admit(request(QUERY), b"g", guard, channel), guard, fail())
    assert not guard.quarantine.was_answered(digest)
    channel.over(True)
    await run(await admit(request(QUERY), b"g", guard, channel), guard, answer())
    assert guard.quarantine.was_answered(digest)


async def test_a_request_is_under_way_until_kong_has_the_answer(guard):
    channel = Channel()
    admitted = await admit(request(QUERY), b"g", guard, channel)
    await run(admitted, guard, done())
    assert guard.flights.begin(ID, b"").deaths == 1, "its worker might have died with the answer"
    channel.over(True)
    assert guard.flights.begin(ID, b"").deaths == 0


async def done():
    return HttpResponse(200, (), b"")


@pytest.mark.parametrize(("body", "deaths"), [(QUERY, 0), (MUTATION, 1)])
async def test_a_mutation_whose_connection_was_lost_is_not_forgotten(guard, body, deaths):
    """Kong may send it again while it runs."""
    guard.flights.since = 0.0
    channel = Channel()
    await admit(request(body), b"g", guard, channel)
    channel.over(False)
    assert guard.flights.begin(ID, b"").deaths == deaths
