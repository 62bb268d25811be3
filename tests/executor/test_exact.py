"""Numbers of every form, through answers, keys and variables: what comes out are the same bytes."""

import asyncio
import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.errors import FederationErrors
from kong_federation.executor import Number, prepare, read_json, write_json
from kong_federation.plan.nodes import InputField, ObjectInput, Representation, RepresentationField, Sequence, Written
from kong_federation.transport import SubgraphResponse
from tests.executor.kit import FLOAT, ID, INT, JSON, World, codes, entities, flatten, many, object_of, query, root

DIGITS = st.text("0123456789", min_size=1, max_size=45)
WHOLE = st.builds(lambda sign, digits: sign + (digits.lstrip("0") or "0"), st.sampled_from(["", "-"]), DIGITS)
FRACTION = st.one_of(st.just(""), DIGITS.map(".{}".format))
EXPONENT = st.one_of(st.just(""), st.builds("{}{}".format, st.sampled_from(["e", "E", "e+", "e-"]), DIGITS))
NUMBER = st.builds("{}{}{}".format, WHOLE, FRACTION, EXPONENT)
TEXT = st.text(max_size=5).map(json.dumps)
VALUE = st.recursive(
    st.one_of(NUMBER, TEXT, st.sampled_from(["null", "true", "false"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
        st.dictionaries(TEXT, inner, max_size=3).map(
            lambda items: "{" + ",".join(f"{key}:{value}" for key, value in items.items()) + "}"
        ),
    ),
    max_leaves=8,
)
ODD = ["-0", "-0.0", "0e0", "1E400", "-1e-400", "1.10", "100.0", "1e2", "12345678901234567.5", "1" + "0" * 5_000]
LIMITS = [str(limit + more) for limit in (-(2**63), -(10**18), 10**19, 2**63, 2**64) for more in (-1, 0, 1)]


class Raw(World):
    """Subgraphs that answer text, and keep the bytes they are sent."""

    async def _answer(self, request):
        self.sent.append((request.subgraph, request.body))
        return SubgraphResponse(200, (), self.answers[request.subgraph].encode())


def ran(plan, raw=None, **answers):
    """The client's bytes, and those of the last request."""
    world = Raw(answers)
    result = asyncio.run(world.run(plan, raw))
    assert not result.errors
    return write_json(result.data), world.sent[-1][1]


def unescaped(text):
    """As the writer writes: without spaces, and with Unicode as it is."""
    return write_json(read_json(text.encode()))


@pytest.mark.parametrize("text", [*ODD, *LIMITS])
def test_a_number_is_written_as_it_was_read(text):
    assert write_json(read_json(text.encode())) == text.encode()
    assert write_json(read_json(f'{{"a":[{text}]}}'.encode())) == f'{{"a":[{text}]}}'.encode()


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("-7", -7), ("1.10", 1.1), ("1e2", 100.0), ("1E400", float("inf")), ("-0", 0.0)]
)
def test_numbers_can_be_reckoned_with(text, value):
    assert read_json(text.encode()) == value


@given(VALUE)
def test_what_is_written_is_what_was_read(text):
    written = unescaped(text)
    assert unescaped(written.decode()) == written
    assert json.loads(written, parse_float=str, parse_int=str) == json.loads(text, parse_float=str, parse_int=str)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"NaN",
        b"[-Infinity]",
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"1e",
        b"-",
        b"\xff",
        b"\xef\xbb\xbf1",
        "1".encode("utf-16"),
        b'"\\ud800"',
        b'["\\uDFFF\\ud800"]',
        b'"\n"',
        b"1 2",
        b"[1,]",
        b"[" * 100_000,
    ],
)
def test_what_is_not_json_is_refused(data):
    with pytest.raises(ValueError, match=r"."):
        read_json(data)


def test_escaped_characters_beyond_the_basic_plane_are_text():
    assert read_json(b'["\\ud83d\\ude00",1.50,"\\\\ud800"]') == ["\U0001f600", 1.5, "\\ud800"]


def test_only_numbers_are_written():
    with pytest.raises(orjson.JSONEncodeError):
        write_json(object())


@given(VALUE)
def test_custom_scalars_are_untouched(text):
    data, _ = ran(query(root(0, "a", "{x}"), x=JSON), a=f'{{"data":{{"x":[{text}]}}}}')
    assert data == b'{"x":[%b]}' % unescaped(text)


@given(NUMBER)
def test_floats_are_as_received(text):
    plan = query(root(0, "a", "{x}"), x=FLOAT)
    result = asyncio.run(Raw({"a": f'{{"data":{{"x":{text}}}}}'}).run(plan))
    if float(text) in {float("inf"), float("-inf")}:
        assert codes(result) == [("RESPONSE_VALIDATION_FAILED", "a", ["x"])]
    else:
        assert write_json(result.data) == b'{"x":%b}' % text.encode()


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        (INT, "5.0", 5),
        (INT, "5e0", 5),
        (INT, "-0", 0),
        (INT, "5.1", None),
        (INT, "1e10", None),
        (INT, "1e400", None),
        (INT, "9" * 20, None),
        (ID, "9" * 20, "9" * 20),
        (ID, "7", "7"),
        (ID, "7.0", None),
        (ID, "1e2", None),
    ],
)
def test_integers_and_ids_are_checked_as_before(type_, text, expected):
    world = Raw({"a": f'{{"data":{{"x":{text}}}}}'})
    result = asyncio.run(world.run(query(root(0, "a", "{x}"), x=type_)))
    assert result.data == {"x": expected}
    assert bool(result.errors) == (expected is None)


