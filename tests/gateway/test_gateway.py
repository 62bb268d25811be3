"""One request through the whole gateway, with a scripted builder."""

import asyncio
import gc
import json
import logging
import weakref

import pytest

from kong_federation.gateway import HttpRequest
from kong_federation.gateway.generation import Generation
from kong_federation.gateway.http import read_request
from kong_federation.kong.pulse import pulses
from kong_federation.plan import encode_plan
from kong_federation.strands import Strand
from kong_federation.transport import SubgraphResponse
from tests.gateway.gateway_world import URL, Watched, changed, code, post, read, until
from tests.gateway.scripted_planner import ScriptedPlanner

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"


async def test_a_query_is_answered(world):
    response = await world.gateway().handle(post("{ me }"))
    assert read(response) == (200, {"data": {"me": "Ada"}})
    assert response.headers == (("content-type", "application/graphql-response+json; charset=utf-8"),)


async def test_what_outlives_a_request_is_no_part_of_it(world):
    """If the worker dies of it, later requests must not be blamed."""
    pulse = pulses(1)[0]
    asyncio.get_running_loop().set_task_factory(pulse.make_task)
    gateway = world.gateway()
    gateway.start()
    await gateway.handle(post("{ me }"))
    gateway._generation._builder._connection.close()
    marked = []
    for query in ("{ a: me }", "{ b: me }"):
        strand = Strand(gateway.handle(post(query)), pulse.ledger)
        strand.mark = 7
        strand.resume()
        assert (await strand).status == 200
        marked.append([task for task in asyncio.all_tasks() if "_Marked" in repr(task.get_coro())])
    assert marked == [[], []]


async def test_an_operation_that_fetches_nothing_is_answered(world):
    assert read(await world.gateway().handle(post("{ __typename }"))) == (200, {"data": {}})


async def test_a_get_is_answered_and_its_mutation_refused(world):
    gateway = world.gateway()
    headers = {"apollo-require-preflight": ["1"]}
    got = await gateway.handle(HttpRequest(method="GET", query="query=%7Bme%7D", headers=headers))
    assert read(got) == (200, {"data": {"me": "Ada"}})
    refused = await gateway.handle(HttpRequest(method="GET", query="query=mutation%7Bme%7D", headers=headers))
    assert (refused.status, code(refused)) == (405, "METHOD_NOT_ALLOWED")
    assert ("allow", "POST") in refused.headers
    assert [request.body for request in world.transport.requests if b"mutation" in request.body] == []


async def test_mutations_and_introspection_can_be_switched_off(world):
    gateway = world.gateway(operations={"mutations": False})
    assert code(await gateway.handle(post("mutation { me }"))) == "MUTATION_FORBIDDEN"
    assert code(await gateway.handle(post("{ __schema }"))) == "INTROSPECTION_DISABLED"
    assert world.transport.requests == []


async def test_introspection_is_answered_by_the_builder_once(world):
    gateway = world.gateway(operations={"introspection": True})
    for _ in range(2):
        response = await gateway.handle(post("{ __schema }"))
        assert read(response) == (200, {"data": {"__schema": {"document": "{ __schema }"}}})


@pytest.mark.parametrize(("media_type", "status"), [(GRAPHQL, 400), (JSON, 200)])
async def test_what_is_wrong_with_a_well_formed_request_is_told_by_the_media_type(world, media_type, status):
    gateway = world.gateway()
    for query, expected in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ invalid }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { me } query B { me }", "GRAPHQL_UNKNOWN_OPERATION_NAME"),
        ("subscription { me }", "UNSUPPORTED_OPERATION"),
        ("{ __schema }", "INTROSPECTION_DISABLED"),
    ]:
        response = await gateway.handle(post(query, media_type))
        assert (response.status, code(response)) == (status, expected)
        assert "data" not in json.loads(response.body)


