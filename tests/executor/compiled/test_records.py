"""What the parser sees to, and what is answered as it was parsed."""

import asyncio
import gc
import weakref
from dataclasses import replace

import pytest

from kong_federation.executor import prepare
from kong_federation.executor.compiled import UnsuitableError, compile_plan, is_collection_due, show_code, write_script
from kong_federation.executor.compiled.records import _MANY, CLASSES, Claim, Record
from kong_federation.executor.compiled.shapes import read_shape
from kong_federation.executor.tier import Tier
from kong_federation.plan.nodes import Introspect, Parallel, Representation, RepresentationField, Sequence
from tests.executor.conftest import NeverCompiled
from tests.executor.kit import (
    BOOLEAN,
    COLOR,
    FLOAT,
    ID,
    INT,
    JSON,
    STRING,
    TYPENAME,
    GaveUp,
    World,
    abstract_of,
    attempt,
    attempt_text,
    by_id,
    entities,
    flatten,
    many,
    object_of,
    path,
    query,
    root,
    some,
)


@pytest.fixture
def tier():
    """These tests say themselves what runs."""


def record(document, **more):
    return Record(read_shape(document), {}, exact=False, **more)


async def answered(plan, answers, *, trusting=True):
    """The text that a program answers, or that it gave up."""
    outcome = await attempt_text(compile_plan(plan, trusting=trusting), {}, World(answers).context())
    if isinstance(outcome, GaveUp):
        outcome.forget()
    return outcome


# --- Claims ---


@pytest.mark.parametrize("leaf", [INT, STRING, BOOLEAN, ID, FLOAT, COLOR])
def test_leaves_are_seen_to_by_the_parser(leaf):
    assert record("{x}").claim("x", leaf) is Claim.ALL
    assert record("{x}").claim("x", some(many(some(leaf)))) is Claim.ALL


def test_custom_scalars_and_floats_that_stay_as_they_are_written_are_not():
    assert record("{x}").claim("x", JSON) is Claim.NOTHING
    assert record("{x}").claim("x", many(JSON)) is Claim.NOTHING
    exact = Record(read_shape("{x}"), {}, exact=True)
    assert exact.claim("x", FLOAT) is Claim.NOTHING
    assert exact.claim("x", INT) is Claim.ALL


def test_what_not_every_object_has_is_not_seen_to():
    assert record("{... on A{x}}").claim("x", INT) is Claim.NOTHING
    assert record("query($v:Boolean!){x @include(if:$v)}").claim("x", INT) is Claim.NOTHING
    assert record("{x}", absent=True).claim("x", INT) is Claim.NOTHING
    # Entities are of the type that they were asked for as.
    assert record("{... on A{x}}", typename="A").claim("x", INT) is Claim.ALL


def test_two_kinds_cannot_be_claimed_of_one_value():
    found = record("{x}")
    assert found.claim("x", INT) is Claim.ALL
    assert found.claim("x", INT) is Claim.ALL
    assert found.claim("x", some(INT)) is Claim.NOTHING
    assert found.claim("x", STRING) is Claim.NOTHING


def test_an_entity_of_nulls_has_not_been_seen_by_the_parser():
    found = record("{x}", nulls=True)
    assert found.claim("x", some(INT)) is Claim.KIND
    assert found.claim("x", INT) is Claim.ALL


def test_a_field_that_one_of_two_places_asks_for_is_not_sure():
    found = record("{a{x} ... on B{a{y}} ... on C{a{z}}}").fields["a"].below
    assert {key: one.sure for key, one in found.fields.items()} == {"x": True, "y": False, "z": False}
    found = record("{... on B{a{x y}} ... on C{a{x z}}}").fields["a"].below
    assert {key: one.sure for key, one in found.fields.items()} == {"x": True, "y": False, "z": False}


# --- Answers ---


