"""The whole gateway with the real planner, on the event loop workers use, in front of a real supergraph."""

import asyncio
import json
import time
from pathlib import Path

import pytest
import uvloop

from kong_federation.gateway import BuilderProgram, Gateway
from kong_federation.gateway.sockets import peer_process
from kong_federation.settings import parse_settings
from kong_federation.transport import MemoryTransport
from tests.gateway.gateway_world import post, read

EXAMPLES = Path(__file__).parents[2] / "examples"
SUPERGRAPH = (EXAMPLES / "supergraph.graphql").read_text(encoding="utf-8")
PROGRAM = BuilderProgram(grace=0.2)


def run(coroutine):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


async def with_gateway(run_directory, story, **config):
    settings = parse_settings({"supergraph": {"sdl": SUPERGRAPH}, **config})
    gateway = Gateway(settings, run_directory, program=PROGRAM, transport=MemoryTransport({}))
    try:
        return await story(gateway)
    finally:
        await gateway.close()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "GRAPHQL_UNKNOWN_OPERATION_NAME"),
        ("{ __schema { types { name } } }", "INTROSPECTION_DISABLED"),
        ("{ " + "a: __typename " * 51 + "}", "DOCUMENT_LIMIT_EXCEEDED"),
        ("{" * 5_000, "DOCUMENT_LIMIT_EXCEEDED"),
        ("{ ...F0 } " + "".join(f"fragment F{n} on Query {{ ...F{n + 1} }} " for n in range(2_000)), None),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ... @defer { __typename } }", "UNSUPPORTED_OPERATION"),
        ("query($d: Boolean! = true) { ... @defer(if: $d) { __typename } }", "UNSUPPORTED_OPERATION"),
        ("query($d: Boolean! = false) { ... @defer(if: $d) { __typename } }", "OK"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ __typename }" + "#" * 1_000_000, "OK"),
    ],
)
def test_operations_of_all_kinds_are_answered_by_the_book(run_directory, document, code):
    async def story(gateway):
        return read(await gateway.handle(post(document)))

    status, body = run(with_gateway(run_directory, story))
    if code == "OK":
        assert (status, body) == (200, {"data": {"__typename": "Query"}})
    else:
        assert status == 400
        assert code in {None, body["errors"][0]["extensions"]["code"]}


def test_what_no_subgraph_resolves_is_told_to_the_operator_and_not_to_the_client(run_directory, caplog):
    suite = Path(__file__).parents[2] / "spec/audit/suites/simple-entity-call/supergraph.graphql"
    broken = suite.read_text(encoding="utf-8").replace('key: "email"', 'key: "email", resolvable: false')

    async def story(gateway):
        return read(await gateway.handle(post("{ user { nickname } }")))

    status, body = run(with_gateway(run_directory, story, supergraph={"sdl": broken}))
    assert (status, body["errors"][0]["extensions"]["code"]) == (500, "NO_PLAN")
    assert "User.nickname" not in json.dumps(body)
    assert "User.nickname" in caplog.text


def test_the_loop_is_not_held_while_a_real_supergraph_is_loaded_and_operations_are_planned(run_directory):
    """As with the scripted planner: what counts is CPU time of the loop's own thread between two of its turns."""

    async def story(gateway):
        loop = asyncio.get_running_loop()
        stretches = []
        end = False

        def turn(before):
            now = time.thread_time()
            stretches.append(now - before)
            if not end:
                loop.call_soon(turn, time.thread_time())

        loop.call_soon(turn, time.thread_time())
        query = (EXAMPLES / "query.graphql").read_text(encoding="utf-8")
        for number in range(10):
            response = await gateway.handle(post(query.replace("{", f"{{ a{number}: __typename ", 1)))
            assert json.loads(response.body)["errors"]
        end = True
        return sorted(stretches)

    stretches = run(with_gateway(run_directory, story))
    assert len(stretches) > 1_000
    assert stretches[-3] < 0.010


def test_the_builder_can_be_told_at_the_other_end_of_a_connection_of_uvloop(run_directory):
    async def story(gateway):
        await gateway.handle(post("{ __typename }"))
        (path,) = (run_directory).glob("builders/builder-*.sock")
        _, writer = await asyncio.open_unix_connection(str(path))
        pid = peer_process(writer.get_extra_info("socket").fileno())
        writer.close()
        return (Path("/proc") / str(pid) / "cmdline").read_bytes()

    assert b"kong_federation.gateway.builder" in run(with_gateway(run_directory, story))