async def test_all_findings_of_a_document_are_reported(world):
    _, body = read(await world.gateway().handle(post("{ invalid }")))
    assert [error["message"] for error in body["errors"]] == ["one", "two"]


async def test_limits_are_checked_before_planning(world):
    gateway = world.gateway(limits={"max_aliases": 1, "max_tokens": 50})
    response = await gateway.handle(post("{ a: me b: me }"))
    assert code(response) == "DOCUMENT_LIMIT_EXCEEDED"
    assert code(await gateway.handle(post("{" + "me " * 60 + "}"))) == "DOCUMENT_LIMIT_EXCEEDED"


async def test_what_is_too_deep_to_encode_is_the_clients_fault(world):
    assert code(await world.gateway().handle(post("{ deep }"))) == "DOCUMENT_LIMIT_EXCEEDED"


async def test_a_mistake_of_ours_shows_nothing(world):
    response = await world.gateway().handle(post("{ mistake }"))
    assert (response.status, code(response)) == (500, "INTERNAL_SERVER_ERROR")
    assert b"secret" not in response.body


async def test_a_mistake_on_the_way_shows_nothing(world, caplog):
    async def broken(request):
        raise ValueError("secret text")

    gateway = world.gateway()
    world.transport._handlers[URL] = broken
    response = await gateway.handle(post("{ me }", variables={"v": "private"}))
    assert (response.status, code(response)) == (500, "INTERNAL_SERVER_ERROR")
    assert b"secret" not in response.body
    assert "kong-1" in caplog.text
    assert "private" not in caplog.text


async def test_the_deadline_holds_for_everything(world):
    async def slow(request):
        await asyncio.sleep(30)

    gateway = world.gateway(limits={"deadline": 400}, planning={"timeout": 5_000})
    while (await gateway.handle(post("{ me }"))).status != 200:
        pass
    world.transport._handlers[URL] = slow
    response = await gateway.handle(post("{ me }"))
    assert (response.status, code(response)) == (200, "SUBREQUEST_TIMEOUT")
    response = await gateway.handle(post("{ slow }"))
    assert (response.status, code(response)) == (504, "GATEWAY_TIMEOUT")


async def test_a_cancelled_caller_gets_no_answer_but_the_others_do(world):
    gateway = world.gateway(world.script(seconds=0.3))
    first = asyncio.ensure_future(gateway.handle(post("{ me }")))
    second = asyncio.ensure_future(gateway.handle(post("{ me }")))
    await asyncio.sleep(0.05)
    first.cancel()
    assert (await second).status == 200
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_an_operation_asked_for_by_many_at_once_is_planned_once(world, tmp_path):
    log = tmp_path / "planned"
    gateway = world.gateway(world.script(log=str(log)))
    other = world.gateway(world.script(log=str(log)))
    responses = await asyncio.gather(*(one.handle(post("{ me }")) for one in [gateway, other] * 20))
    assert {response.status for response in responses} == {200}
    planned = log.read_text(encoding="utf-8").splitlines().count("{ me }")
    # Two workers may just miss each other; within one worker there is no such chance.
    assert planned <= 2
    await gateway.handle(post("{ me }"))
    assert log.read_text(encoding="utf-8").splitlines().count("{ me }") == planned


async def test_refusals_are_remembered(world, tmp_path):
    log = tmp_path / "planned"
    gateway = world.gateway(world.script(log=str(log)))
    bodies = {(await gateway.handle(post("{ invalid }"))).body for _ in range(3)}
    assert len(bodies) == 1
    assert log.read_text(encoding="utf-8").count("{ invalid }") == 1