@pytest.mark.parametrize("trusting", [True, False])
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (some(INT), "null"),
        (INT, "2147483648"),
        (INT, '"1"'),
        (INT, "1.5"),
        (STRING, "1"),
        (BOOLEAN, "1"),
        (COLOR, '"BLUE"'),
        (ID, "1.5"),
        (FLOAT, '"1"'),
        (FLOAT, "1e999"),
        (many(some(INT)), "[1,null]"),
        (many(INT), "1"),
        (INT, "[1]"),
        (STRING, '"\\ud800"'),
        (STRING, '"\xff"'),
        (object_of("T", y=INT), "[]"),
        (object_of("T", y=INT), '[{"y":1}]'),
        (object_of("T", y=INT), "{}"),
        (many(object_of("T", y=INT)), '{"y":1}'),
        (many(some(object_of("T", y=INT))), "[null]"),
        (many(object_of("T", y=INT)), '[[{"y":1}]]'),
    ],
)
async def test_a_program_gives_up_at_values_of_another_kind(kind, value, trusting):
    plan = query(root(0, "a", "{x{y}}" if "Composite" in repr(kind) else "{x}"), x=kind)
    answers = {"a": b'{"data":{"x":' + value.encode("latin-1") + b"}}"}
    assert isinstance(await answered(plan, answers, trusting=trusting), GaveUp)


NEAR = by_id(typename="P", extra=(RepresentationField("code", "code", key=True),))
BY_ID = flatten("users.@", representations=(by_id(typename="User"),))
USERS = query(root(0, "a", "{users{name id}}"), users=some(many(some(object_of("User", id=some(ID), name=STRING)))))


async def test_objects_are_answered_as_they_were_parsed_in_the_order_of_the_client():
    project = next(text for text in write_script(USERS).texts if text.startswith("def p"))
    assert "for " not in project
    body = b'{"data":{"users":[{"more":[1],"name":"Ada","id":"1"}]}}'
    assert await answered(USERS, {"a": body}) == b'{"data":{"users":[{"id":"1","name":"Ada"}]}}'


@pytest.mark.parametrize(
    "document", ["{users{id name secret}}", "{users{id name __typename}}", "{users{id ... on User{name}}}"]
)
async def test_nothing_is_answered_that_the_client_has_not_asked_for(document):
    plan = query(root(0, "a", document), users=many(object_of("User", id=some(ID), name=STRING)))
    body = b'{"data":{"users":[{"secret":"s","__typename":"User","name":"Ada","id":"1"},null]}}'
    assert await answered(plan, {"a": body}) == b'{"data":{"users":[{"id":"1","name":"Ada"},null]}}'


async def test_one_record_is_answered_in_two_orders():
    one, other = object_of("T", x=INT, y=INT), object_of("T", y=INT, x=INT)
    plan = query(root(0, "a", "{...A b:a{...F}} fragment A on Query{a{...F}} fragment F on T{x y}"), a=one, b=other)
    body = b'{"data":{"a":{"x":1,"y":2},"b":{"x":3,"y":4}}}'
    assert await answered(plan, {"a": body}) == b'{"data":{"a":{"x":1,"y":2},"b":{"y":4,"x":3}}}'


async def test_an_unknown_entity_has_no_value_for_what_must_not_be_null():
    plan = query(
        Sequence((root(0, "a", "{users{id}}"), entities(1, "b", "... on User{name}", BY_ID))),
        users=many(object_of("User", id=some(ID), name=some(STRING))),
    )
    answers = {"a": {"data": {"users": [{"id": "1"}]}}, "b": {"data": {"_e": [None]}}}
    assert isinstance(await answered(plan, answers), GaveUp)


async def test_numbers_stay_as_they_are_written():
    plan = query(root(0, "a", "{price size}", exact=True), price=JSON, size=FLOAT)
    for price in (b"1.10", b"12345678901234567890123", b"[1E2,{}]".replace(b"{}", b'{"a":0.10}'), b"1e999"):
        body = b'{"data":{"price":' + price + b',"size":1.00}}'
        assert await answered(plan, {"a": body}) == body
    # The parser does not keep this one.
    assert isinstance(await answered(plan, {"a": b'{"data":{"price":-0,"size":1}}'}), GaveUp)
    assert await answered(plan, {"a": b'{"data":{"price":"x-0y","size":-0.0}}'}) == (
        b'{"data":{"price":"x-0y","size":-0.0}}'
    )


