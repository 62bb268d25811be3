"""Normalisation, by what it makes of small documents."""

from pathlib import Path

import pytest

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.limits import Budget
from kong_federation.operation import Shape, check_document, choose_operation, normalize, parse_document
from kong_federation.supergraph import Catalog, api_schema, load_supergraph

SUPERGRAPH = load_supergraph(
    (Path(__file__).parents[2] / "spec/audit/suites/abstract-types/supergraph.graphql").read_text()
)
SCHEMA = api_schema(SUPERGRAPH)
CATALOG = Catalog(SUPERGRAPH, public=True)


def shape(text: str, steps: int = 100_000) -> Shape:
    document = parse_document(text)
    check_document(SCHEMA, document)
    node = choose_operation(document, None)
    return normalize(SUPERGRAPH, CATALOG, document, node, Budget(steps)).shape


def outline(found: Shape) -> dict[str, list[str]]:
    """Runtime types -> wanted fields with their conditions, without what is below."""
    return {
        "|".join(types): [want.key + ("?" + str([sorted(c) for c in want.when]) if want.when else "") for want in wants]
        for types, wants in found.variants()
    }


def below(found: Shape, *keys: str) -> Shape:
    for key in keys:
        inner = next(want.shape for wants in found.by_type.values() for want in wants if want.key == key)
        assert inner is not None
        found = inner
    return found


def test_types_that_are_asked_the_same_share_their_wants() -> None:
    assert outline(below(shape("{ products { id sku } }"), "products")) == {"Book|Magazine": ["id", "sku"]}


def test_fragments_are_sorted_by_runtime_type_in_the_order_of_the_document() -> None:
    found = shape("{ products { ... on Book { title } id ... on Magazine { title sku } } }")

    assert outline(below(found, "products")) == {"Book": ["title", "id"], "Magazine": ["id", "title", "sku"]}


def test_repeated_fields_merge_with_what_is_below() -> None:
    found = shape("{ products { createdBy { name } createdBy { totalProductsCreated name } } }")

    assert outline(below(found, "products", "createdBy")) == {"User": ["name", "totalProductsCreated"]}


def test_fragment_spreads_are_the_same_as_inline_fragments() -> None:
    found = shape("{ products { ...A ...A } } fragment A on Product { id ...B } fragment B on Book { title }")

    assert outline(below(found, "products")) == {"Book": ["id", "title"], "Magazine": ["id"]}


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("id @include(if: true) sku @skip(if: true)", ["id"]),
        ("id @include(if: $a)", ["id?[[('a', True)]]"]),
        ("id @skip(if: $a)", ["id?[[('a', False)]]"]),
        ("id id @include(if: $a)", ["id"]),
        ("id @include(if: $a) id @include(if: $b)", ["id?[[('a', True)], [('b', True)]]"]),
        ("... @include(if: $a) { id @skip(if: $b) }", ["id?[[('a', True), ('b', False)]]"]),
        ("... @include(if: $a) { id @skip(if: $a) sku }", ["sku?[[('a', True)]]"]),
    ],
)
def test_conditions_become_alternatives_of_conjunctions(selection: str, expected: list[str]) -> None:
    text = "query ($a: Boolean!, $b: Boolean!) { " + f"products {{ {selection} }} x: books {{ id @include(if: $a) }} "
    found = shape(text + "y: books { id @include(if: $b) } }")

    assert outline(below(found, "products")) == {"Book|Magazine": expected}


def test_a_condition_that_guards_the_parent_is_not_repeated_below() -> None:
    found = shape("query ($a: Boolean!) { products @include(if: $a) { id } }")

    assert outline(below(found, "products")) == {"Book|Magazine": ["id"]}


def test_a_condition_of_one_of_two_selections_goes_below() -> None:
    found = shape("query ($a: Boolean!) { products @include(if: $a) { sku } products { id } }")

    assert outline(below(found, "products")) == {"Book|Magazine": ["sku?[[('a', True)]]", "id"]}


def test_a_document_that_doubles_at_each_level_runs_into_the_budget() -> None:
    levels = 30
    parts = [
        f"fragment F{n} on Book {{ a: similar {{ ...F{n + 1} }} b: similar {{ ...F{n + 1} }} }}" for n in range(levels)
    ]
    text = "{ books { ...F0 } } " + " ".join(parts) + f" fragment F{levels} on Book {{ id }}"

    # Shared shapes make this one cheap; it is the output that doubles, see the planner's tests.
    assert outline(below(shape(text), "books")) == {"Book": ["a", "b"]}
    with pytest.raises(FederationError, match="more steps than allowed"):
        shape(text, steps=20)


def test_syntax_errors_say_where() -> None:
    with pytest.raises(FederationError) as caught:
        parse_document("{ products { id }")
    assert caught.value.code.name == "GRAPHQL_PARSE_FAILED"
    assert caught.value.locations == ((1, 18),)


def test_all_validation_errors_are_reported_together() -> None:
    with pytest.raises(FederationErrors) as caught:
        check_document(SCHEMA, parse_document("{ products { nope } alsoNope }"))
    assert [error.code.name for error in caught.value.errors] == ["GRAPHQL_VALIDATION_FAILED"] * 2


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("query A { a } query B { b }", None, "several operations"),
        ("query A { a }", "B", 'no operation named "B"'),
        ("fragment F on Book { id }", None, "no operation"),
    ],
)
def test_the_operation_must_be_clear(text: str, name: str | None, says: str) -> None:
    with pytest.raises(FederationError, match=says) as caught:
        choose_operation(parse_document(text), name)
    assert caught.value.code.name == "GRAPHQL_UNKNOWN_OPERATION_NAME"
