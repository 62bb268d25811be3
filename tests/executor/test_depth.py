import pytest

from kong_federation.executor.depth import too_deep


def nested(levels):
    value = 1
    for number in range(levels):
        value = [value, 0] if number % 2 else {"a": value, "b": 1}
    return value


@pytest.mark.parametrize(
    ("levels", "deep"), [(0, False), (1, False), (2, False), (5, False), (6, True), (50_000, True)]
)
def test_levels(levels, deep):
    assert too_deep(nested(levels), 5) is deep


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [[]], {"a": {}}])
def test_shallow(value):
    assert not too_deep(value)
