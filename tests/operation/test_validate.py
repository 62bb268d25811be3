"""Validation finds what graphql-core's own finds, in the same words and order."""

import json
import re
from functools import cache
from pathlib import Path

import graphql
import pytest

from kong_federation.operation.validate import rules_for, validate
from kong_federation.supergraph import api_schema, load_supergraph, request_schema

PLANS = Path(__file__).parents[2] / "spec" / "plans"
CASES = json.loads((PLANS / "cases.json").read_text())[::5]

# What may be wrong with a document, as changes to a right one.
DAMAGES = {
    "nothing": (r"$^", ""),
    "an unknown field": (r"\bid\b", "nobody"),
    "a field below a leaf": (r"\bid\b", "id { x }"),
    "an unknown argument": (r"\bid\b", "id(x: 1, x: $none)"),
    "an unknown directive": (r"\bid\b", "id @nobody @skip @skip(if: 1)"),
    "unknown types and fragments": (r"\bid\b", "id ... on Nobody { id } ... on String { id } ...Nobody"),
    "a conflict": (r"\bid\b", "id id: __typename"),
    "an operation too many": (r"\Z", " { __typename } subscription S { a b }"),
    "fragments": (r"\Z", " fragment F on Query { ...G } fragment G on Query { ...F } fragment G on Int { id }"),
    "variables": (r"^\s*(query\b[^({]*)?(\(|\{)", "query Q($a: Nobody, $a: Query = {a: 1}) {"),
    "misplaced deferral": (r"\{", '{ a @defer ... @defer(label: "l", x: 1) { a } ... @defer(label: "l") { b } '),
    "deep introspection": (r"\{", "{ __schema { types { fields { type { fields { type { fields { name } } } } } } }"),
    "arguments without what they need": (r"\([^)]*\)", "(x: {a: 1, a: 2})"),
}


@cache
def schema(name):
    return request_schema(api_schema(load_supergraph((PLANS / "supergraphs" / f"{name}.graphql").read_text())))


def told(errors):
    return [(error.message, tuple(error.locations or ())) for error in errors]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("hidden", [False, True])
def test_the_findings_are_those_of_graphql_core(damage, hidden) -> None:
    pattern, by = DAMAGES[damage]
    compared = 0
    for case in CASES:
        text = re.sub(pattern, by, case["query"], count=2)
        try:
            document = graphql.parse(text)
        except graphql.GraphQLSyntaxError:
            continue
        expected = graphql.validate(schema(case["supergraph"]), document, max_errors=1000, hide_suggestions=hidden)
        found = validate(schema(case["supergraph"]), document, max_errors=1000, hide_suggestions=hidden)
        assert told(found) == told(expected), text
        compared += bool(expected)
    assert damage == "nothing" or compared


def test_findings_are_cut_off() -> None:
    document = graphql.parse("{ a b c d }")
    found = validate(schema("bench"), document, max_errors=2)

    assert len(found) == 3
    assert "aborted" in found[-1].message


def test_what_is_not_in_the_text_is_not_looked_for() -> None:
    plain = {rule.__name__ for rule in rules_for("{ me { id } }")}

    assert "FieldsOnCorrectTypeRule" in plain
    assert "NoUnusedVariablesRule" not in plain
    assert (
        len(rules_for("query ($a: Int) { f(a: $a) @x ...F __typename } fragment F on Query { a }")) >= len(plain) + 20
    )
    assert rules_for(None) == list(graphql.specified_rules)
