"""Pass-through, as the gateway decides it."""

import pytest

from kong_federation.gateway import Gateway, HttpRequest, Passage, Way
from kong_federation.gateway.passage import Destination, find_destination
from kong_federation.settings import parse_settings
from kong_federation.transport import MemoryTransport, SubgraphResponse
from tests.gateway.gateway_world import post, read

SDL = """
schema @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
directive @join__field(graph: join__Graph) repeatable on FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: String) repeatable on OBJECT
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "http://a.test:4001/graphql?v=1") }
type Query @join__type(graph: A) { me(big: Float, id: ID): String }
"""
URL = "http://a.test:4001/graphql?v=1"
WAY = Way("http", named=True)


@pytest.fixture
def passthrough():
    return {"enabled": True}


@pytest.fixture
async def gateway(run_directory, passthrough):
    async def answer(request):
        return SubgraphResponse(200, (), b'{"data":{"me":"Ada"}}')

    config = {
        "supergraph": {"sdl": SDL},
        "passthrough": passthrough,
        "security": {"mask_errors": False},
        "subgraphs": [{"name": "a", "headers": {"request": [{"op": "propagate", "named": "x-kept"}]}}],
        "limits": {"deadline": 55_000},
    }
    made = Gateway(parse_settings(config), run_directory, transport=MemoryTransport({URL: answer}))
    yield made
    await made.close()


def asked(query="query Q($id: ID = 5) { me(id: $id) }", way=WAY, accept="*/*", **members):
    request = post(query, accept, **members)
    headers = {**request.headers, "x-kept": ["1"], "cookie": ["c"]}
    return HttpRequest("POST", "", headers, request.body, "kong-1", way=way)


async def test_an_operation_that_one_subgraph_answers_is_left_to_nginx(gateway):
    passage = await gateway.pass_or_handle(asked(variables={"id": "7"}))
    assert isinstance(passage, Passage)
    assert passage.destination == Destination("a.test", 4001, "a.test:4001", "/graphql", "v=1", "")
    assert passage.body == b'{"query":"query Q__a__0($id:ID=5){me(id: $id)}","variables":{"id":"7"}}'
    assert passage.headers == (
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("host", "a.test:4001"),
        ("x-kept", "1"),
        ("x-kong-request-id", "kong-1"),
    )
    told = passage.facts.members()
    assert (told["passthrough"], told["subgraphs"], told["subrequests"], told["operation_name"]) == ("yes", "a", 1, "Q")
    assert not {"response_bytes", "errors"} & told.keys()


async def test_defaults_of_variables_are_filled_in(gateway):
    assert b'"variables":{"id":"5"}' in (await gateway.pass_or_handle(asked())).body
    assert (await gateway.pass_or_handle(asked("{ me }"))).body == b'{"query":"{me}"}'


async def test_a_number_stays_as_it_was_written(gateway):
    body = b'{"query":"query ($b: Float) { me(big: $b) }","variables":{"b":0.1000000000000000055511151231257827}}'
    request = HttpRequest("POST", "", {"content-type": ["application/json"]}, body, way=WAY)
    assert b"0.1000000000000000055511151231257827" in (await gateway.pass_or_handle(request)).body


@pytest.mark.parametrize(
    ("accept", "sent"),
    [
        (
            "application/graphql-response+json, application/json",
            "application/graphql-response+json, application/json;q=0.9",
        ),
        ("application/json", "application/json"),
        ("application/graphql-response+json", None),
        ("application/graphql-response+json, application/json;q=0", None),
    ],
)
async def test_what_the_client_accepts_is_asked_for_or_answered_from_here(gateway, accept, sent):
    outcome = await gateway.pass_or_handle(asked("{ me }", accept=accept))
    if sent is None:
        assert read(outcome) == (200, {"data": {"me": "Ada"}})
    else:
        assert dict(outcome.headers)["accept"] == sent


@pytest.mark.parametrize(
    ("passthrough", "passes"), [({"min_response_size": 21}, True), ({"min_response_size": 22}, False)]
)
async def test_what_has_been_small_is_answered_from_here(gateway, passes):
    assert read(await gateway.pass_or_handle(asked("{ me }"))) == (200, {"data": {"me": "Ada"}}), "nobody knows yet"
    assert isinstance(await gateway.pass_or_handle(asked("{ me }")), Passage) == passes


async def test_what_cannot_be_left_to_nginx_is_answered_from_here(gateway):
    for request in [
        asked("{ me __typename }"),
        asked("{ me }", way=None),
        asked("{ me }", way=Way("http", named=False)),  # Kong looks up no names for such a service
    ]:
        status, answer = read(await gateway.pass_or_handle(request))
        assert (status, answer["data"]["me"]) == (200, "Ada")
    assert read(await gateway.handle(asked("{ me }"))) == (200, {"data": {"me": "Ada"}})
    refused = await gateway.pass_or_handle(asked("{ unknown }"))
    assert refused.facts.kind.error_code == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    ("url", "reached", "named"),
    [
        ("http://10.0.0.1/", True, False),
        ("http://10.0.0.1", True, False),
        ("http://a/b-c_d.e~f/", True, True),
        ("https://a/", None, None),
        ("http://user:secret@a/", None, None),
        ("http://[::1]:4001/", None, None),
        ("http://a/caf%C3%A9", None, None),
        ("http://a:99999/", None, None),
        ("http:///graphql", None, None),
    ],
)
def test_where_nginx_is_steered(url, reached, named):
    found = find_destination(url, None)
    assert (found is not None) == bool(reached)
    if found is not None:
        assert found.is_reached(Way("http", named=True))
        assert found.is_reached(Way("http", named=False)) == (not named)
        by_upstream = find_destination(url, "up")
        assert not by_upstream.is_reached(Way("http", named=False)), "an upstream is a name"