@pytest.mark.parametrize(
    "key", [b"123456789012345678901234567890", b"1.10", b"1E2", b'{"a":[12345678901234567890123]}']
)
async def test_keys_are_sent_as_they_are_written(key):
    plan = query(
        Sequence((root(0, "a", "{users{id}}", exact=True), entities(1, "b", "... on User{name}", BY_ID))),
        users=many(object_of("User", id=JSON, name=STRING)),
    )
    answers = {"a": b'{"data":{"users":[{"id":' + key + b"}]}}", "b": {"data": {"_e": [{"name": "Ada"}]}}}
    world = World(answers)
    program = compile_plan(plan)
    state = program.begin({}, world.context())
    await program.run(state)
    sent = [body for _, body, _ in state.sent]
    assert sent[1].endswith(b'"variables":{"r":[{"__typename":"User","id":' + key + b"}]}}")
    assert program.answer(state) == b'{"data":{"users":[{"id":' + key + b',"name":"Ada"}]}}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":{"x":1},"errors":[{"message":"no"}]}',
        b'{"data":{"x":1},"errors":"no"}',
        b'{"data":null}',
        b'{"errors":[]}',
        b"[]",
        b"",
        b'{"data":{"x":1}} more',
    ],
)
async def test_an_answer_that_is_not_just_data_is_left_to_the_interpreter(body):
    plan = query(root(0, "a", "{x}"), x=INT)
    assert isinstance(await answered(plan, {"a": body}), GaveUp)
    assert await answered(plan, {"a": b'{"errors":null,"data":{"x":1},"extensions":{"a":[]}}'}) == b'{"data":{"x":1}}'


async def test_what_the_gateway_answers_itself_becomes_a_record_as_well():
    async def introspect(_document, _variables):
        return {"__schema": {"kinds": ["RED"], "x": None}}

    schema = object_of("__Schema", kinds=some(many(some(COLOR))), x=INT)
    plan = query(Introspect("{__schema{kinds x}}"), __schema=some(schema))
    program = compile_plan(plan)
    state = program.begin({}, World({}, introspect=introspect).context())
    await program.run(state)
    assert program.answer(state) == b'{"data":{"__schema":{"kinds":["RED"],"x":null}}}'


# --- In doubt ---


async def test_a_subgraph_whose_ids_are_numbers_is_not_interpreted_for_ever():
    world = World({"a": {"data": {"users": [{"id": 1, "name": "Ada"}]}}})
    executable = prepare(USERS)
    tier = executable.tier
    assert isinstance(tier, Tier)
    tier._trusting = True
    tier.compile()
    for _ in range(12):
        result = await executable.execute({}, world.context())
        assert (result.data, result.errors) == ({"users": [{"id": "1", "name": "Ada"}]}, ())
        if not tier._trusting:
            await asyncio.wait_for(tier._compiling, 5)
    assert result.body is not None
    assert tier.given_up == 0


async def test_a_subgraph_that_fails_is_no_reason_for_doubt():
    failing = [{"data": None, "errors": [{"message": "no"}]}, 500, b"no", {"errors": [{"message": "no"}]}]
    world = World({"a": failing * 10})
    executable = prepare(USERS)
    executable.tier._trusting = True
    executable.tier.compile()
    for _ in range(30):
        await executable.execute({}, world.context())
    assert executable.tier.given_up > 3
    assert executable.tier._trusting


# --- Classes ---


def test_plans_with_equal_objects_share_their_classes():
    def plan(name):
        return query(root(0, "a", f"{{{name}{{id name}}}}"), **{name: object_of("User", id=some(ID), name=STRING)})

    one, other = write_script(plan("one")).records, write_script(plan("other")).records
    assert one.roots[0].fields["one"].below.made is other.roots[0].fields["other"].below.made


def test_the_classes_of_programs_that_are_gone_go_too():
    plans = [query(root(0, "a", f"{{x{{f{one}}}}}"), x=object_of("T", **{f"f{one}": JSON})) for one in range(400)]
    gc.collect()
    before = len(CLASSES)
    programs = [compile_plan(plan) for plan in plans]
    assert len(CLASSES) >= before + 800
    del programs
    gc.collect()
    # The standard library remembers the last hundred annotations of each kind.
    assert len(CLASSES) <= before + 400


def test_a_class_keeps_those_below_it_without_its_annotations():
    whole = query(root(0, "a", "{x{a_key_that_is_nowhere_else}}"), x=object_of("T", a_key_that_is_nowhere_else=JSON))
    records = write_script(whole).records
    decoders = records.decoders()
    above = records.roots[0].made
    assert not above.__annotations__
    below = weakref.ref(records.roots[0].fields["x"].below.made)
    del records
    gc.collect()
    assert below() is not None, "its number is a part of what the class above is known by"
    answer = decoders[0].decode(b'{"data":{"x":{"a_key_that_is_nowhere_else":[1]}}}')
    assert type(answer.k_data.k_x) is below()


