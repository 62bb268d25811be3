import pytest

from kong_federation.executor import Number
from kong_federation.executor.projection import Passing
from kong_federation.plan.nodes import Given, InputField
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
    codes,
    many,
    object_of,
    query,
    root,
    some,
)


async def answered(type_, value, *, nullable=True):
    """What the client gets for a value, and whether there was an error."""
    plan = query(root(0, "a", "{x{b{b}}}"), x=type_ if nullable else some(type_))
    result = await World({"a": {"data": {"x": value}}}).run(plan)
    if result.errors:
        (code,) = codes(result)
        assert code[:2] == ("RESPONSE_VALIDATION_FAILED", "a")
        return result.data, code[2]
    return result.data["x"]


GOOD = [
    (INT, 5, 5),
    (INT, -(2**31), -(2**31)),
    (INT, 5.0, 5),
    (FLOAT, 1.5, 1.5),
    (FLOAT, 1, 1),
    (FLOAT, 2**60, 2**60),
    (STRING, "", ""),
    (BOOLEAN, False, False),
    (ID, "a", "a"),
    (ID, 7, "7"),
    (COLOR, "RED", "RED"),
    (JSON, {"a": [1, None]}, {"a": [1, None]}),
    (JSON, 1, 1),
    (many(INT), [], []),
    (many(many(INT)), [[1], None, [None]], [[1], None, [None]]),
    (object_of("A", b=INT), {"b": 1, "c": 2}, {"b": 1}),
]


@pytest.mark.parametrize(("type_", "value", "expected"), GOOD)
async def test_good_values(type_, value, expected):
    got = await answered(type_, value)
    assert got == expected
    assert type(got) is (Number if type(expected) is float else type(expected))


BAD = [
    (INT, 2**31),
    (INT, 1.5),
    (INT, "1"),
    (INT, True),
    (INT, 1e300),
    (FLOAT, "1"),
    (FLOAT, False),
    (STRING, 1),
    (STRING, []),
    (STRING, {}),
    (BOOLEAN, 1),
    (BOOLEAN, "true"),
    (ID, 1.5),
    (ID, True),
    (ID, {}),
    (COLOR, "BLUE"),
    (COLOR, 1),
    (COLOR, ["RED"]),
    (many(INT), 1),
    (many(INT), {}),
    (object_of("A", b=INT), []),
    (object_of("A", b=INT), "x"),
    (abstract_of("I", A={"b": INT}), {"b": 1}),
    (abstract_of("I", A={"b": INT}), {"__typename": "B", "b": 1}),
    (abstract_of("I", A={"b": INT}), {"__typename": ["A"], "b": 1}),
    (abstract_of("I", A={"b": INT}), {"__typename": None, "b": 1}),
    (abstract_of("I", A={"b": INT}), [{"__typename": "A"}]),
]


async def test_integers_beyond_64_bits():
    assert await answered(ID, 2**64 - 1) == str(2**64 - 1)
    assert await answered(ID, 2**64) == str(2**64)
    assert await answered(ID, -(2**64)) == str(-(2**64))
    assert await answered(INT, 2**64) == ({"x": None}, ["x"])
    assert await answered(FLOAT, 2**64) == float(2**64)
    assert await answered(JSON, [2**64]) == [float(2**64)]


@pytest.mark.parametrize(("type_", "value"), BAD)
async def test_bad_values_become_null_with_an_error(type_, value):
    assert await answered(type_, value) == ({"x": None}, ["x"])


@pytest.mark.parametrize(("type_", "value"), [*BAD, (INT, None), (JSON, None), (many(INT), None)])
async def test_where_null_is_not_allowed_it_rises(type_, value):
    assert await answered(type_, value, nullable=False) == (None, ["x"])


async def test_a_custom_scalar_too_deep_to_be_written():
    deep = 1
    for _ in range(150):
        deep = [deep]
    assert await answered(JSON, deep) == ({"x": None}, ["x"])


INNER = object_of("A", b=some(INT))


