"""
Which operations can be passed through.

That the subgraph's answer is the client's, byte for byte, wherever a plan says so, is checked with every case of the
corpus and every operation of the fuzzer (`spec.plans.verdict`).
"""

from pathlib import Path

import pytest

from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph
from spec.plans.case import cases, planner

BENCH = Path(__file__).parents[2] / "bench" / "workload"
PLANNER = Planner(load_supergraph((BENCH / "supergraph.graphql").read_text()))

WHOLE = [
    "{ me { name } }",
    "{ me { id name birthday } }",
    "{ mine: me { n: name } you: me { name } }",
    "query Q($id: ID!) { user(id: $id) { name } }",
    "{ users { ...F id } } fragment F on User { name }",
    "{ topProducts(first: 2) { upc name } }",
]
NOT_WHOLE = [
    "{ me { name reviews { body } } }",  # two subgraphs
    "{ me { name } topProducts { upc } }",
    "{ me { name __typename } }",  # the gateway knows the name of the type itself
    "{ __typename }",
    "{ __schema { queryType { name } } me { name } }",
    "query Q($x: Boolean!) { me { name @include(if: $x) id } }",
]


@pytest.mark.parametrize(("text", "whole"), [*((one, True) for one in WHOLE), *((one, False) for one in NOT_WHOLE)])
def test_an_operation_is_whole_if_nothing_is_done_to_its_answer(text, whole):
    assert PLANNER.plan(text).whole is whole


def test_the_corpus_has_both_kinds():
    plans = [planner(case.supergraph).plan(case.query, None, case.labels) for case in cases()]
    single = [plan for plan in plans if type(plan.node).__name__ == "Fetch"]
    assert len([plan for plan in plans if plan.whole]) >= 10
    assert [plan for plan in single if not plan.whole]


HIDDEN = """
schema @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY) { query: Query mutation: Mutation }
directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | ENUM_VALUE | ENUM
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(graph: join__Graph) repeatable on FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: String) repeatable on OBJECT | INTERFACE | ENUM
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "http://a") }
type Query @join__type(graph: A) { node: Node things: [Thing] secret: Secret @inaccessible }
type Mutation @join__type(graph: A) { make: Thing }
interface Node @join__type(graph: A) { id: ID }
type Thing implements Node @join__type(graph: A) @join__implements(graph: A, interface: "Node") {
  id: ID
  color: Color
  shade: Shade
}
type Secret implements Node @join__type(graph: A) @join__implements(graph: A, interface: "Node") @inaccessible {
  id: ID
}
enum Color @join__type(graph: A) { RED @join__enumValue(graph: A) HIDDEN @join__enumValue(graph: A) @inaccessible }
enum Shade @join__type(graph: A) { DARK @join__enumValue(graph: A) }
"""


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("{ things { id shade } }", True),
        ("{ things { color } }", False),  # a value that clients must not see
        ("{ node { id } }", False),  # a type that they must not see
        ("mutation { make { id } }", False),  # nginx must not send it twice
    ],
)
def test_what_clients_must_not_see_is_never_passed_through(text, whole):
    assert Planner(load_supergraph(HIDDEN)).plan(text).whole is whole
