import asyncio

import pytest

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import INTROSPECTION_DISABLED
from kong_federation.executor import prepare
from kong_federation.plan.nodes import (
    Condition,
    Defer,
    Deferred,
    Given,
    InputField,
    Introspect,
    OperationKind,
    Parallel,
    Sequence,
    Subscription,
)
from tests.executor.kit import (
    BOOLEAN,
    ID,
    INT,
    STRING,
    TYPENAME,
    World,
    codes,
    entities,
    flatten,
    many,
    object_of,
    path,
    query,
    root,
    some,
)

USERS = root(0, "accounts", "{users{__typename id}}")
USER = object_of("User", id=some(ID), name=STRING)


async def test_nothing_to_fetch():
    result = await World({}).run(query(None, t=("__typename", some(TYPENAME))))
    assert (result.data, result.errors, result.stream) == ({"t": "Query"}, (), None)


async def test_answers_are_given_under_response_keys_in_order():
    plan = query(root(0, "a", "{x:b y:a}"), first=("y", INT), second=("x", INT), again=("y", INT))
    result = await World({"a": {"data": {"x": 1, "y": 2, "more": 3}}}).run(plan)
    assert list(result.data.items()) == [("first", 2), ("second", 1), ("again", 2)]


async def test_a_fetch_sends_its_document_its_variables_and_its_headers():
    plan = query(
        root(0, "a", "query($one:Int){x(one:$one)}", variables=("one", "absent")),
        variables=(InputField("one", "Int"), InputField("two", "Int"), InputField("absent", "Int")),
        x=INT,
    )
    world = World({"a": {"data": {"x": 1}}})
    executable, context = prepare(plan), world.context()
    await executable.execute(executable.coerce({"one": 1, "two": 2}), context)
    assert world.sent == [("a", {"query": "query($one:Int){x(one:$one)}", "variables": {"one": 1}})]
    (request,) = context.transport.requests
    assert dict(request.headers)["content-type"] == "application/json"
    assert dict(request.headers)["x-to"] == "a"
    assert (request.subgraph, request.timeout) == ("a", 1.0)


async def test_a_sequence_is_serial_and_a_wave_is_parallel():
    steps = Sequence(
        (
            USERS,
            Parallel((root(1, "b", "{b}"), Sequence((root(2, "c", "{c}"), root(3, "d", "{d}"))), root(4, "e", "{e}"))),
        )
    )
    barrier = asyncio.Barrier(3)

    async def together(name):
        await barrier.wait()
        return {"data": {name: 1}}

    world = World(
        {
            "accounts": {"data": {"users": []}},
            "b": lambda _: together("b"),
            "c": lambda _: together("c"),
            "d": {"data": {"d": 1}},
            "e": lambda _: together("e"),
        }
    )
    result = await world.run(query(steps, b=INT, c=INT, d=INT, e=INT))
    assert (result.data, result.errors) == ({"b": 1, "c": 1, "d": 1, "e": 1}, ())
    assert world.log[:2] == ["> accounts", "< accounts"]
    assert world.log.index("< c") < world.log.index("> d")


async def test_mutations_run_one_after_the_other_even_if_one_fails():
    kind = OperationKind.MUTATION
    plan = query(
        Sequence((root(0, "a", "mutation{a}", kind=kind), root(1, "b", "mutation{b}", kind=kind))),
        kind=kind,
        a=INT,
        b=INT,
    )
    world = World({"a": 500, "b": {"data": {"b": 2}}})
    result = await world.run(plan)
    assert world.log == ["> a", "< a", "> b", "< b"]
    assert result.data == {"a": None, "b": 2}
    assert codes(result) == [("SUBREQUEST_HTTP_ERROR", "a", ["a"])]


async def test_only_queries_change_nothing():
    kind = OperationKind.MUTATION
    steps = Sequence((root(0, "a", "mutation{a}", kind=kind), root(1, "b", "{b}")))
    world = World({"a": {"data": {"a": 1}}, "b": {"data": {"b": 2}}})
    executable, context = prepare(query(steps, kind=kind, a=INT, b=INT)), world.context()
    await executable.execute(executable.coerce(None), context)
    assert [(request.subgraph, request.safe) for request in context.transport.requests] == [("a", False), ("b", True)]