@pytest.mark.parametrize(
    ("type_", "value", "expected", "where"),
    [
        (many(some(INT)), [1, None], None, ["x", 1]),
        (many(INT), [1, "a"], [1, None], ["x", 1]),
        (many(many(some(INT))), [[1], [2, None]], [[1], None], ["x", 1, 1]),
        (many(some(many(some(INT)))), [[1], [2, None]], None, ["x", 1, 1]),
        (many(INNER), [{"b": 1}, {"b": None}], [{"b": 1}, None], ["x", 1, "b"]),
        (many(some(INNER)), [{"b": 1}, {"b": None}], None, ["x", 1, "b"]),
        (many(INNER), [{"b": 1}, 5], [{"b": 1}, None], ["x", 1]),
        (object_of("A", b=INNER), {"b": {"b": None}}, {"b": None}, ["x", "b", "b"]),
        (object_of("A", b=some(INNER)), {"b": {"b": None}}, None, ["x", "b", "b"]),
        (object_of("A", b=some(INNER)), {"b": {}}, None, ["x", "b", "b"]),
    ],
)
async def test_null_rises_to_the_nearest_place_that_allows_it(type_, value, expected, where):
    assert await answered(type_, value) == ({"x": expected}, where)


async def test_nothing_where_a_nullable_value_was_asked_for():
    assert await answered(object_of("A", b=INT), {}) == ({"x": {"b": None}}, ["x", "b"])


async def test_paths_are_exact_under_aliases_of_one_data_key():
    inner = object_of("A", value=("b", some(INT)))
    plan = query(
        root(0, "a", "{x{b}}"), one=("x", many(inner)), two=("x", many(object_of("A", again=("b", some(INT)))))
    )
    result = await World({"a": {"data": {"x": [{"b": 1}, {"b": None}]}}}).run(plan)
    assert result.data == {"one": [{"value": 1}, None], "two": [{"again": 1}, None]}
    assert [path for *_, path in codes(result)] == [["one", 1, "value"], ["two", 1, "again"]]


async def test_abstract_types():
    node = abstract_of("Node", A={"kind": ("__typename", some(TYPENAME)), "a": INT}, B={"b": INT})
    plan = query(root(0, "a", "{x}"), x=many(node))
    values = [{"__typename": "B", "b": 1, "a": 2}, {"__typename": "A", "a": 3}, None]
    result = await World({"a": {"data": {"x": values}}}).run(plan)
    assert result.data == {"x": [{"b": 1}, {"kind": "A", "a": 3}, None]}


async def test_typename_of_an_object_type_is_not_looked_up():
    assert await answered(object_of("A", t=("__typename", some(TYPENAME))), {"__typename": "Other"}) == {"t": "A"}


async def test_typename_of_a_variant_for_several_types():
    type_ = abstract_of("I", A={"t": ("__typename", some(TYPENAME))})
    (variant,) = type_.variants
    several = type(type_)("I", abstract=True, variants=(type(variant)(("A", "B"), variant.fields),))
    assert await answered(several, {"__typename": "B"}) == {"t": "B"}


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ({"a": True, "b": False}, ["one", "three"]),
        ({"a": False, "b": False}, ["three"]),
        ({"a": True, "b": True}, ["one", "two", "three"]),
    ],
)
async def test_conditions(given, keys):
    both = ((Given("a", True), Given("b", True)),)
    either = ((Given("a", True),), (Given("b", True),))
    plan = query(
        root(0, "a", "{x}"),
        variables=(InputField("a", "Boolean!"), InputField("b", "Boolean!")),
        one=("x", INT, either),
        two=("x", INT, both),
        three=("x", some(INT)),
    )
    result = await World({"a": {"data": {"x": 1}}}).run(plan, given)
    assert list(result.data) == keys
    absent = await World({"a": {"data": {"x": None}}}).run(plan, given)
    assert absent.data is None


async def test_the_texts_name_fields_and_types_but_no_values():
    type_ = object_of("A", color=COLOR, names=many(some(STRING)), gone=INT)
    plan = query(root(0, "a", "{x{color names gone}}"), x=type_)
    result = await World({"a": {"data": {"x": {"color": "secret", "names": [None]}}}}).run(plan)
    assert [one["message"] for one in result.errors] == [
        "The value of field A.color is not a valid Color.",
        "Cannot return null for non-nullable item of field A.names.",
        "No value was sent for field A.gone.",
    ]


def test_what_is_compiled_of_an_output_is_let_go_of_until_it_is_needed_often():
    project = Passing(object_of("Query", x=INT))
    kept = []
    for _ in range(4):
        assert project({"x": 1, "y": 2}, {}) == ({"x": 1}, [])
        kept.append(project._made is not None)
    assert kept == [False, False, True, True]
