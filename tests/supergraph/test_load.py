from pathlib import Path

import pytest

from kong_federation.errors import FederationError
from kong_federation.selection import show
from kong_federation.supergraph import Kind, Supergraph, load_supergraph

WORLDS = Path(__file__).parent.parent / "worlds"

HEAD = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  EXTRA
{ query: Query }
scalar join__FieldSet
enum join__Graph {
  A @join__graph(name: "a", url: "http://a.example")
  B @join__graph(name: "b-two", url: "")
}
"""


def load(body: str, extra: str = "") -> Supergraph:
    return load_supergraph(HEAD.replace("EXTRA", extra) + body)


QUERY = "type Query @join__type(graph: A) @join__type(graph: B) { x: Int @join__field(graph: A) }\n"


def test_subgraphs_have_names_and_urls() -> None:
    subgraphs = load(QUERY).subgraphs

    assert {name: subgraph.url for name, subgraph in subgraphs.items()} == {"a": "http://a.example", "b-two": ""}


def test_keys_keep_their_order_and_whether_they_resolve() -> None:
    info = load(
        QUERY
        + """type T @join__type(graph: A, key: "id") @join__type(graph: A, key: "o { id }")
             @join__type(graph: B, key: "id", resolvable: false) { id: ID! }"""
    ).types["T"]

    assert [show(key.fields) for key in info.joins["A"].keys] == ["id", "o { id }"]
    assert [key.resolvable for key in info.joins["B"].keys] == [False]


def test_a_field_that_names_no_subgraph_is_in_all_that_have_its_type() -> None:
    info = load(QUERY + "type T @join__type(graph: A) @join__type(graph: B) { x: Int }").types["T"]

    assert set(info.fields["x"].joins) == {"A", "B"}


def test_an_interface_objects_field_is_on_the_object_in_no_subgraph() -> None:
    info = load(QUERY + "type T @join__type(graph: A) { x: Int @join__field }").types["T"]

    assert info.fields["x"].joins == {}


def test_what_a_join_field_says_is_kept() -> None:
    field = (
        load(
            QUERY
            + """type T @join__type(graph: A) {
              x: [Int!] @join__field(graph: A, type: "[Int!]!", requires: "y", override: "b-two",
                overrideLabel: "percent(5)",
                contextArguments: [{name: "l", type: "String", context: "c", selection: "{ l }"}])
              y: Int @join__field(graph: A, external: true) @join__field(graph: B, usedOverridden: true) }"""
        )
        .types["T"]
        .fields
    )
    join = field["x"].joins["A"]

    assert (join.type, show(join.requires), join.override, join.override_label) == (
        "[Int!]!",
        "y",
        "b-two",
        "percent(5)",
    )
    assert show(join.context_arguments[0].selection) == "l"
    assert field["y"].joins["A"].external
    assert field["y"].joins["B"].used_overridden


def test_interfaces_unions_and_enums_are_known_per_subgraph() -> None:
    types = load(
        QUERY
        + """
        interface I @join__type(graph: A) @join__type(graph: B, isInterfaceObject: true) { x: Int }
        type T implements I @join__type(graph: A) @join__implements(graph: A, interface: "I") { x: Int }
        union U @join__type(graph: A) @join__type(graph: B) @join__unionMember(graph: A, member: "T") = T
        enum E @join__type(graph: A) @join__type(graph: B) { P @join__enumValue(graph: A) Q }
        """
    ).types

    assert types["I"].joins["B"].interface_object
    assert types["T"].joins["A"].implements == {"I"}
    assert types["U"].joins["A"].members == {"T"}
    assert types["U"].joins["B"].members == frozenset()
    assert types["E"].joins["B"].members == {"Q"}
    assert types["E"].kind is Kind.ENUM


def test_directives_of_other_specifications_are_kept_under_their_own_names() -> None:
    info = load(
        QUERY + 'type T @join__type(graph: A) @label(name: "x") { x: Int @federation__tag(name: "y") }',
        '@link(url: "https://specs.apollo.dev/tag/v0.3", import: [{name: "@tag", as: "@label"}])',
    ).types["T"]

    assert [(applied.name, dict(applied.arguments)) for applied in info.directives] == [("tag", {"name": "x"})]


def test_specifications_may_be_renamed() -> None:
    sdl = (HEAD.replace("EXTRA", "") + QUERY).replace("join__", "j__").replace('v0.5"', 'v0.5", as: "j"')

    assert set(load_supergraph(sdl).types) == {"Query"}


@pytest.mark.parametrize("name", ["authenticated", "requiresScopes", "policy", "somethingNew"])
def test_a_specification_that_must_be_carried_out_and_is_not_is_refused(name: str) -> None:
    with pytest.raises(FederationError, match=f"needs {name} v0.1"):
        load(QUERY, f'@link(url: "https://specs.apollo.dev/{name}/v0.1", for: SECURITY)')


def test_a_newer_join_version_is_refused() -> None:
    with pytest.raises(FederationError, match=r"needs join v0\.9"):
        load_supergraph((HEAD.replace("EXTRA", "") + QUERY).replace("join/v0.5", "join/v0.9"))


@pytest.mark.parametrize(
    ("sdl", "says"),
    [
        ("", "not valid SDL"),
        ("type Query {", "not valid SDL"),
        ("type Query { x: Int }", "does not link the join specification"),
        (HEAD.replace("EXTRA", "").replace("join__Graph", "Other") + QUERY, "names no subgraphs"),
        (HEAD.replace("EXTRA", ""), "no query root type"),
        (HEAD.replace("EXTRA", "") + QUERY + 'type T @join__type(graph: A, key: "}") { x: Int }', "field set"),
    ],
)
def test_what_is_no_supergraph_is_refused_with_a_reason(sdl: str, says: str) -> None:
    with pytest.raises(FederationError, match=says) as caught:
        load_supergraph(sdl)
    assert caught.value.code.name == "SUPERGRAPH_INVALID"


class TestFederation1:
    """Join v0.1 says less; the loader completes it."""

    @pytest.fixture
    def supergraph(self) -> Supergraph:
        return load_supergraph((WORLDS / "federation1" / "supergraph.graphql").read_text())

    def test_value_types_are_everywhere(self, supergraph: Supergraph) -> None:
        assert set(supergraph.types["Dimensions"].joins) == set(supergraph.graphs)

    def test_key_fields_are_in_every_subgraph_with_the_key(self, supergraph: Supergraph) -> None:
        assert set(supergraph.types["Product"].fields["upc"].joins) == {"PRODUCTS", "INVENTORY", "REVIEWS"}

    def test_other_fields_are_where_they_say(self, supergraph: Supergraph) -> None:
        assert set(supergraph.types["Product"].fields["price"].joins) == {"PRODUCTS"}

    def test_provided_fields_are_external_where_they_are_provided(self, supergraph: Supergraph) -> None:
        joins = supergraph.types["User"].fields["username"].joins

        assert {graph: join.external for graph, join in joins.items()} == {"ACCOUNTS": False, "REVIEWS": True}

    def test_interfaces_are_implemented_wherever_the_type_is(self, supergraph: Supergraph) -> None:
        assert supergraph.types["Product"].joins["REVIEWS"].implements == {"Named"}