@pytest.mark.parametrize(("flag", "sent"), [(True, ["a"]), (False, ["b"])])
async def test_conditions(flag, sent):
    node = Condition("flag", root(0, "a", "{x}"), root(1, "b", "{x}"))
    world = World({"a": {"data": {"x": 1}}, "b": {"data": {"x": 1}}})
    plan = query(node, variables=(InputField("flag", "Boolean!"),), x=INT)
    assert (await world.run(plan, {"flag": flag})).data == {"x": 1}
    assert [name for name, _ in world.sent] == sent


@pytest.mark.parametrize("node", [Condition("flag", None, USERS), Condition("flag", USERS, None)])
async def test_a_condition_without_a_node(node):
    flag = node.when_true is None
    plan = query(
        node,
        variables=(InputField("flag", "Boolean!"),),
        users=("users", many(USER), ((Given("flag", not flag),),)),
    )
    world = World({})
    assert (await world.run(plan, {"flag": flag})).data == {}


async def test_a_root_fetch_with_a_path_is_merged_into_each_object_there():
    plan = query(
        Sequence((USERS, root(1, "b", "{config{theme}}", path=path("users.@")))),
        users=many(object_of("User", id=ID, config=object_of("Config", theme=STRING))),
    )
    world = World(
        {
            "accounts": {"data": {"users": [{"id": "1"}, None, {"id": "2"}]}},
            "b": {"data": {"config": {"theme": "dark"}}},
        }
    )
    result = await world.run(plan)
    config = {"config": {"theme": "dark"}}
    assert result.data == {"users": [{"id": "1", **config}, None, {"id": "2", **config}]}
    assert len(world.sent_to("b")) == 1


async def test_a_root_fetch_without_an_object_is_not_sent():
    plan = query(Sequence((USERS, root(1, "b", "{x}", path=path("users.@")))), users=many(USER))
    world = World({"accounts": {"data": {"users": []}}, "b": 500})
    assert (await world.run(plan)).errors == ()
    assert world.sent_to("b") == []


async def test_introspection_is_answered_by_the_gateway_and_never_changed():
    shared = {"s": {"queryType": {"name": "Query"}}}
    seen = []

    async def introspect(document, variables):
        seen.append((document, variables))
        return shared

    document = "query($n:Boolean!){s:__schema{queryType{name@include(if:$n)}}}"
    plan = query(
        Parallel((Introspect(document, ("n",)), root(1, "a", "{s{queryType{x}}}"))),
        variables=(InputField("n", "Boolean!"), InputField("m", "Int")),
        schema=("s", object_of("__Schema", queryType=object_of("__Type", name=STRING, x=INT))),
    )
    world = World({"a": {"data": {"s": {"queryType": {"x": 1}}}}}, introspect=introspect)
    result = await world.run(plan, {"n": True, "m": 1})
    assert result.data == {"schema": {"queryType": {"name": "Query", "x": 1}}}
    assert seen == [(document, {"n": True})]
    assert shared == {"s": {"queryType": {"name": "Query"}}}


async def test_introspection_can_be_refused():
    async def introspect(document, variables):
        raise FederationError(INTROSPECTION_DISABLED, "Introspection is off.")

    schema = object_of("__Schema", x=INT)
    plan = query(Introspect("{s:__schema{x}}"), schema=("s", some(schema)))
    result = await World({}, introspect=introspect).run(plan)
    assert result.data is None
    assert codes(result) == [("INTROSPECTION_DISABLED", None, ["schema"])]


@pytest.mark.parametrize(
    "plan",
    [
        query(Subscription(USERS, None), kind=OperationKind.SUBSCRIPTION),
        query(Subscription(USERS, None)),
        query(Sequence((USERS, Defer(None, ())))),
        query(Defer(USERS, (Deferred("a", (), None, "d"), Deferred(None, (), None)))),
    ],
)
def test_streams_are_refused(plan):
    with pytest.raises(FederationError) as raised:
        prepare(plan)
    assert raised.value.code.name == "UNSUPPORTED_OPERATION"


