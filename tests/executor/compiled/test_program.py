"""What a program does better than the interpreter, and what it leaves to it."""

import asyncio
import gc
import re
import threading
import weakref
from dataclasses import replace

import msgspec
import orjson
import pytest

from kong_federation.executor import prepare
from kong_federation.executor.compiled import UnsuitableError, compile_plan, write_script
from kong_federation.plan.nodes import ContextValue, Introspect, Parallel, RepresentationField, Sequence
from tests.executor.kit import (
    ID,
    INT,
    JSON,
    STRING,
    GaveUp,
    World,
    attempt,
    by_id,
    entities,
    flatten,
    many,
    object_of,
    query,
    root,
    some,
)

REVIEWS = {"data": {"reviews": [{"author": {"id": "1"}}, {"author": {"id": "2"}}, {"author": {"id": "1"}}]}}
NAMES = {"data": {"_e": [{"name": "Ada"}, {"name": "Bo"}]}}
BY_ID = (by_id(typename="User"),)
PLAN = query(
    Sequence(
        (
            root(0, "reviews", "{reviews{author{id}}}"),
            entities(
                1, "users", "... on User{name}", flatten("reviews.@.author", representations=(by_id(typename="User"),))
            ),
        )
    ),
    reviews=some(many(some(object_of("Review", author=some(object_of("User", id=some(ID), name=STRING)))))),
)


async def run(plan, world):
    return await attempt(compile_plan(plan), {}, world.context())


async def execute(plan, world):
    """As the gateway does."""
    executable = prepare(plan)
    assert executable.tier.compile()
    return await executable.execute({}, world.context())


async def test_an_entity_is_answered_once_and_written_once_more_however_often_it_stands_there():
    reviews = {"data": {"reviews": [*REVIEWS["data"]["reviews"], {"author": {"id": "1"}}]}}
    world = World({"reviews": reviews, "users": NAMES})
    program = compile_plan(PLAN)
    state = program.begin({}, world.context())
    await program.run(state)
    ada, bo, *again = [review.k_author for review in program.project(state).k_reviews]
    assert ada != bo
    assert again[0] is again[1]
    assert bytes(again[0]) == msgspec.json.encode(ada) == b'{"id":"1","name":"Ada"}'
    authors = orjson.loads(program.answer(state))["data"]["reviews"]
    assert [one["author"]["name"] for one in authors] == ["Ada", "Bo", "Ada", "Ada"]
    assert len(world.sent) == 2


# Of two selections, the second one has fewer objects.
PAIR = query(
    Sequence(
        (
            root(0, "a", "{users{id} friends{id}}"),
            entities(
                1,
                "b",
                "... on User{name}",
                flatten("users.@", key="_e0", variable="r0", representations=BY_ID),
                flatten("friends.@", key="_e1", variable="r1", representations=BY_ID),
            ),
        )
    ),
    users=many(object_of("User", id=some(ID), name=STRING)),
    friends=many(object_of("User", id=some(ID), name=STRING)),
)
FIVE_AND_TWO = {
    "data": {"users": [{"id": f"{number}"} for number in range(5)], "friends": [{"id": "8"}, {"id": "9"}]},
}


def pair_of(body, changed=lambda lists: lists):
    lists = {
        key: [{"name": f"name-{one['id']}"} for one in body["variables"][variable]]
        for key, variable in (("_e0", "r0"), ("_e1", "r1"))
    }
    return {"data": changed(lists)}


@pytest.mark.parametrize(("most", "sizes"), [(1, [[1, 1], [1, 1], [1, 0], [1, 0], [1, 0]]), (4, [[4, 2], [1, 0]])])
async def test_too_many_entities_are_asked_for_in_pieces(most, sizes):
    world = World({"a": FIVE_AND_TWO, "b": pair_of}, max_entities={"b": most})
    data = await run(PAIR, world)
    assert data == {
        "users": [{"id": f"{number}", "name": f"name-{number}"} for number in range(5)],
        "friends": [{"id": "8", "name": "name-8"}, {"id": "9", "name": "name-9"}],
    }
    asked = [body["variables"] for body in world.sent_to("b")]
    assert [[len(one["r0"]), len(one["r1"])] for one in asked] == sizes


