from pathlib import Path

import pytest
from graphql import print_schema

from kong_federation.errors import FederationError
from kong_federation.supergraph import Catalog, api_schema, load_supergraph

SUITES = Path(__file__).parents[2] / "spec" / "audit" / "suites"

HEAD = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)
  @link(url: "https://specs.apollo.dev/tag/v0.3")
{ query: Query }
directive @tag(name: String!) repeatable on FIELD_DEFINITION
directive @inaccessible on FIELD_DEFINITION
directive @live on QUERY
scalar join__FieldSet
enum join__Graph { A @join__graph(name: "a", url: "") }
"""


def public(body: str) -> str:
    return print_schema(api_schema(load_supergraph(HEAD + body)))


def test_machinery_is_gone_and_clients_directives_stay() -> None:
    text = public(
        """type Query @join__type(graph: A) {
             x(y: Int = 1 @tag(name: "t")): Int @deprecated(reason: "old") @tag(name: "t") }"""
    )

    assert "directive @live on QUERY" in text
    assert 'x(y: Int = 1): Int @deprecated(reason: "old")' in text
    assert "join__" not in text
    assert "tag" not in text


def test_inaccessible_elements_are_gone() -> None:
    text = public(
        """
        type Query @join__type(graph: A) { x(a: Int, b: Int @inaccessible): E hidden: Int @inaccessible u: U i: I }
        enum E { P UNSEEN @inaccessible }
        union U = T | Secret
        interface I { id: ID }
        interface Internal @inaccessible { id: ID }
        type T implements I & Internal { id: ID }
        type Secret implements I @inaccessible { id: ID }
        """
    )

    for word in ("hidden", "b:", "UNSEEN", "Secret", "Internal"):
        assert word not in text, word
    assert "union U = T" in text
    assert "type T implements I {" in text


def test_what_is_left_must_be_a_schema() -> None:
    with pytest.raises(FederationError, match="public schema"):
        public("type Query @join__type(graph: A) { x: Int @inaccessible }")


@pytest.mark.parametrize("suite", sorted(path.name for path in SUITES.iterdir() if path.is_dir()))
def test_every_audit_supergraph_has_a_public_schema(suite: str) -> None:
    schema = api_schema(load_supergraph((SUITES / suite / "supergraph.graphql").read_text()))

    assert schema.query_type is not None
    assert not any(name.startswith(("join__", "link__")) for name in schema.type_map)


def test_the_public_catalog_does_not_know_hidden_types() -> None:
    supergraph = load_supergraph((SUITES / "requires-with-fragments" / "supergraph.graphql").read_text())

    assert "Baz" in Catalog(supergraph, public=False).possible("Foo")
    assert "Baz" not in Catalog(supergraph, public=True).possible("Foo")
