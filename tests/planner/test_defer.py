"""`@defer` in plans: which part fetches what, where it is delivered, and what runs when variables switch it off."""

from dataclasses import replace
from pathlib import Path

import pytest

from kong_federation.errors import FederationErrors
from kong_federation.plan import Composite, Defer, Deferred, ListOf, NonNull, decode_plan, encode_plan, show_plan
from kong_federation.planner import Planner, show_fetches, show_normalized
from kong_federation.supergraph import load_supergraph
from spec.plans.verdict import answers_agree

BENCH = Path(__file__).parents[2] / "bench" / "workload"
PLANNER = Planner(load_supergraph((BENCH / "supergraph.graphql").read_text()))


def plan(text):
    found = PLANNER.plan(text)
    assert decode_plan(encode_plan(found)) == found
    assert not answers_agree(PLANNER, text, 1, frozenset())
    return found


def deferred(text) -> Defer:
    node = plan(text).node
    assert isinstance(node, Defer)
    return node


def outline(part: Deferred):
    return part.label, tuple(step.name for step in part.path if hasattr(step, "name")), part.variable, part.after


def parts_of(found) -> dict[str, int | None]:
    """Response path -> part of every field of the answer."""
    listed = {}

    def walk(output, path):
        while isinstance(output, NonNull | ListOf):
            output = output.of
        if isinstance(output, Composite):
            for variant in output.variants:
                for one in variant.fields:
                    listed[path + one.key] = one.part
                    walk(one.type, f"{path}{one.key}.")

    walk(found.output, "")
    return listed


def test_the_first_answer_fetches_nothing_for_later_ones() -> None:
    text = show_plan(plan('{ me { name ... @defer(label: "r") { username reviews { body } } } }'))

    assert text == (
        "QueryPlan {\n"
        "  Defer {\n"
        "    Primary {\n"
        '      Fetch(service: "accounts") {\n'
        "        { me { name id } }\n"
        "      }\n"
        "    }\n"
        '    Deferred(part: 0, label: "r", path: "me") {\n'
        "      Parallel {\n"
        '        Flatten(path: "me") {\n'
        '          Fetch(service: "accounts") {\n'
        "            { ... on User { __typename id } } =>\n"
        "            query($representations:[_Any!]!) { _entities(representations:$representations)"
        " { ... on User { username } } }\n"
        "          }\n"
        "        }\n"
        '        Flatten(path: "me") {\n'
        '          Fetch(service: "reviews") {\n'
        "            { ... on User { __typename id } } =>\n"
        "            query($representations:[_Any!]!) { _entities(representations:$representations)"
        " { ... on User { reviews { body } } } }\n"
        "          }\n"
        "        }\n"
        "      }\n"
        "    }\n"
        "  }\n"
        "}"
    )


def test_fields_know_their_part() -> None:
    found = plan("{ me { name id ... @defer { id username ... @defer { birthday } } } }")

    assert parts_of(found) == {"me": None, "me.name": None, "me.id": None, "me.username": 0, "me.birthday": 1}
    assert [outline(part) for part in found.node.deferred] == [(None, ("me",), None, ()), (None, ("me",), None, (0,))]


def test_a_field_of_two_deferred_fragments_comes_before_both() -> None:
    found = plan('{ ... @defer(label: "a") { me { name } } ... @defer(label: "b") { me { username } } }')

    assert parts_of(found) == {"me": None, "me.name": 0, "me.username": 1}
    assert [outline(part)[:2] for part in found.node.deferred] == [("a", ()), ("b", ())]


def test_a_fragment_in_two_places_is_two_parts() -> None:
    node = deferred(
        '{ me { ...F } ada: user(id: 1) { ...F } } fragment F on User { id ... @defer(label: "f") { name } }'
    )

    assert [outline(part)[:2] for part in node.deferred] == [("f", ("me",)), ("f", ("ada",))]


def test_paths_are_those_of_the_answer() -> None:
    node = deferred("{ top: topProducts { upc ... @defer { name } } }")

    assert outline(node.deferred[0])[1] == ("top",)


@pytest.mark.parametrize(
    "text",
    [
        "{ me { name ... @defer(if: false) { username } } }",
        '{ me { name ...F @defer(if: false, label: "x") } } fragment F on User { username }',
        "{ me { name username ... @defer { username } } }",
        "{ me { name username ... on User @skip(if: true) @defer { reviews { body } } } }",
    ],
)
def test_what_defers_nothing_is_planned_as_if_it_were_not_there(text) -> None:
    assert show_plan(plan(text)) == show_plan(plan("{ me { name username } }"))


def test_a_variable_chooses_between_two_plans() -> None:
    node = deferred("query($d: Boolean! = true) { me { name ... @defer(if: $d) { username } } }")

    assert [part.variable for part in node.deferred] == ["d"]
    assert node.otherwise == replace(PLANNER.plan("{ me { name username } }").node, id=2)


def test_no_other_plan_where_something_is_always_deferred() -> None:
    node = deferred("query($d: Boolean! = true) { me { ... @defer(if: $d) { username } ... @defer { name } } }")

    assert [part.variable for part in node.deferred] == ["d", None]
    assert node.otherwise is None


def test_introspection_is_never_deferred() -> None:
    node = deferred("{ ... @defer { __schema { queryType { name } } me { name } } }")

    assert "__schema" in str(node.primary)


def test_requests_for_different_parts_are_never_one() -> None:
    stages = PLANNER.stages("{ topProducts { upc name ... @defer { reviews { body } } ... @defer { inStock } } }")

    assert "part 0" in show_fetches(stages)
    assert "part 1" in show_fetches(stages)
    assert "@defer" in show_normalized(stages)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{ me { ... @defer(label: "a") { id } ... @defer(label: "a") { name } } }', "must be unique"),
        ("query($l: String) { me { ... @defer(label: $l) { id } } }", "must be a static string"),
        ("{ me { id @defer } }", "may not be used on"),
        ("{ me { ... @defer(when: true) { id } } }", "Unknown argument"),
        ("{ me { ... @defer(if: 1) { id } } }", "Boolean cannot represent"),
    ],
)
def test_misuse_is_told(text, message) -> None:
    with pytest.raises(FederationErrors, match=message) as caught:
        PLANNER.plan(text)
    assert caught.value.errors[0].code.name == "GRAPHQL_VALIDATION_FAILED"


def test_clients_are_not_told_of_it_as_long_as_it_is_refused() -> None:
    data = PLANNER.introspect("{ __schema { directives { name } } }", {})

    assert "defer" not in {one["name"] for one in data["__schema"]["directives"]}
