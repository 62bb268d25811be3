"""What is told about requests."""

import hashlib

from kong_federation.gateway.tally import Tally
from kong_federation.transport import SubgraphResponse
from tests.gateway.gateway_world import URL, post, prepared

MEMBERS = ["operation_type", "operation_hash", "plan_cache", "subgraphs", "subrequests", "errors", "response_bytes"]


async def test_a_query_is_told_about(world):
    gateway = world.gateway()
    for plan_cache in ("miss", "hit"):
        response = await gateway.handle(post("{ me }"))
        told = response.facts.members()
        assert list(told) == [*MEMBERS, "duration_ms"]
        assert told["operation_type"] == "query"
        assert told["operation_hash"] == hashlib.sha256(b"{ me }").hexdigest()
        assert told["plan_cache"] == plan_cache
        assert (told["subgraphs"], told["subrequests"], told["errors"]) == ("a", 1, 0)
        assert told["response_bytes"] == len(response.body)
        assert told["duration_ms"] > 0


async def test_a_refused_request_is_told_about(world):
    response = await world.gateway().handle(post("{ invalid }"))
    told = response.facts.members()
    assert (told["errors"], told["error_code"], told["plan_cache"]) == (2, "GRAPHQL_VALIDATION_FAILED", "miss")
    assert "operation_type" not in told
    assert told["subrequests"] == 0


async def test_an_error_of_a_subgraph_is_told_about(world):
    async def broken(request):
        return SubgraphResponse(200, (), b'{"errors":[{"message":"no","extensions":{"code":"caf\\u00e9"}}]}')

    world.transport._handlers[URL] = broken
    masked = await world.gateway().handle(post("{ me }"))
    assert (masked.facts.kind.errors, masked.facts.kind.error_code) == (1, "DOWNSTREAM_SERVICE_ERROR")
    shown = await world.gateway(security={"mask_errors": False}).handle(post("{ me }"))
    assert shown.facts.kind.error_code == "caf\xc3\xa9", "bytes, as Kong wants them"


async def test_nothing_is_told_if_nobody_listens(world):
    gateway = world.gateway(telemetry={"log_serializer": False, "shared_context": False})
    assert (await gateway.handle(post("{ me }"))).facts is None


def test_a_name_as_long_as_a_document_is_cut():
    tally = Tally()
    tally.prepared = prepared(operation_name="A" * 10_000)
    assert tally.facts(0).kind.operation_name == "A" * 256