def without_the_last(lists):
    return {**lists, "_e0": lists["_e0"][:-1]}


def with_one_more(lists):
    return {**lists, "_e0": [*lists["_e0"], {"name": "nobody"}]}


@pytest.mark.parametrize(
    "changes",
    [
        # The whole list is as long as it should be.
        (without_the_last, with_one_more, with_one_more),
        (with_one_more, without_the_last, lambda lists: lists),
        (lambda lists: {**lists, "_e1": None}, lambda lists: lists, lambda lists: lists),
        (lambda lists: None, lambda lists: lists, lambda lists: lists),
        (lambda lists: lists, lambda lists: lists, lambda lists: {"_e0": lists["_e0"]}),
    ],
)
async def test_a_piece_that_is_odd_is_left_to_the_interpreter_and_no_piece_is_sent_again(changes):
    def answering():
        left = list(changes)
        return World({"a": FIVE_AND_TWO, "b": lambda body: pair_of(body, left.pop(0))}, max_entities={"b": 2})

    world = answering()
    outcome = await run(PAIR, world)
    assert isinstance(outcome, GaveUp)
    assert [one.source for one in outcome.sent] == [0, 1, 1, 1]
    outcome.forget()
    world, beside = answering(), answering()
    result = await execute(PAIR, world)
    assert len(world.sent) == 4
    expected = await prepare(PAIR).execute({}, beside.context())
    assert (result.data, result.errors) == (expected.data, expected.errors)
    assert result.errors


async def test_the_answers_to_pieces_that_nobody_waits_for_are_given_up():
    async def never(_body):
        await asyncio.sleep(60)

    world = World({"a": FIVE_AND_TWO, "b": never}, max_entities={"b": 2})
    running = asyncio.ensure_future(execute(PAIR, world))
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(world.sent) == 4
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


async def test_nothing_is_written_into_answers():
    answers = {"reviews": REVIEWS, "users": NAMES}
    before = repr(answers)
    await run(PLAN, World(answers))
    assert repr(answers) == before


@pytest.mark.parametrize(
    "names",
    [
        {"data": {"_e": [{"name": "Ada"}]}},
        {"data": {"_e": [{"name": "Ada"}, {"name": 5}]}},
        {"data": {"_e": [{"name": "Ada"}, {}]}},
        {"data": {"_e": [{"name": "Ada"}, []]}},
        {"data": {"_e": None}},
        {"data": None, "errors": [{"message": "no"}]},
        {"data": {"_e": [{"name": "Ada"}, None]}, "errors": [{"message": "no", "path": ["_e", 1]}]},
        500,
    ],
)
async def test_it_gives_up_at_what_is_odd_with_all_that_was_sent(names):
    world = World({"reviews": REVIEWS, "users": names})
    outcome = await run(PLAN, world)
    assert isinstance(outcome, GaveUp)
    assert sorted(one.source for one in outcome.sent) == [0, 1]
    # The interpreter goes over the same answers.
    assert len(world.sent) == 2
    for sent in outcome.sent:
        sent.forget()


async def test_an_entity_that_its_subgraph_does_not_know_has_only_nulls():
    world = World({"reviews": REVIEWS, "users": {"data": {"_e": [{"name": "Ada"}, None]}}})
    data = await run(PLAN, world)
    assert [review["author"]["name"] for review in data["reviews"]] == ["Ada", None, "Ada"]


