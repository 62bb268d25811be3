import pytest

from kong_federation.executor.paths import compile_walk, locate, may_meet
from tests.executor.kit import path

TREE = {
    "a": {"b": [{"c": 1}, None, 5, {"__typename": "X", "c": 2}], "n": None, "s": "text"},
    "m": [[{"d": 1}, None], None, 7, [{"d": 2}]],
    "t": {"__typename": ["X"]},
}


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", [()]),
        ("a", [("a",)]),
        ("a.b.@", [("a", "b", 0), ("a", "b", 3)]),
        ("a.b.@.|X", [("a", "b", 3)]),
        ("a.|Y", []),
        ("t.|X", []),
        ("m.@.@", [("m", 0, 0), ("m", 3, 0)]),
        ("a.n", []),
        ("a.s", []),
        ("a.s.@", []),
        ("a.s.x", []),
        ("a.b", []),
        ("a.b.c", []),
        ("a.@", []),
        ("absent.@.x", []),
    ],
)
def test_walks_and_places_agree(text, places):
    found = locate(path(text), TREE)
    assert [place for place, _ in found] == places
    walked = compile_walk(path(text))(TREE)
    assert [id(node) for node in walked] == [id(node) for _, node in found]
    for place, node in found:
        value = TREE
        for step in place:
            value = value[step]
        assert value is node


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [("a.@", "a.@.|X", True), ("a.|X.b", "a.|Y.b", True), ("a.@", "a", False), ("a.b", "a.c", False)],
)
def test_only_types_make_two_paths_meet(one, other, meet):
    assert may_meet(path(one), path(other)) is meet