def test_when_programs_with_many_classes_are_gone_the_collector_is_asked_for(monkeypatch):
    plan = query(root(0, "a", "{another_key_that_is_nowhere_else}"), another_key_that_is_nowhere_else=JSON)
    program = compile_plan(plan)
    assert program.classes == 3, "of the answer, its data, and what the client is answered"
    monkeypatch.setattr(CLASSES, "_left", _MANY - 3)
    assert not is_collection_due()
    del program
    assert is_collection_due()
    assert not is_collection_due()


def test_the_code_tells_what_answers_are_parsed_into():
    shown = show_code(
        query(
            Sequence(
                (
                    root(0, "a", "{users{id}}"),
                    entities(1, "b", "... on User{name} ... on Admin{x}", BY_ID),
                )
            ),
            users=many(object_of("User", id=some(ID), name=STRING)),
        )
    )
    assert "#   parsed as {users: {id: ID!}}" in shown
    assert "#   parsed as {_e: {name: String, x?}}" in shown
    assert ": an object that is answered, with id, name" in shown


# --- What a review found ---


async def as_interpreted(plan, answers, *, gives_up=False):
    """Have both kinds of program answer as the interpreter does, having sent the same, or give up."""
    reference = World(dict(answers))
    executable = prepare(plan)
    expected = await replace(executable, tier=NeverCompiled(plan)).execute({}, reference.context())
    for trusting in (True, False):
        world = World(dict(answers))
        outcome = await attempt(compile_plan(plan, trusting=trusting), {}, world.context())
        if isinstance(outcome, GaveUp):
            outcome.forget()
        assert isinstance(outcome, GaveUp) == gives_up
        assert gives_up or (outcome, ()) == (expected.data, expected.errors)
        assert sorted(map(repr, world.sent)) == sorted(map(repr, reference.sent))


NAMED = object_of("T", __typename=TYPENAME)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(some(NAMED), None), (many(some(NAMED)), [None]), (many(some(NAMED)), [{"__typename": "T"}, None])],
)
async def test_null_is_no_object_though_nothing_is_read_of_it(kind, value):
    plan = query(root(0, "a", "{t{__typename}}"), t=kind)
    await as_interpreted(plan, {"a": {"data": {"t": value}}}, gives_up=True)


async def test_null_is_no_object_where_it_would_be_answered_as_it_was_parsed():
    place = object_of("P", y=INT)
    plan = query(
        root(0, "a", "{n{__typename ...on A{p{y} ps{y}}}}"),
        n=abstract_of("N", A={"p": some(place), "ps": many(some(place))}),
    )
    right = {"__typename": "A", "p": {"y": 1}, "ps": [{"y": 2}]}
    await as_interpreted(plan, {"a": {"data": {"n": right}}})
    for wrong in ({"p": None}, {"ps": [None]}):
        await as_interpreted(plan, {"a": {"data": {"n": {**right, **wrong}}}}, gives_up=True)


async def test_an_unknown_entity_has_no_object_where_there_must_be_one():
    plan = query(
        Sequence((root(0, "a", "{users{id}}"), entities(1, "b", "... on User{q ref{__typename}}", BY_ID))),
        users=many(object_of("User", q=INT, ref=some(object_of("Ref", __typename=TYPENAME)))),
    )
    answers = {"a": {"data": {"users": [{"id": "1"}]}}, "b": {"data": {"_e": [None]}}}
    await as_interpreted(plan, answers, gives_up=True)


async def test_objects_that_two_types_ask_for_differently_are_told_apart_at_every_depth():
    def made(key):
        return {"made": object_of("M", place=object_of("P", **{key: INT}))}

    document = "{any{__typename ...on Book{made{place{city}}} ...on Movie{made{place{zip}}}}}"
    plan = query(root(0, "a", document), any=many(abstract_of("Any", Book=made("city"), Movie=made("zip"))))
    found = [("Book", "city"), ("Movie", "zip")]
    items = [{"__typename": name, "made": {"place": {key: 1}}} for name, key in found]
    await as_interpreted(plan, {"a": {"data": {"any": items}}})


