"""Documents over a limit are refused, whatever trick they use; others pass."""

import dataclasses

import pytest

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.limits import Limits
from kong_federation.operation import measure_document

NONE = Limits(max_aliases=10**6, max_root_fields=10**6, max_directives=10**6, max_tokens=10**6, max_recursion=1_000)


def findings(text, **limits):
    try:
        measure_document(text, dataclasses.replace(NONE, **limits))
    except FederationErrors as errors:
        found = errors.errors
    except FederationError as error:
        found = (error,)
    else:
        return []
    assert {error.code.name for error in found} == {"DOCUMENT_LIMIT_EXCEEDED"}
    return [error.message for error in found]


def test_tokens_are_counted_and_comments_are_not():
    assert findings("{ a } # b c d", max_tokens=3) == []
    assert findings("{ a b }", max_tokens=3) == ["The document has more than 3 tokens."]


@pytest.mark.parametrize("brackets", ["{}", "[]", "()"])
def test_brackets_are_counted_before_anything_recurses(brackets):
    text = "{a(" + brackets[0] * 100_000
    assert findings(text, max_recursion=500) == ["The document's brackets are nested deeper than 500 levels."]
    assert findings("{a}" * 600, max_recursion=1) == []


def test_depth_counts_fields_through_fragments():
    text = "{ a { ...F } } fragment F on T { b { ... on T { c } } }"
    assert findings(text, max_depth=3) == []
    assert findings(text, max_depth=2) == ["The operation is 3 fields deep; at most 2 are allowed."]


def test_aliases_root_fields_and_directives_are_counted_as_often_as_they_are_spread():
    text = "query @d { ...F ...F } fragment F on Query @d { x: a @d ... on Query @d { y: b } }"
    assert findings(text, max_aliases=3) == ["The operation has 4 aliases; at most 3 are allowed."]
    assert findings(text, max_root_fields=3) == ["The operation has 4 root fields; at most 3 are allowed."]
    assert findings(text, max_directives=6) == ["The operation has 7 directives; at most 6 are allowed."]
    assert findings(text, max_aliases=4, max_root_fields=4, max_directives=7) == []


def test_all_limits_are_reported_together_and_each_operation_is_measured_alone():
    text = "query A { a: x b: y } query B { x }"
    assert len(findings(text, max_aliases=1, max_root_fields=1)) == 2
    assert findings("query A { a: x } query B { a: x }", max_aliases=1) == []


def doubling(count):
    pairs = "".join(f"fragment F{n} on Q {{ ...F{n + 1} ...F{n + 1} }} " for n in range(count))
    return "{ ...F0 } " + pairs + f"fragment F{count} on Q {{ x: a }}"


def test_fragments_that_double_each_other_are_measured_at_once():
    assert findings(doubling(200), max_aliases=50, max_root_fields=10**99) == [
        "The operation has more than a billion aliases; at most 50 are allowed."
    ]


def test_a_chain_of_fragments_does_not_exhaust_the_stack():
    assert findings(doubling(5_000), max_aliases=50) == ["The document's fragments are nested too deeply."]


def test_a_fragment_in_a_circle_ends():
    text = "{ ...F } fragment F on Q { x: a ...G } fragment G on Q { y: b ...F }"
    assert findings(text, max_aliases=0) == ["The operation has 2 aliases; at most 0 are allowed."]
    assert findings(text, max_aliases=2) == []


@pytest.mark.parametrize(
    "text", ["", "{", "}", "{ a(", '{ a(b: "', "fragment F on", "\ud800", "{ ...Missing }", "\x00"]
)
def test_what_is_not_graphql_is_left_to_the_parser(text):
    assert findings(text) == []


def test_the_defaults_let_an_introspection_query_pass():
    from graphql import get_introspection_query

    measure_document(get_introspection_query(), Limits())
