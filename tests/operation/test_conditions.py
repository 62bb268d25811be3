from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.operation.conditions import ALWAYS, Conjunction, When, conjoin, either, union, variables_of

NAMES = "abc"
CONJUNCTIONS = st.dictionaries(st.sampled_from(NAMES), st.booleans()).map(lambda found: frozenset(found.items()))


def holds(when: When, values: dict[str, bool]) -> bool:
    return when == ALWAYS or any(all(values[name] is wanted for name, wanted in one) for one in when)


@given(st.lists(CONJUNCTIONS, min_size=1))
def test_the_shortest_form_means_the_same(alternatives: list[Conjunction]) -> None:
    when = either(alternatives)

    for values in product([False, True], repeat=len(NAMES)):
        named = dict(zip(NAMES, values, strict=True))
        assert holds(when, named) == any(all(named[name] is wanted for name, wanted in one) for one in alternatives)


@given(st.lists(CONJUNCTIONS, min_size=1), st.lists(CONJUNCTIONS, min_size=1))
def test_a_union_holds_when_one_holds(first: list[Conjunction], second: list[Conjunction]) -> None:
    one, other = either(first), either(second)

    for values in product([False, True], repeat=len(NAMES)):
        named = dict(zip(NAMES, values, strict=True))
        assert holds(union(one, other), named) == (holds(one, named) or holds(other, named))


def test_contradictions_are_nothing() -> None:
    assert conjoin(frozenset({("a", True)}), frozenset({("a", False)})) is None


@pytest.mark.parametrize(("when", "names"), [(ALWAYS, set()), ((frozenset({("a", True), ("b", False)}),), {"a", "b"})])
def test_the_variables_that_decide(when: When, names: set[str]) -> None:
    assert variables_of(when) == names
