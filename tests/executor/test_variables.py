import pytest

from kong_federation.errors import FederationErrors
from kong_federation.executor import prepare
from kong_federation.executor.variables import _deciding
from kong_federation.plan.nodes import NO_DEFAULT, EnumInput, Given, InputField, NonNull, ObjectInput
from tests.executor.kit import INT, many, object_of, query

INPUTS = (
    ObjectInput(
        "Point",
        (
            InputField("x", "Int!"),
            InputField("y", "Int!", 0),
            InputField("label", "String"),
            InputField("next", "Point"),
            InputField("tags", "[Color!]", ["RED"]),
        ),
    ),
    EnumInput("Color", ("RED", "GREEN")),
    ObjectInput("By", (InputField("id", "ID"), InputField("name", "String")), one_of=True),
)


def coerced(type_, value, default=NO_DEFAULT):
    plan = query(None, variables=(InputField("v", type_, default),), inputs=INPUTS, x=INT)
    return prepare(plan).coerce(value)


def findings(type_, value, default=NO_DEFAULT):
    with pytest.raises(FederationErrors) as raised:
        coerced(type_, {"v": value}, default)
    assert {one.code.name for one in raised.value.errors} == {"VALIDATION_INVALID_TYPE_VARIABLE"}
    return [one.message for one in raised.value.errors]


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("Int", 5, 5),
        ("Int", 5.0, 5),
        ("Int", -(2**31), -(2**31)),
        ("Float", 1.5, 1.5),
        ("Float", 3, 3),
        ("String", "a", "a"),
        ("Boolean", True, True),
        ("ID", "a", "a"),
        ("ID", 7, "7"),
        ("ID", 7.0, "7"),
        ("Int", None, None),
        ("Color", "RED", "RED"),
        ("Unknown", {"any": [1, None]}, {"any": [1, None]}),
        ("[Int]", [1, None], [1, None]),
        ("[Int]", 1, [1]),
        ("[[Int!]!]", 1, [[1]]),
        ("[[Int]]", [1, [2], None], [[1], [2], None]),
        ("[Int!]!", [], []),
        ("Point", {"x": 1}, {"x": 1, "y": 0, "tags": ["RED"]}),
        (
            "Point!",
            {"x": 1, "y": 2.0, "label": None, "tags": "GREEN"},
            {"x": 1, "y": 2, "label": None, "tags": ["GREEN"]},
        ),
        (
            "Point",
            {"x": 1, "tags": [], "next": {"x": 2, "tags": None}},
            {"x": 1, "y": 0, "next": {"x": 2, "y": 0, "tags": None}, "tags": []},
        ),
        ("By", {"id": 1}, {"id": "1"}),
        ("[By!]", {"name": "a"}, [{"name": "a"}]),
    ],
)
def test_good_values(type_, value, expected):
    got = coerced(type_, {"v": value})["v"]
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("type_", "raw", "default", "expected"),
    [
        ("Int", None, NO_DEFAULT, {}),
        ("Int", {}, NO_DEFAULT, {}),
        ("Int", {"other": 1}, NO_DEFAULT, {}),
        ("Int", {}, None, {"v": None}),
        ("Int", {}, 3, {"v": 3}),
        ("Int!", {}, 3, {"v": 3}),
        ("Int", {"v": None}, 3, {"v": None}),
        ("[Int]", {}, 3, {"v": [3]}),
        ("Point", {}, {"x": 1}, {"v": {"x": 1, "y": 0, "tags": ["RED"]}}),
    ],
)
def test_absent_values_and_defaults(type_, raw, default, expected):
    assert coerced(type_, raw, default) == expected


def test_a_required_variable_that_is_absent():
    with pytest.raises(FederationErrors) as raised:
        coerced("Int!", {})
    (error,) = raised.value.errors
    assert error.message == 'Variable "$v" of required type "Int!" was not provided.'


WRONG = 'Variable "$v" got invalid value'