async def test_the_same_bytes_are_read_once_and_refused_where_they_were_not_lawful(world, monkeypatch):
    gateway = world.gateway()
    asked = post("{ me }")
    reads = []
    monkeypatch.setattr(
        "kong_federation.gateway.gateway.read_request",
        lambda *arguments: reads.append(1) or read_request(*arguments),
    )
    for _ in range(3):
        assert read(await gateway.handle(asked)) == (200, {"data": {"me": "Ada"}})
    assert len(reads) == 2, "the first time, there was no plan"
    (plan,) = gateway._generation.most_used(9)
    assert plan[1] == 3
    for headers, status in [
        ({**asked.headers, "content-type": ["text/plain"]}, 400),
        ({**asked.headers, "accept": ["text/html"]}, 406),
        ({**asked.headers, "content-encoding": ["gzip"]}, 415),
    ]:
        assert (await gateway.handle(changed(asked, headers=headers))).status == status
    assert (await gateway.handle(changed(asked, method="PUT"))).status == 405
    assert (await gateway.handle(changed(asked, method="GET"))).status == 400


async def test_a_body_that_comes_with_a_get_says_nothing_of_posts(world):
    gateway = world.gateway()
    asked = post("{ me }")
    query = changed(asked, method="GET", query="query=%7B__typename%7D")
    for _ in range(3):
        assert read(await gateway.handle(query)) == (200, {"data": {}})
    for _ in range(3):
        assert read(await gateway.handle(asked)) == (200, {"data": {"me": "Ada"}})


async def test_what_the_cache_does_not_keep_is_not_remembered_beside_it(world):
    gateway = world.gateway(planning={"cache_max_entries": 0})
    for _ in range(3):
        assert (await gateway.handle(post("{ me }"))).status == 200
    assert gateway._generation.requests == {}


async def test_headers_that_take_much_memory_are_not_remembered(world):
    gateway = world.gateway()
    short, long = post("{ me }"), post("{ me }")
    long.headers["cookie"] = ["x" * 3_000]
    for request in (short, long, short, long):
        assert (await gateway.handle(request)).status == 200
    assert [head.headers for head in gateway._heads.values()] == [short.headers]
    assert len(gateway._generation._targets) == 1


async def test_headers_travel_by_rules(world):
    rules = {"headers": {"request": [{"op": "propagate", "named": "Authorization"}]}}
    gateway = world.gateway(subgraphs=[{"name": "a", **rules}])
    request = post("{ me }")
    request.headers.update({"authorization": ["Bearer x"], "cookie": ["c"], "traceparent": ["00-1"]})
    await gateway.handle(request)
    (sent,) = world.transport.requests
    headers = dict(sent.headers)
    assert headers["authorization"] == "Bearer x"
    assert headers["traceparent"] == "00-1"
    assert sent.request_id == "kong-1"
    assert "cookie" not in headers


async def test_the_configuration_moves_a_subgraph(world):
    async def elsewhere(request):
        return SubgraphResponse(200, (), b'{"data":{"me":"Grace"}}')

    gateway = world.gateway(subgraphs=[{"name": "a", "url": "http://b.test/", "read_timeout": 7}])
    world.transport._handlers["http://b.test/"] = elsewhere
    assert read(await gateway.handle(post("{ me }"))) == (200, {"data": {"me": "Grace"}})
    assert world.transport.requests[0].timeout <= 0.007


# --- The supergraph's life ---


async def test_requests_without_a_supergraph_leave_nothing_behind(world):
    gateway = world.gateway(world.script(invalid=["wrong"]))
    for _ in range(20):
        assert (await gateway.handle(post("{ a }"))).status == 503
    assert gateway._failure.__traceback__ is None, "it would hold all requests that it was raised for"


async def test_an_invalid_supergraph_is_answered_with_503_and_no_word_of_it(world, caplog):
    gateway = world.gateway(world.script(invalid=["secret one", "secret two"]))
    response = await gateway.handle(post("{ me }", JSON))
    assert (response.status, code(response)) == (503, "SUPERGRAPH_INVALID")
    assert b"secret" not in response.body
    assert dict(response.headers)["retry-after"] == "1"
    assert "secret one" in caplog.text
    assert "secret two" in caplog.text


