"""Introspection through the gateway: what graphql-core says of the API schema, whatever the tool that asks."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import msgpack
import orjson
import pytest
from graphql import build_client_schema, get_introspection_query, graphql_sync, print_schema

from kong_federation.executor import ExecutionContext, prepare
from kong_federation.gateway import BuilderProgram, Gateway
from kong_federation.gateway.builder.planning import FederationPlanner
from kong_federation.gateway.builder.service import run_job
from kong_federation.gateway.messages import IntrospectionJob, PlanJob, pack_job
from kong_federation.limits import Limits
from kong_federation.plan import decode_plan
from kong_federation.settings import parse_settings
from kong_federation.supergraph import api_schema, load_supergraph
from kong_federation.transport import MemoryTransport
from tests.gateway.gateway_world import code, post, read

ROOT = Path(__file__).parents[2]
SUPERGRAPHS = [
    *sorted((ROOT / "spec/audit/suites").glob("*/supergraph.graphql")),
    *sorted((ROOT / "spec/plans/supergraphs").glob("*.graphql")),
]
EXAMPLE = ROOT / "examples/supergraph.graphql"

STANDARD = get_introspection_query()
EVERYTHING = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
    one_of=True,
)

# What GraphiQL sends: everything it knows an option for, types nested nine deep, and its operation's name.
GRAPHIQL = """
query IntrospectionQuery {
  __schema {
    description
    queryType { name kind }
    mutationType { name kind }
    subscriptionType { name kind }
    types { ...FullType }
    directives {
      name
      description
      isRepeatable
      locations
      args(includeDeprecated: true) { ...InputValue }
    }
  }
}
fragment FullType on __Type {
  kind
  name
  description
  specifiedByURL
  isOneOf
  fields(includeDeprecated: true) {
    name
    description
    args(includeDeprecated: true) { ...InputValue }
    type { ...TypeRef }
    isDeprecated
    deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue {
  name
  description
  type { ...TypeRef }
  defaultValue
  isDeprecated
  deprecationReason
}
fragment TypeRef on __Type {
  kind
  name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}
"""

# What Apollo's Sandbox and command line send: `__typename` everywhere, as Apollo Client adds it, and old options only.
APOLLO = """
query IntrospectionQuery {
  __typename
  __schema {
    __typename
    queryType { name __typename }
    mutationType { name __typename }
    subscriptionType { name __typename }
    types { ...FullType __typename }
    directives { name description locations args { ...InputValue __typename } __typename }
  }
}
fragment FullType on __Type {
  __typename
  kind
  name
  description
  fields(includeDeprecated: true) {
    name
    description
    args { ...InputValue __typename }
    type { ...TypeRef __typename }
    isDeprecated
    deprecationReason
    __typename
  }
  inputFields { ...InputValue __typename }
  interfaces { ...TypeRef __typename }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason __typename }
  possibleTypes { ...TypeRef __typename }
}
fragment InputValue on __InputValue {
  name
  description
  type { ...TypeRef __typename }
  defaultValue
  __typename
}
fragment TypeRef on __Type {
  kind
  name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name __typename } __typename } __typename }
    __typename }
  __typename
}
"""

ONE_TYPE = """
query($n: String!, $deprecated: Boolean = true) {
  __type(name: $n) { name fields(includeDeprecated: $deprecated) { name } }
}
"""
CONDITIONAL = """
query($with: Boolean!) {
  mine: __typename
  __schema @include(if: $with) { queryType { name } ...More @skip(if: $with) }
  ... on Query @skip(if: $with) { other: __type(name: "Query") { kind } }
}
fragment More on __Schema { types { name } }
"""


def settle(packed):
    done, content = msgpack.unpackb(packed)
    assert done, content
    return content


def through_the_builder(planner, query, variables=None):
    """The answer as worker and builder make it, with the default limits and all encodings, in one process."""
    encoded = settle(run_job(planner, msgpack.unpackb(pack_job(PlanJob(query, None, frozenset(), Limits())))))

    async def introspect(document, values):
        return orjson.loads(settle(run_job(planner, msgpack.unpackb(pack_job(IntrospectionJob(document, values))))))

    executable = prepare(decode_plan(encoded))
    context = ExecutionContext(transport=MemoryTransport({}), targets={}, introspect=introspect)
    result = asyncio.run(executable.execute(executable.coerce(variables or {}), context))
    assert not result.errors
    return result.data


def expected(sdl, query, variables=None):
    result = graphql_sync(api_schema(load_supergraph(sdl)), query, variable_values=variables)
    assert result.errors is None
    return result.data


@pytest.mark.parametrize("path", SUPERGRAPHS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_introspection_is_that_of_the_api_schema(path):
    sdl = path.read_text(encoding="utf-8")
    planner = FederationPlanner(sdl)
    for query in (STANDARD, EVERYTHING):
        data = through_the_builder(planner, query)
        # The order of keys counts too.
        assert json.dumps(data) == json.dumps(expected(sdl, query))
    names = {item["name"] for kind in ("types", "directives") for item in data["__schema"][kind]}
    assert not [name for name in names if name.startswith(("join__", "link__", "federation__"))]
    assert print_schema(build_client_schema(data)) == print_schema(api_schema(load_supergraph(sdl)))


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        pytest.param(GRAPHIQL, None, id="GraphiQL"),
        pytest.param(APOLLO, None, id="Apollo"),
        pytest.param(ONE_TYPE, {"n": "Query"}, id="one type"),
        pytest.param(ONE_TYPE, {"n": "Query", "deprecated": False}, id="one type, with an option"),
        pytest.param(ONE_TYPE, {"n": "Nobody"}, id="no type"),
        pytest.param(CONDITIONAL, {"with": True}, id="included"),
        pytest.param(CONDITIONAL, {"with": False}, id="skipped"),
        pytest.param('{ a: __type(name: "Query") { name } b: __type(name: "Int") { kind } }', None, id="aliases"),
        pytest.param("{ __schema { queryType { name } } __schema { queryType { kind } } }", None, id="merged"),
    ],
)
@pytest.mark.parametrize(
    "path", [EXAMPLE, ROOT / "spec/plans/supergraphs/renamed-root-types.graphql"], ids=lambda path: path.stem
)
def test_what_tools_ask_is_answered(path, query, variables):
    sdl = path.read_text(encoding="utf-8")
    root = api_schema(load_supergraph(sdl)).query_type.name
    query = query.replace("on Query", f"on {root}")
    data = through_the_builder(FederationPlanner(sdl), query, variables)
    assert json.dumps(data) == json.dumps(expected(sdl, query, variables))


PRISTINE = """
import json, sys
from tests.gateway.test_introspection import expected
sdl, queries = json.load(sys.stdin)
json.dump([expected(sdl, query) for query in queries], sys.stdout)
"""


def pristine(sdl, queries):
    """
    What graphql-core answers in a process of its own.

    The demonstration's subgraphs are made with Strawberry, which changes graphql-core's `__Type` for the whole process
    (`isOneOf` is false instead of null); the gateway's builder never sees that.
    """
    told = json.dumps([sdl, queries])
    done = subprocess.run([sys.executable, "-c", PRISTINE], input=told, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


async def test_the_whole_gateway_answers_it_only_where_that_is_configured(run_directory):
    sdl = EXAMPLE.read_text(encoding="utf-8")
    allowed, hidden = (
        Gateway(
            parse_settings({"supergraph": {"sdl": sdl}, "operations": {"introspection": introspection}}),
            run_directory,
            program=BuilderProgram(grace=0.2),
            transport=MemoryTransport({}),
        )
        for introspection in (True, False)
    )
    try:
        queries = (STANDARD, EVERYTHING, GRAPHIQL, APOLLO)
        for query, answer in zip(queries, pristine(sdl, queries), strict=True):
            assert read(await allowed.handle(post(query))) == (200, {"data": answer})
            refused = await hidden.handle(post(query))
            assert (refused.status, code(refused)) == (400, "INTROSPECTION_DISABLED")
            assert "data" not in json.loads(refused.body)
        variables = {"n": "Query"}
        answer = read(await allowed.handle(post(ONE_TYPE, variables=variables)))
        assert answer == (200, {"data": expected(sdl, ONE_TYPE, variables)})
        skipped = await hidden.handle(post(CONDITIONAL, variables={"with": False}))
        assert code(skipped) == "INTROSPECTION_DISABLED"
        assert read(await hidden.handle(post("{ a: __typename }"))) == (200, {"data": {"a": "Query"}})
        _, body = read(await hidden.handle(post("{ __schema { typs { name } } quer }")))
        assert all("Did you mean" not in error["message"] for error in body["errors"])
    finally:
        await allowed.close()
        await hidden.close()