ENTITY = Representation((), "User", (RepresentationField("id", "id"), RepresentationField("size", "s", key=False)))
ONE_KEY = Representation((), "User", (RepresentationField("id", "id"),))


def entity_plan(representation):
    fetches = (
        root(0, "a", "{users{id s}}"),
        entities(1, "b", "x", flatten("users.@", representations=(representation,))),
    )
    return query(Sequence(fetches), users=many(object_of("User", x=JSON)))


def users(texts):
    return '{"data":{"users":[' + ",".join(f'{{"id":{text},"s":{{"of":{text}}}}}' for text in texts) + "]}}"


@given(st.lists(st.one_of(NUMBER, st.sampled_from(["1", "1.0", "1.00", "1e0", "true", '"1"'])), min_size=1, max_size=6))
def test_keys_and_requirements_are_sent_as_received(texts):
    apart = list(dict.fromkeys(texts))
    answer = '{"data":{"_e":[' + ",".join(f'{{"x":{json.dumps(text)}}}' for text in apart) + "]}}"
    expected = [f'{{"__typename":"User","id":{text}}}' for text in apart]
    data, sent = ran(entity_plan(ONE_KEY), a=users(texts), b=answer)
    assert sent.endswith(f'"variables":{{"r":[{",".join(expected)}]}}}}'.encode())
    # Each has the answer of its own key: `1` and `1.0` are two.
    assert orjson.loads(data) == {"users": [{"x": text} for text in texts]}
    expected = [f'{{"__typename":"User","id":{text},"size":{{"of":{text}}}}}' for text in apart]
    data, sent = ran(entity_plan(ENTITY), a=users(texts), b=answer)
    assert sent.endswith(f'"variables":{{"r":[{",".join(expected)}]}}}}'.encode())
    assert orjson.loads(data) == {"users": [{"x": text} for text in texts]}


@given(VALUE, NUMBER)
def test_variables_of_custom_scalars_are_sent_as_given(text, number):
    inputs = (ObjectInput("In", (InputField("any", "Any"), InputField("ratio", "Float"))),)
    plan = query(
        root(0, "a", "query($v:Any,$in:In){x}", variables=("v", "in")),
        variables=(InputField("v", "Any"), InputField("in", "In")),
        inputs=inputs,
        x=JSON,
    )
    whole = f'{{"v":{text},"in":{{"any":[{number}],"ratio":1.10}}}}'
    _, sent = ran(plan, read_json(whole.encode()), a='{"data":{"x":1}}')
    assert sent.endswith(b'"variables":%b}' % unescaped(whole))


def test_defaults_keep_their_numbers():
    inputs = (ObjectInput("In", (InputField("any", "Any!", Written("[1.10]")), InputField("id", "ID", 1))),)
    variables = (InputField("v", "Any!", Written("[-0,1E400]")), InputField("in", "In", Written('{"id":1e2}')))
    coerced = prepare(query(None, variables=variables, inputs=inputs, x=INT)).coerce({})
    assert write_json(coerced) == b'{"v":[-0,1E400],"in":{"any":[1.10],"id":"100"}}'


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        ("Int", "5.0", b"5"),
        ("Int", "5e1", b"50"),
        ("Float", "5.10", b"5.10"),
        ("Float", "9" * 30, b"9" * 30),
        ("ID", "5.0", b'"5"'),
        ("ID", "9" * 30, b'"%b"' % (b"9" * 30)),
    ],
)
def test_variables_of_built_in_scalars(type_, text, expected):
    plan = query(None, variables=(InputField("v", type_),), x=INT)
    coerced = prepare(plan).coerce(read_json(f'{{"v":{text}}}'.encode()))
    assert write_json(coerced["v"]) == expected


@pytest.mark.parametrize(
    ("type_", "text"),
    [("Int", "5.1"), ("Int", "9" * 30), ("Int", "1e400"), ("Float", "1e400"), ("ID", "1.5"), ("ID", "-1e400")],
)
def test_numbers_that_do_not_fit_are_quoted(type_, text):
    plan = query(None, variables=(InputField("v", type_),), x=INT)
    with pytest.raises(FederationErrors) as raised:
        prepare(plan).coerce(read_json(f'{{"v":{text}}}'.encode()))
    (error,) = raised.value.errors
    assert text in error.message


def test_extensions_of_errors_keep_their_numbers():
    world = Raw({"a": '{"data":null,"errors":[{"message":"No.","extensions":{"price":1.10}}]}'})
    (error,) = asyncio.run(world.run(query(root(0, "a", "{x}"), x=INT))).errors
    assert write_json(error["extensions"]["price"]) == b"1.10"


def test_where_no_such_number_may_come_the_fast_parser_reads():
    world = Raw({"a": '{"data":{"x":1.10}}'})
    result = asyncio.run(world.run(query(root(0, "a", "{x}", exact=False), x=JSON)))
    assert type(result.data["x"]) is float
    result = asyncio.run(world.run(query(root(0, "a", "{x}"), x=JSON)))
    assert type(result.data["x"]) is Number