@pytest.mark.parametrize(
    ("type_", "value", "messages"),
    [
        ("Int!", None, ['Variable "$v" of non-null type "Int!" must not be null.']),
        ("Int", "1", [f'{WRONG} "1"; Int cannot represent non-integer value: "1"']),
        ("Int", True, [f"{WRONG} true; Int cannot represent non-integer value: true"]),
        ("Int", 1.5, [f"{WRONG} 1.5; Int cannot represent non-integer value: 1.5"]),
        ("Int", 2**31, [f"{WRONG} 2147483648; Int cannot represent non 32-bit signed integer value: 2147483648"]),
        ("Float", True, [f"{WRONG} true; Float cannot represent non numeric value: true"]),
        ("Float", float("nan"), [f"{WRONG} nan; Float cannot represent non numeric value: nan"]),
        ("String", 1, [f"{WRONG} 1; String cannot represent a non string value: 1"]),
        ("Boolean", 1, [f"{WRONG} 1; Boolean cannot represent a non boolean value: 1"]),
        ("ID", 1.5, [f"{WRONG} 1.5; ID cannot represent value: 1.5"]),
        ("ID", True, [f"{WRONG} true; ID cannot represent value: true"]),
        ("Color", "BLUE", [f'{WRONG} "BLUE"; Value does not exist in "Color" enum.']),
        ("Color", 1, [f'{WRONG} 1; Enum "Color" cannot represent non-string value.']),
        ("Color", ["RED"], [f'{WRONG} […]; Enum "Color" cannot represent non-string value.']),
        ("[Int!]", [1, None], [f'{WRONG} null at "v[1]"; Expected non-nullable type "Int!" not to be null.']),
        ("Point", "x", [f'{WRONG} "x"; Expected type "Point" to be an object.']),
        ("Point", {}, [f'{WRONG} {{}}; Field "x" of required type "Int!" was not provided.']),
        ("Point", {"x": None}, [f'{WRONG} null at "v.x"; Expected non-nullable type "Int!" not to be null.']),
        ("Point", {"x": 1, "y": None}, [f'{WRONG} null at "v.y"; Expected non-nullable type "Int!" not to be null.']),
        ("Point", {"x": 1, "z": 1}, [f'{WRONG} {{…}}; Field "z" is not defined by type "Point".']),
        (
            "[Point]",
            [{"x": 1, "next": {"x": "a", "tags": ["RED", "B"]}}, 5],
            [
                f'{WRONG} "a" at "v[0].next.x"; Int cannot represent non-integer value: "a"',
                f'{WRONG} "B" at "v[0].next.tags[1]"; Value does not exist in "Color" enum.',
                f'{WRONG} 5 at "v[1]"; Expected type "Point" to be an object.',
            ],
        ),
        ("By", {}, [f'{WRONG} {{}}; Exactly one key must be specified for OneOf type "By".']),
        ("By", {"id": 1, "name": None}, [f'{WRONG} {{…}}; Exactly one key must be specified for OneOf type "By".']),
        ("By", {"id": None}, [f'{WRONG} null at "v.id"; Field "id" must be non-null.']),
    ],
)
def test_findings(type_, value, messages):
    assert findings(type_, value) == messages


def test_findings_of_all_variables_are_reported_together():
    variables = (InputField("a", "Int!"), InputField("b", "Int"), InputField("c", "[Int]"))
    with pytest.raises(FederationErrors) as raised:
        prepare(query(None, variables=variables, x=INT)).coerce({"b": "x", "c": ["y", "z"]})
    assert [one.message.split('"')[1] for one in raised.value.errors] == ["$a", "$b", "$c", "$c"]


def test_long_values_are_not_repeated():
    assert all(len(one) < 200 for one in findings("Int", "x" * 10_000))
    assert all(len(one) < 200 for one in findings("Int", 10**5000))
    assert all(len(one) < 200 for one in findings("Point", {"x": 1, "y" * 10_000: 1}))


def test_there_is_an_end_to_findings():
    messages = findings("[Int]", ["x"] * 1000)
    assert len(messages) == 51
    assert messages[-1] == "950 more values are invalid."


@pytest.mark.parametrize("type_", ["Point", "Unknown", "Int"])
def test_values_nested_too_deeply(type_):
    value = {"x": 1}
    for _ in range(5000):
        value = {"x": 1, "next": value}
    assert findings(type_, value) == ['Variable "$v" got a value that is nested too deeply.']


def test_a_default_that_does_not_fit_is_left_as_it_is():
    assert coerced("Int", {}, "x") == {"v": "x"}


@pytest.mark.parametrize("given", [True, False])
def test_what_decides_over_a_field_must_not_be_null(given):
    """Its default allows it there; null is neither true nor false, and fields would be missing without a word."""
    when = ((Given("flag", given),),)
    inner = many(NonNull(object_of("O", x=("x", INT, when))))
    plan = query(None, variables=(InputField("flag", "Boolean", True), InputField("v", "Boolean", True)), o=inner)
    executable = prepare(plan)
    assert executable.coerce({"flag": False, "v": None}) == {"flag": False, "v": None}
    assert executable.coerce({}) == {"flag": True, "v": True}
    with pytest.raises(FederationErrors, match="must not be null where @skip or @include reads it"):
        executable.coerce({"flag": None})


def test_what_is_shared_below_many_places_is_gone_through_once():
    inner = object_of("O", x=("x", INT, ((Given("flag", True),),)))
    for _ in range(60):
        inner = object_of("O", a=inner, b=inner)
    assert _deciding(inner) == {"flag"}