async def test_a_subgraph_needs_an_address(world, caplog):
    gateway = world.gateway(json.dumps({"subgraphs": {"a": ""}}))
    assert code(await gateway.handle(post("{ me }"))) == "SUPERGRAPH_INVALID"
    assert "the subgraph a has no http or https address" in caplog.text


async def test_a_subgraph_that_is_only_in_the_configuration_is_a_warning(world, caplog):
    assert (await world.gateway(subgraphs=[{"name": "gone"}]).handle(post("{ me }"))).status == 200
    assert "gone" in caplog.text


async def test_a_request_that_comes_while_loading_waits_no_longer_than_its_deadline(world):
    gateway = world.gateway(world.script(seconds=3), limits={"deadline": 300})
    response = await gateway.handle(post("{ me }"))
    assert (response.status, code(response)) == (503, "SERVICE_UNAVAILABLE")
    assert dict(response.headers)["retry-after"] == "1"


async def test_a_builder_that_dies_of_the_supergraph_is_not_started_for_ever(world, caplog):
    gateway = world.gateway(world.script(end=True))
    response = await gateway.handle(post("{ me }"))
    assert (response.status, code(response)) == (503, "SERVICE_UNAVAILABLE")
    assert caplog.text.count("the builder ended") == 1


async def test_a_replaced_file_is_served_and_the_old_generation_is_let_go(world, tmp_path, request):
    gc.collect()
    gc.disable()
    request.addfinalizer(gc.enable)
    file = tmp_path / "supergraph"
    file.write_text(world.script(), encoding="utf-8")
    gateway = world.gateway(supergraph={"path": str(file), "poll_interval": 20})
    holding = asyncio.Event()

    async def hold(request):
        await holding.wait()
        return SubgraphResponse(200, (), b'{"data":{"me":"old"}}')

    async def new(request):
        return SubgraphResponse(200, (), b'{"data":{"me":"new"}}')

    world.transport._handlers[URL] = hold
    world.transport._handlers["http://new.test/"] = new
    running = asyncio.ensure_future(gateway.handle(post("{ me }")))
    await until(lambda: world.transport.requests)
    old = Watched(gateway._generation)
    connection = weakref.ref(gateway._generation._builder)

    replacement = tmp_path / "replacement"
    replacement.write_text(json.dumps({"subgraphs": {"a": "http://new.test/"}}), encoding="utf-8")
    replacement.rename(file)
    await until(lambda: gateway._generation is not old())
    assert read(await gateway.handle(post("{ me }"))) == (200, {"data": {"me": "new"}})
    assert old() is not None
    holding.set()
    assert read(await running) == (200, {"data": {"me": "old"}})
    await asyncio.sleep(0.05)
    # Without any help of the garbage collector, which is kept away from plans.
    assert old() is None
    assert connection() is None


