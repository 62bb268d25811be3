"""The decision of one event, with a channel that answers at once."""

import asyncio
import json
import time

import pytest

from kong_federation.gateway import Facts, HttpResponse, Passage
from kong_federation.gateway.facts import Kind
from kong_federation.gateway.passage import Destination
from kong_federation.kong import FUNCTIONS, Exit, FrameReader, RawBody, Service
from kong_federation.kong.conversation import Conversation
from kong_federation.kong.event import Proceed, Restart, decide, opening
from kong_federation.kong.guard import lone_guard
from kong_federation.kong.instances import InstanceFiles
from kong_federation.kong.pdk import EventOver
from kong_federation.kong.quarantine import digest_of
from kong_federation.kong.runtime import Runtime, Tenant
from kong_federation.settings import parse_settings

LIMITS = parse_settings({"supergraph": {"sdl": "x"}}).limits


class Channel:
    def __init__(self, **changes):
        self.asked = []
        self.results = {
            "kong.request.get_raw_body": RawBody(content=b"{}"),
            "kong.request.get_headers": {"a": "1"},
            "kong.request.get_method": "GET",
            "kong.request.get_raw_query": "query=%7Ba%7D",
            "kong.nginx.get_var": "id",
            "kong.nginx.req_start_time": time.time(),
            **changes,
        }

    def enter(self, entry):
        self.entry = entry

    async def call(self, calls):
        self.asked.append([name for name, _ in calls.calls])
        results = [self.results[name] for name, _ in calls.calls]
        if EventOver in results:
            raise EventOver
        return [FUNCTIONS[name].result.encode(self.results[name]) for name, _ in calls.calls]


class Gateway:
    def __init__(self, answer=None):
        self.answer = answer or HttpResponse(200, (("a", "b"),), b"answer")
        self.request = None
        self.passage = None

    def start(self):
        pass

    async def handle(self, request):
        self.request = request
        return self.answer

    async def pass_or_handle(self, request):
        self.request = request
        return self.passage or self.answer

    async def close(self):
        pass


@pytest.fixture
def runtime(tmp_path):
    return Runtime(InstanceFiles(tmp_path), lambda _: Gateway(), lone_guard())


async def answer_to(channel, phase, tenant, runtime):
    """As a session handles an event."""
    asked = opening(phase, tenant)
    if asked is None:
        return Proceed()
    return await decide(channel, tenant, runtime, await channel.call(asked))


def tenant(gateway):
    return Tenant("digest", gateway, LIMITS, 0.0)


async def test_a_request_becomes_an_answer(runtime):
    gateway = Gateway()
    channel = Channel()
    assert await answer_to(channel, "access", tenant(gateway), runtime) == Exit(200, (("a", "b"),), b"answer")
    assert (gateway.request.method, gateway.request.query) == ("GET", "query=%7Ba%7D")
    assert (gateway.request.headers, gateway.request.request_id) == ({"a": ["1"]}, "id")
    assert [len(names) for names in channel.asked] == [4, 1]


async def test_facts_are_told_with_the_answer(runtime):
    conversation = Conversation(parse_settings({"supergraph": {"sdl": "x"}}))
    gateway = Gateway(HttpResponse(200, (), b"answer", Facts(Kind(operation_name="Q"))))
    channel = Channel()
    decision = await answer_to(channel, "access", Tenant("digest", gateway, LIMITS, 0.0, conversation), runtime)
    assert decision == Exit(200, (), b"answer")
    names = FrameReader().feed(channel.told)[::2]
    assert names == [b"kong.log.set_serialize_value", b"kong.ctx.shared.set"]


async def test_a_post_is_asked_in_one_write(runtime):
    body = RawBody(content=b'{"query":"{ a }"}')
    channel = Channel(**{"kong.request.get_method": "POST", "kong.request.get_raw_body": body})
    await answer_to(channel, "access", tenant(Gateway()), runtime)
    assert [len(names) for names in channel.asked] == [4]


async def test_other_phases_are_not_ours(runtime):
    channel = Channel()
    assert await answer_to(channel, "log", tenant(Gateway()), runtime) == Proceed()
    assert channel.asked == []