async def test_a_cancelled_client_leaves_nothing_behind():
    async def never(_body):
        await asyncio.sleep(60)

    plan = query(
        Parallel(
            (
                root(0, "a", "{x}"),
                Sequence((root(1, "b", "{y}"), root(2, "b", "{y}"))),
                Sequence((root(3, "b", "{y}"), root(4, "b", "{y}"))),
            )
        ),
        x=INT,
        y=INT,
    )
    world = World({"a": never, "b": never})
    task = asyncio.ensure_future(execute(plan, world))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_client_that_leaves_while_a_program_gives_up_leaves_nothing_behind():
    async def never(_body):
        await asyncio.sleep(60)

    plan = query(
        Parallel((Sequence((root(0, "a", "{x}"), root(1, "a", "{x}"))), Sequence((root(2, "b", "{y}"),) * 2))),
        x=INT,
        y=INT,
    )
    task = asyncio.ensure_future(execute(plan, World({"a": never, "b": 500})))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_introspection_beside_what_cannot_be_sent_is_no_loose_end(recwarn):
    plan = query(Parallel((Introspect("{__schema{x}}"), root(0, "nobody", "{y}"))), y=INT)
    assert isinstance(await run(plan, World({})), GaveUp)
    assert not recwarn.list


def test_a_program_that_is_given_up_is_gone_without_the_garbage_collector():
    gc.disable()
    try:
        program = compile_plan(query(root(0, "a", "{x}"), x=INT))
        gone = weakref.ref(program.names["run"])
        del program
        assert gone() is None
    finally:
        gc.enable()


def test_an_identity_is_reduced_to_what_the_object_itself_has():
    item = by_id(typename="Item")
    priced = by_id(typename="Item", extra=(RepresentationField("price", "price", key=False),))
    plan = query(
        Sequence(
            (
                root(0, "a", "{items{id}}"),
                entities(1, "b", "... on Item{price}", flatten("items.@", representations=(item,))),
                entities(2, "c", "... on Item{fee}", flatten("items.@", representations=(priced,))),
            )
        ),
        items=some(many(some(object_of("Item", id=some(ID), price=INT, fee=INT)))),
    )
    project = next(text for text in write_script(plan).texts if "k_fee" in text and text.startswith("def p"))
    looked_up = re.findall(r"S\.t[01]\[(\w+)\]", project)
    assert len(looked_up) == 2
    assert len(set(looked_up)) == 1


def functions(plan):
    """The names of a program's functions, in their order."""
    return [text.partition("(")[0] for text in write_script(plan).texts]


def test_what_is_selected_alike_in_several_places_is_one_function():
    names = [f"f{number}" for number in range(12)]
    user = object_of("User", **dict.fromkeys(names, JSON))
    fields = "{" + " ".join(names) + "}"
    plan = query(root(0, "a", f"{{x{fields} y{fields} z{fields}}}"), x=user, y=some(user), z=many(user))
    assert functions(plan) == ["def p0", "def p1", "def project", "async def run"]


def test_what_is_short_or_at_one_place_is_written_where_it_is_called():
    user = object_of("User", id=some(JSON))
    plan = query(root(0, "a", "{x{id} y{id} z{id}}"), x=user, y=some(user), z=many(user))
    assert functions(plan) == ["def p1", "def project", "async def run"]


def test_no_function_has_more_loops_inside_each_other_than_python_allows():
    user = object_of("User", id=some(JSON))
    for _ in range(30):
        user = object_of("User", friends=many(user))
    compile_plan(query(root(0, "a", "{x" + "{friends" * 30 + "{id}" + "}" * 31), x=user))


REVIEWED = Sequence(
    (
        root(0, "reviews", "{reviews{author{id friends{id}}}}"),
        entities(1, "users", "... on User{name}", flatten("reviews.@.author.friends.@", representations=BY_ID)),
        entities(2, "photos", "... on User{photo}", flatten("reviews.@.author.friends.@", representations=BY_ID)),
        entities(3, "users", "... on User{age}", flatten("reviews.@.author", representations=BY_ID)),
        entities(4, "pets", "... on User{dog}", flatten("reviews.@.author.friends.@.pet", representations=BY_ID)),
    )
)