async def test_a_wrong_replacement_and_a_missing_file_change_nothing(world, tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    file = tmp_path / "supergraph"
    file.write_text(world.script(), encoding="utf-8")
    gateway = world.gateway(supergraph={"path": str(file), "poll_interval": 20})
    assert (await gateway.handle(post("{ me }"))).status == 200
    file.write_text(world.script(invalid=["wrong"]), encoding="utf-8")
    await until(lambda: "wrong" in caplog.text)
    assert (await gateway.handle(post("{ me }"))).status == 200
    file.unlink()
    await until(lambda: "cannot be read" in caplog.text)
    await asyncio.sleep(0.1)
    assert caplog.text.count("cannot be read") == 1
    assert (await gateway.handle(post("{ me }"))).status == 200


class Builder:
    """Plans one operation as the scripted one does, at once and in this process."""

    def __init__(self, query):
        self._plan = ScriptedPlanner({"subgraphs": {"a": URL}}).plan(query, None, frozenset())
        self.closed = False

    async def order(self, packed, longest, deadline, *, background=None):
        assert not self.closed, "it has hung up"
        return b'{"__schema": {}}' if background is None else encode_plan(self._plan)

    def tell(self, _):
        assert not self.closed, "it has hung up"

    def close(self):
        self.closed = True


def unloaded(world, **config):
    """A gateway that is given its generations by hand."""
    gateway = world.gateway(**config)
    gateway._following = asyncio.ensure_future(asyncio.sleep(60))
    return gateway


def generation(gateway, query):
    return Generation(gateway._settings, Builder(query), {"a": URL})


@pytest.mark.parametrize("turns", range(6))
async def test_a_supergraph_that_is_replaced_while_a_request_waits_for_it_changes_nothing(world, turns):
    gateway = unloaded(world)
    first, second = generation(gateway, "{ me }"), generation(gateway, "{ me }")
    request = Strand(gateway.handle(post("{ me }")), [0])
    request.resume()
    await asyncio.sleep(0)
    gateway._take(first)
    for _ in range(turns):
        await asyncio.sleep(0)
    gateway._take(second)
    assert read(await request) == (200, {"data": {"me": "Ada"}})


@pytest.mark.parametrize(
    ("query", "config"),
    [
        ("{ me }", {}),
        ("mutation { me }", {"operations": {"deduplicate": True}}),
        ("{ __schema }", {"operations": {"deduplicate": True, "introspection": True}}),
    ],
)
async def test_who_leaves_at_any_turn_leaves_nothing_behind(world, recwarn, query, config):
    gateway = unloaded(world, **config)

    async def leave_after(turns):
        request = Strand(gateway.handle(post(query)), [0])
        request.resume()
        for _ in range(turns):
            await asyncio.sleep(0)
        request.cancel()
        await asyncio.wait({request})

    await leave_after(0)
    await leave_after(1)
    served = generation(gateway, query)
    gateway._take(served)
    for _ in range(2):
        for turns in range(5):
            await leave_after(turns)
        assert (await gateway.handle(post(query))).status == 200
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []
    assert (served.users, len(gateway._sharing)) == (0, 0)


async def test_a_file_that_comes_later_is_served(world, tmp_path):
    file = tmp_path / "supergraph"
    gateway = world.gateway(supergraph={"path": str(file), "poll_interval": 20})
    response = await gateway.handle(post("{ me }"))
    assert (response.status, code(response)) == (503, "SUPERGRAPH_INVALID")
    file.write_text(world.script(), encoding="utf-8")
    await until(lambda: gateway._generation is not None)
    assert (await gateway.handle(post("{ me }"))).status == 200


async def test_a_closed_gateway_refuses(world):
    gateway = world.gateway()
    await gateway.handle(post("{ me }"))
    await gateway.close()
    assert code(await gateway.handle(post("{ me }"))) == "SERVICE_UNAVAILABLE"
    assert world.transport.closed


async def test_bodies_need_not_be_read_to_be_refused(world):
    gateway = world.gateway(limits={"max_body_size": 10})
    assert gateway.too_large(10) is None
    refused = gateway.too_large(11)
    assert (refused.status, code(refused)) == (413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize("depth", [100, 300, 900, 1_100])
async def test_data_that_is_nested_too_deeply_is_the_subgraphs_fault(world, depth):
    async def deep(request):
        return SubgraphResponse(200, (), b'{"data":{"me":' + b"[" * depth + b"]" * depth + b"}}")

    gateway = world.gateway()
    world.transport._handlers[URL] = deep
    status, body = read(await gateway.handle(post("{ me }")))
    assert status == 200
    if depth < 250:
        assert "errors" not in body
    else:
        assert body["data"] in (None, {"me": None})
        assert [error["extensions"]["code"] for error in body["errors"]] in (
            ["RESPONSE_VALIDATION_FAILED"],
            ["SUBREQUEST_MALFORMED_RESPONSE"],
        )
