from pathlib import Path

from kong_federation.querygraph import FieldSets, QueryGraph
from kong_federation.selection import parse_field_set, show
from kong_federation.supergraph import load_supergraph

SUITES = Path(__file__).parents[2] / "spec" / "audit" / "suites"
PLANS = Path(__file__).parents[2] / "spec" / "plans" / "supergraphs"


def graph(suite: str) -> QueryGraph:
    return QueryGraph(load_supergraph((SUITES / suite / "supergraph.graphql").read_text()))


def test_a_field_is_resolved_where_it_is_joined() -> None:
    found = graph("simple-requires-provides")

    assert {move.graph for move in found.resolvers("User", "username")} == {"ACCOUNTS"}
    username = found.field("REVIEWS", "User", "username")
    assert username is not None
    assert username.external
    assert found.field("INVENTORY", "User", "username") is None


def test_what_a_field_requires_is_on_the_move() -> None:
    move = graph("simple-requires-provides").field("INVENTORY", "Product", "shippingEstimate")

    assert move is not None
    assert show(move.requires) == "price weight"


def test_keys_that_do_not_resolve_are_no_way_in() -> None:
    info = load_supergraph((SUITES / "keys-mashup" / "supergraph.graphql").read_text()).types["A"]
    declared = {show(key.fields) for key in info.joins["B"].keys}
    resolvable = {show(move.key) for move in graph("keys-mashup").keys("B", "A")}

    assert resolvable == {"id compositeId { two three }"}
    assert resolvable < declared


def test_an_interface_object_stands_for_its_interface() -> None:
    found = graph("interface-object-with-requires")

    assert found.possible("B", "NodeWithName") == ("NodeWithName",)
    assert found.possible("A", "NodeWithName") == ("User",)
    move = found.field("B", "User", "username")
    assert move is not None
    assert move.owner == "NodeWithName"
    assert [key.type_name for key in found.keys("B", "User")] == ["NodeWithName"]


def test_labels_decide_where_an_overridden_field_is() -> None:
    supergraph = load_supergraph((PLANS / "simple-progressive-overrides.graphql").read_text())

    def owners(labels: set[str]) -> set[str]:
        moves = QueryGraph(supergraph, frozenset(labels)).resolvers("Query", "feed")
        return {move.graph for move in moves}

    assert owners(set()) == {"A"}
    assert owners({"feed_in_b"}) == {"B"}


def test_field_sets_want_the_same_of_types_that_do_not_differ() -> None:
    found = graph("requires-with-fragments")
    field_sets = FieldSets(found.catalog)
    shape = field_sets.shape(parse_field_set("foo ... on Bar { bar }"), "Foo")

    assert [want.name for want in shape.by_type["Baz"]] == ["foo", "bar"]
    assert shape.by_type["Baz"] is shape.by_type["Qux"]
