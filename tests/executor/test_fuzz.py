"""
Subgraphs that answer anything: the executor never fails, answers lawfully, and explains every null.

Values are drawn close to what is expected (the right keys, mostly the right kinds), because values drawn from nowhere
would never get past the first check.
"""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kong_federation.executor import write_json
from kong_federation.plan.nodes import Given, InputField, OnTypes, Parallel, RepresentationField, Sequence
from tests.executor.conformance import conforms, nulls
from tests.executor.kit import (
    BOOLEAN,
    COLOR,
    FLOAT,
    ID,
    INT,
    JSON,
    STRING,
    TYPENAME,
    World,
    abstract_of,
    by_id,
    entities,
    flatten,
    many,
    object_of,
    path,
    query,
    root,
    some,
    written,
)

ADDRESS = object_of("Address", c=("city", some(STRING)), zip=INT)
USER = {
    "id": some(ID),
    "n": ("name", some(STRING)),
    "score": FLOAT,
    "ok": ("ok", BOOLEAN, ((Given("flag", True),),)),
    "color": COLOR,
    "home": ("address", some(ADDRESS)),
    "extra": JSON,
    "tags": many(some(many(STRING))),
}
NODE = abstract_of("Node", User=USER, Bot={"kind": ("__typename", some(TYPENAME)), "serial": some(INT)})
EXTRA = RepresentationField("address", "address", inner=(RepresentationField("city", "city", key=False),), key=False)
PLAN = query(
    Sequence(
        (
            root(0, "a", "query($flag:Boolean!){users{__typename id ok@include(if:$flag) serial} me{__typename id}}"),
            Parallel(
                (
                    entities(1, "b", "...on User{name score color address{city}}", flatten("users.@", "me")),
                    entities(2, "c", "...on User{extra tags}", flatten("users.@.|User")),
                    root(3, "d", "{me{address{zip}}}", path=()),
                )
            ),
            entities(
                4,
                "e",
                "...on User{address{zip}}",
                flatten("users.@", representations=(by_id("User", extra=(EXTRA,)),), key="_x", variable="x"),
                flatten("me.address", representations=(by_id(typename="Address"),), key="_y", variable="y"),
            ),
        )
    ),
    variables=(InputField("flag", "Boolean!"),),
    users=many(NODE),
    friends=("users", some(many(NODE))),
    me=object_of("User", **USER),
)
assert any(isinstance(step, OnTypes) for step in path("users.@.|User"))

SCALARS = st.sampled_from([None, True, False, 0, 1, 2**31, 5.0, 1.5, "", "1", "x", "RED", "User", "Bot", 2**63])
KEYS = st.sampled_from(
    [
        "__typename",
        "id",
        "ok",
        "name",
        "score",
        "color",
        "address",
        "city",
        "zip",
        "extra",
        "tags",
        "serial",
        "users",
        "me",
    ]
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=12
)


def usually(strategy):
    return st.integers(0, 9).flatmap(lambda number: strategy if number else ANYTHING)


def shape(**members):
    return usually(st.fixed_dictionaries({}, optional={key: usually(value) for key, value in members.items()}))


ADDRESSES = shape(city=st.just("X"), zip=st.just(9), id=st.just("a"))
USERS = shape(
    __typename=st.sampled_from(["User", "Bot"]),
    id=st.sampled_from(["1", "2", 3]),
    ok=st.booleans(),
    serial=st.integers(),
    address=ADDRESSES,
    name=st.just("n"),
    score=st.floats(allow_nan=False, allow_infinity=False),
    color=st.just("GREEN"),
    extra=ANYTHING,
    tags=st.lists(st.lists(st.just("t"), max_size=2), max_size=2),
)
SEGMENTS = st.sampled_from(["users", "me", "_e", "_x", "_y", "name", "address", "city", "id", 0, 1, 2, -1, True, None])
ERRORS = usually(
    st.lists(
        usually(st.fixed_dictionaries({"message": ANYTHING}, optional={"path": usually(st.lists(SEGMENTS))})),
        max_size=2,
    )
)


def body(data):
    return usually(st.fixed_dictionaries({}, optional={"data": usually(data), "errors": ERRORS})).map(written)


ROOT = body(shape(users=usually(st.lists(USERS, max_size=4)), me=USERS))
ENTITIES = st.lists(usually(USERS | st.none()), max_size=4)


def asked(items):
    """An entity fetch's answer, most often with as many entities as were asked for."""

    def answer(sent):
        data = {
            f"_{name if name in 'xy' else 'e'}": [
                (items or [None])[at % max(1, len(items))] for at in range(len(given))
            ]
            for name, given in sent["variables"].items()
            if isinstance(given, list)
        }
        return {"data": data}

    return answer


ENTITY_ANSWERS = ENTITIES.map(asked) | body(st.fixed_dictionaries({"_e": ENTITIES, "_x": ENTITIES}))


def explained(where, errors):
    """Whether an error stands at this null, above it or below it, or has no exact place."""
    return any(
        "path" not in one or all(one_step == other for one_step, other in zip(one["path"], where, strict=False))
        for one in errors
    )


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(a=ROOT, b=ENTITY_ANSWERS, c=ENTITY_ANSWERS, d=ROOT, e=ENTITY_ANSWERS, flag=st.booleans(), mask=st.booleans())
def test_any_answers(a, b, c, d, e, flag, mask):
    world = World({"a": a, "b": b, "c": c, "d": d, "e": e}, mask_errors=mask)
    result = asyncio.run(world.run(PLAN, {"flag": flag}))
    assert write_json({"data": result.data, "errors": result.errors})
    assert conforms(PLAN.output, result.data, {"flag": flag})
    assert result.data is not None or result.errors
    for error in result.errors:
        assert type(error["message"]) is str
        assert all(type(step) in {str, int} for step in error.get("path", []))
    assert len(result.errors) <= 1000


ONE = query(
    root(0, "a", "{users{__typename id ok name score color address{city zip} extra tags serial}}"), users=many(NODE)
)


def data_paths(where):
    names = {"n": "name", "home": "address", "c": "city"}
    return [names.get(step, step) for step in where]


def given_by(data, where):
    """Whether the subgraph's own data has a null at this place."""
    for step in data_paths(where):
        if type(data) not in {dict, list} or (type(data) is dict and step not in data):
            return False
        data = data[step]
    return data is None


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.fixed_dictionaries({}, optional={"users": st.lists(USERS, max_size=4)}))
def test_a_null_that_nobody_gave_has_an_error(data):
    result = asyncio.run(World({"a": {"data": data}}).run(ONE, {}))
    for where in nulls(result.data):
        if "extra" not in where:
            assert given_by(data, where) or explained(where, result.errors)
    paths = [tuple(one["path"]) for one in result.errors]
    assert len(set(paths)) == len(paths)