async def test_defer_runs_where_variables_switch_it_off():
    node = Defer(None, (Deferred("a", (), USERS, "d"), Deferred(None, (), None, "e")), USERS)
    plan = query(node, variables=(InputField("d", "Boolean!"), InputField("e", "Boolean", default=False)), users=INT)
    world = World({"accounts": {"data": {"users": 1}}})

    assert (await world.run(plan, {"d": False})).data == {"users": 1}
    for raw in ({"d": True}, {"d": False, "e": True}):
        with pytest.raises(FederationErrors, match="@defer") as raised:
            await world.run(plan, raw)
        assert [one.code.name for one in raised.value.errors] == ["UNSUPPORTED_OPERATION"]


async def test_an_executable_runs_many_times_at_once():
    executable = prepare(query(Sequence((USERS, entities(1, "names", "...on User{name}"))), users=many(USER)))

    def world(number):
        return World(
            {
                "accounts": {"data": {"users": [{"__typename": "User", "id": number}]}},
                "names": lambda body: {"data": {"_e": [{"name": f"n{body['variables']['r'][0]['id']}"}]}},
            }
        )

    results = await asyncio.gather(*(executable.execute({}, world(number).context()) for number in range(20)))
    assert [one.data["users"][0]["name"] for one in results] == [f"n{number}" for number in range(20)]


class TestTime:
    async def test_a_slow_subgraph_fails_alone(self):
        plan = query(Parallel((root(0, "a", "{a}"), root(1, "b", "{b}"))), a=INT, b=INT)
        world = World({"a": lambda _: asyncio.sleep(60), "b": {"data": {"b": 1}}}, timeout=0.02)
        result = await world.run(plan)
        assert result.data == {"a": None, "b": 1}
        assert codes(result) == [("SUBREQUEST_TIMEOUT", "a", ["a"])]

    async def test_the_deadline_shortens_the_time_of_a_fetch(self):
        world = World({"a": lambda _: asyncio.sleep(60)}, timeout=60)
        world.deadline = asyncio.get_running_loop().time() + 0.02
        result = await world.run(query(root(0, "a", "{a}"), a=INT))
        assert codes(result) == [("SUBREQUEST_TIMEOUT", "a", ["a"])]

    async def test_after_the_deadline_nothing_is_sent(self):
        world = World({"accounts": {"data": {}}}, deadline=0.0)
        result = await world.run(query(USERS, users=many(USER)))
        assert world.sent == []
        assert codes(result) == [("SUBREQUEST_TIMEOUT", "accounts", ["users"])]


class TestTasks:
    async def test_a_cancelled_request_ends_all_its_fetches(self):
        ended = []

        async def stall(_):
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(1)

        plan = query(Parallel((root(0, "a", "{a}"), root(1, "a", "{b}"), root(2, "a", "{c}"))), a=INT)
        task = asyncio.create_task(World({"a": stall}).run(plan))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(ended) == 3
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def test_a_mistake_of_ours_ends_all_fetches(self):
        def broken(_):
            raise ZeroDivisionError

        plan = query(Parallel((root(0, "a", "{a}"), root(1, "b", "{b}"), root(2, "a", "{c}"))), a=INT)
        with pytest.raises(ExceptionGroup):
            await World({"a": lambda _: asyncio.sleep(60), "b": broken}).run(plan)
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_subgraph_without_an_address():
    result = await World({}).run(query(USERS, users=many(USER), ok=BOOLEAN))
    assert codes(result)[0] == ("SUBREQUEST_HTTP_ERROR", "accounts", ["users"])


async def test_the_executor_takes_variables_of_a_fetch_that_also_has_entities():
    fetch = entities(1, "b", "...on User{x(n:$n)}", flatten("users.@"), variables=("n",))
    plan = query(Sequence((USERS, fetch)), variables=(InputField("n", "Int"),), users=many(object_of("User", x=INT)))
    world = World(
        {
            "accounts": {"data": {"users": [{"__typename": "User", "id": "1"}]}},
            "b": {"data": {"_e": [{"x": 5}]}},
        }
    )
    assert (await world.run(plan, {"n": 3})).data == {"users": [{"x": 5}]}
    assert world.sent_to("b")[0]["variables"] == {"n": 3, "r": [{"__typename": "User", "id": "1"}]}