def test_a_list_that_several_walks_come_through_is_walked_to_once():
    nodes = list(REVIEWED.nodes)
    nodes[0] = root(0, "reviews", "{reviews{author{id friends{id pet{id}}}}}")
    script = write_script(query(Sequence(tuple(nodes))))
    asks = {text.partition("(")[0]: text for text in script.texts if text.startswith("def ask")}
    assert "for h0 in p0(S):" in asks["def ask1"]
    assert "for h0 in p0(S):" in asks["def ask4"]
    # All of the first to be seen have been seen.
    assert "for h0 in S.f0:" in asks["def ask2"]
    assert "in p0(S)" not in asks["def ask3"]


async def test_the_first_objects_of_a_walk_are_taken_for_a_later_one_only_if_they_are_the_same():
    """The second fetch goes the same two ways, but the other way round: other objects are the first there."""
    item = (by_id(typename="Item"),)
    items = some(many(some(object_of("Item", id=some(ID), price=INT, fee=INT))))
    plan = query(
        Sequence(
            (
                root(0, "a", "{x{id} y{id}}"),
                entities(1, "b", "... on Item{price}", flatten("x.@", "y.@", representations=item)),
                entities(2, "c", "... on Item{fee}", flatten("y.@", "x.@", representations=item)),
            )
        ),
        x=items,
        y=items,
    )
    one, two, three = ({"id": number} for number in "123")
    world = World(
        {
            "a": {"data": {"x": [one, two, one], "y": [three, two]}},
            "b": {"data": {"_e": [{"price": 1}, {"price": 2}, {"price": 3}]}},
            "c": {"data": {"_e": [{"fee": 3}, {"fee": 2}, {"fee": 1}]}},
        }
    )
    data = await run(plan, world)
    assert [(item["price"], item["fee"]) for item in data["x"]] == [(1, 1), (2, 2), (1, 1)]
    assert [(item["price"], item["fee"]) for item in data["y"]] == [(3, 3), (2, 2)]
    assert not any("S.f0" in text for text in write_script(plan).texts)


def test_values_taken_from_further_up_are_left_to_the_interpreter():
    taken = ContextValue("c", 0, (RepresentationField("x", "x"),))
    gathered = replace(flatten("users.@", representations=BY_ID), contexts=(taken,))
    fetches = Sequence((root(0, "a", "{users{id}}"), entities(1, "b", "... on User{n}", gathered)))
    with pytest.raises(UnsuitableError, match="further up"):
        compile_plan(query(fetches, users=many(object_of("User", n=INT))))


async def test_a_large_answer_is_projected_off_the_loop(monkeypatch):
    monkeypatch.setattr("kong_federation.executor.execute.LARGE", 10)
    threads = []
    program = compile_plan(PLAN)

    def project(state):
        threads.append(threading.current_thread())
        return program.project(state)

    world = World({"reviews": REVIEWS, "users": NAMES})
    executable = prepare(PLAN)
    executable.tier.ready = replace(program, project=project)
    data = (await executable.execute({}, world.context())).data
    assert data["reviews"][0]["author"] == {"id": "1", "name": "Ada"}
    assert threads != [threading.main_thread()]


def test_an_object_that_a_second_answer_has_for_one_type_only_is_left_to_the_interpreter():
    """No type is told, so nothing says where the second answer has it."""
    near = object_of("Near", f=INT)
    both_types = object_of("E0", c=INT, near=near)
    both_types = replace(both_types, variants=(replace(both_types.variants[0], types=("E0", "E1")),))
    fetches = Parallel((root(0, "a", "{q{near{f}}}"), root(1, "b", "{q{c ...on E1{near{f}}}}")))
    with pytest.raises(UnsuitableError, match="type"):
        compile_plan(query(fetches, q=both_types))
