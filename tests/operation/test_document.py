"""What a client is told of a document that is wrong."""

import pytest
from graphql import build_schema

from kong_federation.errors import FederationErrors
from kong_federation.operation import check_document, parse_document

SCHEMA = build_schema(
    """
    directive @limited(amount: Int) on FIELD
    interface Node { id: ID }
    type User implements Node { id: ID, name: String, friend: User, secret: Secret }
    type Product implements Node { id: ID, price: Float }
    type Secret { salary: Int }
    enum Role { ADMIN OPERATOR }
    input Filter { nameLike: String, role: Role }
    type Query { user(filter: Filter, role: Role): User, node: Node }
    """
)


def findings(text):
    with pytest.raises(FederationErrors) as caught:
        check_document(SCHEMA, parse_document(text))
    return [(error.code.name, error.message) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("{ usr { id } }", "user"),
        ("{ user { nam } }", "name"),
        ("{ node { price } }", "Product"),
        ("{ user(fliter: null) { id } }", "filter"),
        ("{ user(filter: {nameLik: null}) { id } }", "nameLike"),
        ("{ user(filter: {role: ADMI}) { id } }", "ADMIN"),
        ("{ user(role: ADMI) { id } }", "ADMIN"),
        ('{ user(role: "OPERATO") { id } }', "OPERATOR"),
        ("query($f: Filtr) { user { id } }", "Filter"),
        ("query($f: Filter = {rol: ADMIN}) { user(filter: $f) { id } }", "role"),
        ("{ node { ... on Usr { id } } }", "User"),
        ("fragment F on Prodct { id } { node { ...F } }", "Product"),
        ("{ user { id @limited(amoun: 1) } }", "amount"),
    ],
)
def test_what_the_client_has_not_said_is_not_suggested(text, kept):
    told = findings(text)
    assert {code for code, _ in told} == {"GRAPHQL_VALIDATION_FAILED"}
    for _, message in told:
        assert "Did you mean" not in message
        assert kept not in message


def test_of_many_errors_the_first_are_told_and_that_there_are_more():
    told = findings("{ " + " ".join(f"nope{number}" for number in range(50)) + " }")
    assert len(told) == 21
    assert told[-1] == ("GRAPHQL_VALIDATION_FAILED", "There are more than 20 errors; the rest is left out.")
    assert len(findings("{ " + " ".join(f"nope{number}" for number in range(20)) + " }")) == 20


NESTED = "".join(f"fragment F{level} on User {{ friend {{ ...F{level + 1} }} }} " for level in range(500))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{{ user {{ ...F0 }} }} {NESTED} fragment F500 on User {{ id }}", id="deep"),
        pytest.param(f"{{ {'user { id } ' * 5_000} }}", id="repeated"),
    ],
)
def test_where_validation_takes_too_much_the_client_is_told_why(text):
    ((code, message),) = findings(text)
    assert code == "DOCUMENT_LIMIT_EXCEEDED"
    assert "nested too deeply, or too many of its fields have the same name" in message
