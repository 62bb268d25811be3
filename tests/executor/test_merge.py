import pytest

from kong_federation.executor.merge import copy, merge, spread


@pytest.mark.parametrize(
    ("target", "source", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": [{"x": 1}, None]}, {"a": [{"y": 2}, {"y": 3}]}, {"a": [{"x": 1, "y": 2}, {"y": 3}]}),
        ({"a": [[{"x": 1}]]}, {"a": [[{"y": 2}]]}, {"a": [[{"x": 1, "y": 2}]]}),
        ({"a": [1]}, {"a": [2, 3]}, {"a": [2]}),
        ({"a": [1, 2]}, {"a": [None]}, {"a": [1, 2]}),
        ({"a": 1}, {"a": None}, {"a": 1}),
        ({"a": None}, {"a": 1}, {"a": 1}),
        ({}, {"a": None}, {"a": None}),
        ({"a": "Media"}, {"a": "Book"}, {"a": "Book"}),
        ({"a": {"x": 1}}, {"a": [1]}, {"a": {"x": 1}}),
        ({"a": {"x": 1}}, {"a": "text"}, {"a": {"x": 1}}),
        ({"a": "text"}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": 1}, {"a": 1.5}, {"a": 1.5}),
    ],
)
def test_merge(target, source, merged):
    merge(target, source)
    assert target == merged


def test_spread_leaves_no_shared_parts():
    places = [{}, {}, {}]
    spread({"a": {"b": [{"c": 1}]}}, places)
    places[1]["a"]["b"][0]["d"] = 2
    places[2]["a"]["b"].append(3)
    assert places[0] == {"a": {"b": [{"c": 1}]}}
    assert places[2] == {"a": {"b": [{"c": 1}, 3]}}


def test_copy():
    value = {"a": [1, {"b": [None, "x"]}], "c": 2.5}
    assert copy(value) == value
    assert copy(value)["a"] is not value["a"]
    assert copy("x") == "x"