async def test_an_unknown_instance(runtime):
    assert await answer_to(Channel(), "access", None, runtime) == Restart()
    refused = await answer_to(Channel(), "access", None, runtime)
    assert refused.status == 503
    assert json.loads(refused.body)["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"


async def test_kong_having_gone_is_nobodys_fault(runtime):
    with pytest.raises(EventOver):
        await answer_to(Channel(**{"kong.request.get_raw_query": EventOver}), "access", tenant(Gateway()), runtime)


async def test_a_spooled_body_is_read(runtime, tmp_path):
    (tmp_path / "body").write_bytes(b"spooled")
    gateway = Gateway()
    spooled = RawBody(path=str(tmp_path / "body"))
    channel = Channel(**{"kong.request.get_method": "POST", "kong.request.get_raw_body": spooled})
    await answer_to(channel, "access", tenant(gateway), runtime)
    assert gateway.request.body == b"spooled"


QUERY = b'{"query":"{ a }"}'


@pytest.mark.parametrize(
    ("method", "body", "statuses"),
    [
        ("POST", QUERY, [200, 503]),
        ("GET", b"", [200, 503]),
        ("POST", b'{"query":"mutation { a }"}', [500, 500]),
        ("POST", rb'{"query":"\u006dutation { a }"}', [500, 500]),
        ("POST", b'{"id":"by another name"}', [500, 500]),
    ],
)
async def test_what_comes_again_after_a_death_is_run_once_more_if_it_is_a_query(
    runtime, method, body, statuses, monkeypatch
):
    monkeypatch.setattr("kong_federation.kong.guard._INQUEST", 0.0)
    request_id = "b55f5f0d1bc813098bcbe461fff74902"
    changes = {
        "kong.request.get_method": method,
        "kong.request.get_raw_body": RawBody(content=body),
        "kong.nginx.get_var": request_id,
    }

    for deaths, status in enumerate(statuses, 1):
        for _ in range(deaths):
            runtime.guard.flights.begin(request_id, b"")
        gateway = Gateway()
        channel = Channel(**changes)
        answer = await answer_to(channel, "access", tenant(gateway), runtime)
        channel.entry.over(answered=True)
        await asyncio.sleep(0.01)
        assert answer.status == status
        assert (gateway.request is None) == (status != 200)
        if status != 200:
            code = json.loads(answer.body)["errors"][0]["extensions"]["code"]
            assert code == {500: "REQUEST_INTERRUPTED", 503: "REQUEST_QUARANTINED"}[status]

    assert (await answer_to(Channel(**changes), "access", tenant(Gateway()), runtime)).status == 200, "it was answered"


async def test_an_answer_clears_a_suspect_and_a_failure_of_ours_does_not(runtime):
    digest = digest_of(b"digest", b"query=%7Ba%7D")
    runtime.guard.quarantine.watch(digest)
    broken = Gateway()
    broken.handle = None
    assert (await answer_to(Channel(), "access", tenant(broken), runtime)).status == 500
    assert not runtime.guard.quarantine.was_answered(digest)
    assert (await answer_to(Channel(), "access", tenant(Gateway()), runtime)).status == 200
    assert runtime.guard.quarantine.was_answered(digest)


async def test_a_body_that_is_not_a_posts_is_not_read(runtime):
    gateway = Gateway()
    changes = {"kong.request.get_method": "PUT", "kong.request.get_raw_body": RawBody(path="/missing")}
    assert (await answer_to(Channel(**changes), "access", tenant(gateway), runtime)).status == 200
    assert (gateway.request.method, gateway.request.body) == ("PUT", b"")


PASSING = {"supergraph": {"sdl": "x"}, "passthrough": {"enabled": True}, "security": {"mask_errors": False}}
STEERED = {
    "kong.request.get_method": "POST",
    "kong.request.get_raw_body": RawBody(content=b'{"query":"{ a }"}'),
    "kong.router.get_service": Service(protocol="http", host="closed"),
    "kong.service.set_target": None,
    "kong.service.set_upstream": True,
    "kong.service.request.set_path": None,
    "kong.service.request.set_raw_query": None,
    "kong.service.request.set_headers": None,
    "kong.service.request.set_raw_body": None,
}


@pytest.mark.parametrize(
    ("upstream", "changes", "passed"),
    [("", {}, True), ("up", {}, True), ("up", {"kong.service.set_upstream": False}, False)],
)
async def test_kong_is_steered_and_goes_on(runtime, upstream, changes, passed):
    gateway = Gateway()
    gateway.passage = Passage("a", Destination("a", 80, "a", "/", "", upstream), (), b"{}")
    asking = Tenant("digest", gateway, LIMITS, 0.0, Conversation(parse_settings(PASSING)))
    channel = Channel(**{**STEERED, **changes})
    decision = await answer_to(channel, "access", asking, runtime)
    assert [len(calls) for calls in channel.asked] == [5, 5]
    # An upstream that Kong does not have is no reason to leave the client without an answer.
    assert decision == (Proceed() if passed else Exit(200, (("a", "b"),), b"answer"))


async def test_what_is_not_passed_through_is_answered(runtime):
    asking = Tenant("digest", Gateway(), LIMITS, 0.0, Conversation(parse_settings(PASSING)))
    assert (await answer_to(Channel(**STEERED), "access", asking, runtime)).status == 200