@pytest.mark.parametrize("items", [[], [{"id": "1", "code": "x"}]])
async def test_lists_of_two_answers_may_be_empty(items):
    user = by_id(typename="A")
    both = by_id(typename="P", extra=(RepresentationField("code", "code", key=True),))
    plan = query(
        Sequence(
            (
                root(0, "a", "{u{__typename id ps{code}}}"),
                entities(1, "b", "...on A{ps{id}}", flatten("u", representations=(user,))),
                entities(2, "c", "...on P{q}", flatten("u.ps.@", representations=(both,))),
            )
        ),
        u=object_of("A", ps=many(object_of("P", q=INT))),
    )
    codes, ids = [{"code": one["code"]} for one in items], [{"id": one["id"]} for one in items]
    answers = {
        "a": {"data": {"u": {"__typename": "A", "id": "1", "ps": codes}}},
        "b": {"data": {"_e": [{"ps": ids}]}},
        "c": {"data": {"_e": [{"q": 1} for _ in items]}},
    }
    await as_interpreted(plan, answers)


async def test_nothing_is_asked_for_within_what_is_not_there():
    within = root(1, "d", "{d}", path=path("n.a.q"))
    plan = query(
        Sequence((root(0, "a", "{n{...on A{a{q{x}}} ...on B{a{y}}}}"), within)),
        n=object_of("N", a=object_of("In", y=INT)),
    )
    await as_interpreted(plan, {"a": {"data": {"n": {"a": {"y": 1}}}}, "d": {"data": {"d": 1}}})


async def test_many_lists_around_objects():
    # One that is not answered as it was parsed.
    plan = query(root(0, "a", "{t{__typename x}}"), t=many(many(many(object_of("T", __typename=TYPENAME, x=INT)))))
    await as_interpreted(plan, {"a": {"data": {"t": [[[{"__typename": "T", "x": 1}], None]]}}})


async def test_an_absent_part_of_a_key_is_not_a_null_key():
    inner = (RepresentationField("x", "x", key=True), RepresentationField("y", "y", key=True))
    needs = Representation((), "User", (RepresentationField("o", "o", key=True, inner=inner),))
    plan = query(
        Sequence(
            (
                root(0, "a", "{u{o{...on O{x y}}}}"),
                entities(1, "b", "...on User{q}", flatten("u", representations=(needs,))),
            )
        ),
        u=object_of("User", q=INT),
    )
    await as_interpreted(plan, {"a": {"data": {"u": {"o": {"y": None}}}}, "b": {"data": {"_e": []}}}, gives_up=True)


async def test_a_float_that_no_double_holds_is_none_without_a_fraction_either():
    plan = query(root(0, "a", "{x}", exact=True), x=FLOAT)
    await as_interpreted(plan, {"a": b'{"data":{"x":1' + b"0" * 400 + b"}}"}, gives_up=True)


async def test_branches_that_start_others_while_a_program_gives_up_are_awaited():
    async def slow(_body):
        await asyncio.sleep(0.02)
        return {"data": {"s": 1}}

    failing = {"data": None, "errors": [{"message": "no"}]}
    later = Sequence(
        (
            root(0, "u", "{u}"),
            Parallel((Sequence((root(1, "slow", "{s}"),) * 2), Sequence((root(2, "d", "{d}"), root(3, "d", "{d}"))))),
        )
    )
    plan = query(Parallel((later, Sequence((root(4, "a", "{w}"), root(5, "a", "{w}"))))), u=INT, s=INT, d=INT, w=INT)

    async def soon(_body):
        await asyncio.sleep(0.01)
        return {"data": {"u": 1}}

    world = World({"u": soon, "slow": slow, "d": failing, "a": failing})
    executable = prepare(plan)
    executable.tier.compile()
    result = await executable.execute({}, world.context())
    assert result.data == {"u": 1, "s": 1, "d": None, "w": None}
    assert len(result.errors) >= 2


def test_a_path_along_two_answers_of_which_an_object_has_one_alone_is_not_compiled():
    plan = query(
        Sequence(
            (
                root(0, "a", "{n{__typename id ...on A{near{id}}}}"),
                entities(1, "b", "...on B{near{code}}", flatten("n", representations=(by_id("B", typename="B"),))),
                entities(2, "c", "...on P{q}", flatten("n.near", representations=(NEAR,))),
            )
        ),
        n=abstract_of("N", A={"near": object_of("P", q=INT)}, B={"near": object_of("P", q=INT)}),
    )
    with pytest.raises(UnsuitableError, match="of which an object may have one alone"):
        compile_plan(plan)
