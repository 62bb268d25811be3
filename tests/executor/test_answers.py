import pytest

from tests.executor.kit import INT, World, codes, object_of, query, root

PLAN = query(root(0, "a", "{x y{z}}"), x=INT, y=object_of("Y", z=INT))
GOOD = {"data": {"x": 1, "y": {"z": 2}}}


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        {**GOOD, "errors": None},
        {**GOOD, "errors": []},
        {**GOOD, "extensions": {"a": 1}},
        (500, GOOD),
        (404, {**GOOD, "errors": []}),
    ],
)
async def test_a_graphql_response_is_used_whatever_its_status(answer):
    result = await World({"a": answer}).run(PLAN)
    assert (result.data, result.errors) == (GOOD["data"], ())


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"{",
        b"\xff",
        b"null",
        b"[]",
        b'"x"',
        {},
        {"data": None},
        {"data": None, "errors": []},
        {"errors": []},
        {"data": []},
        {"data": "x"},
        {"data": 0},
        {"data": False},
        {**GOOD, "errors": {}},
        {**GOOD, "errors": "x"},
        b'{"data":{"x":NaN}}',
        b'{"data":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
@pytest.mark.parametrize(("status", "code"), [(200, "SUBREQUEST_MALFORMED_RESPONSE"), (502, "SUBREQUEST_HTTP_ERROR")])
async def test_anything_else_is_a_failure(answer, status, code):
    result = await World({"a": (status, answer)}).run(PLAN)
    assert result.data == {"x": None, "y": None}
    assert codes(result) == [(code, "a", None)]


@pytest.mark.parametrize("status", [301, 401, 500])
async def test_the_status_is_named(status):
    (error,) = (await World({"a": status}).run(PLAN)).errors
    assert str(status) in error["message"]


async def test_errors_without_data():
    answer = (400, {"errors": [{"message": "No.", "extensions": {"code": "BAD_USER_INPUT"}}]})
    result = await World({"a": answer}).run(PLAN)
    assert result.data == {"x": None, "y": None}
    assert result.errors == ({"message": "No.", "extensions": {"code": "BAD_USER_INPUT", "service": "a"}},)


async def test_partial_data_is_kept():
    answer = {"data": {"x": None, "y": {"z": 2}}, "errors": [{"message": "No.", "path": ["x"]}]}
    result = await World({"a": answer}).run(PLAN)
    assert result.data == {"x": None, "y": {"z": 2}}
    assert codes(result) == [("DOWNSTREAM_SERVICE_ERROR", "a", ["x"])]
