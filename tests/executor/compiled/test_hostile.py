"""Names and answers that look like a program's own: the program says what the interpreter says, or gives up."""

from dataclasses import replace

import orjson
import pytest

from kong_federation.executor import write_json
from kong_federation.executor.compiled import compile_plan, write_script
from kong_federation.executor.execute import prepare
from kong_federation.executor.tier import Tier
from kong_federation.plan.nodes import Given, Parallel, Representation, RepresentationField, Sequence
from tests.executor.conftest import NeverCompiled
from tests.executor.kit import (
    ID,
    INT,
    JSON,
    STRING,
    TYPENAME,
    GaveUp,
    World,
    abstract_of,
    attempt,
    by_id,
    entities,
    flatten,
    many,
    object_of,
    query,
    root,
    some,
)

HOSTILE = (
    *("NAME", "FIRST_NAME", "m_NAME", "S", "S_m_NAME", "__class__", "__dict__", "__builtins__", "__import__"),
    *("e1", "o0", "o1", "v1", "k1", "x", "w", "d", "t", "t0", "r0", "a0", "p0", "project", "run", "data", "fix_0"),
    *("None", "True", "class", "lambda", "import", "def", "odd", "pick", "dumps", "sent", "variables", "flags"),
)


@pytest.fixture
def tier():
    """Both ways are gone in each of these tests, so none has to run twice."""


async def both(plan, answers, raw=None):
    """What the program and the interpreter give for the same answers; the program must not give up."""
    world = World(dict(answers))
    compiled = await attempt(compile_plan(plan), raw or {}, world.context())
    if isinstance(compiled, GaveUp):
        compiled.forget()
        return compiled, await interpreted(plan, answers, raw)
    return orjson.loads(write_json(compiled)), await interpreted(plan, answers, raw)


async def interpreted(plan, answers, raw=None):
    world = World(dict(answers))
    executable = replace(prepare(plan), tier=NeverCompiled(plan))
    return (await executable.execute(raw or {}, world.context())).data


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_name_of_a_client_or_a_schema_means_anything_to_python(name):
    item = object_of(name, **{name: STRING, "id": some(ID), "price": INT, f"{name}_": (name, STRING)})
    needs = by_id(name, typename=name, extra=(RepresentationField(name, name, key=False),))
    abstract = abstract_of("Node", **{name: {name: STRING, "of": TYPENAME}, "Other": {"id": ID}})
    node = Sequence(
        (
            root(0, "a", f"{{{name}{{__typename {name} id}} node{{__typename {name}}}}}"),
            entities(1, "b", f"... on {name}{{price}}", flatten(f"{name}.@.|{name}", representations=(needs,))),
        )
    )
    output = {name: many(item), "node": abstract, f"_{name}": ("__typename", TYPENAME)}
    plan = replace(query(node), output=object_of("Query", **output))
    nodes = [
        {"__typename": name, name: "$NAME {0} %s \\", "id": "1"},
        {"__typename": name, name: "\u2028'\"\n", "id": "2"},
    ]
    answers = {
        "a": {"data": {name: nodes, "node": {"__typename": name, name: "'''"}}},
        "b": {"data": {"_e": [{"price": 1}, {"price": 2}]}},
    }
    compiled, expected = await both(plan, answers)
    assert expected[name][1]["price"] == 2
    assert compiled == expected


def twice_represented(first, second):
    """Two paths of one selection, of which the second takes its key from an earlier entity."""
    keyed = by_id(typename="P")
    by_sku = replace(keyed, fields=(RepresentationField("sku", "sku"),))
    plan = query(
        Sequence(
            (
                Parallel((root(0, "a", "{x{sku}}"), root(1, "b", "{y{id}}"))),
                entities(2, "ids", "... on P{sku}", flatten("y.@", representations=(keyed,))),
                entities(3, "prices", "... on P{price}", flatten("x.@", "y.@", representations=(by_sku,))),
            )
        ),
        x=many(object_of("P", price=INT)),
        y=many(object_of("P", price=INT)),
    )

    def prices(body):
        return {"data": {"_e": [{"price": int(one["sku"])} for one in body["variables"]["r"]]}}

    def skus(body):
        return {"data": {"_e": [{"sku": one["id"]} for one in body["variables"]["r"]]}}

    answers = {
        "a": {"data": {"x": [{"sku": one} for one in first]}},
        "b": {"data": {"y": [{"id": one} for one in second]}},
        "ids": skus,
        "prices": prices,
    }
    return plan, answers


@pytest.mark.parametrize(
    ("first", "second"),
    [(["1", "2"], ["2", "1"]), (["1", "2", "1"], ["2", "1", "2"]), (["1"], ["1"]), ([], ["2", "1"])],
)
async def test_entities_that_two_paths_meet_in_another_order_are_not_mixed_up(first, second):
    plan, answers = twice_represented(first, second)
    compiled, expected = await both(plan, answers)
    assert expected["y"] == [{"price": int(one)} for one in second]
    assert compiled == expected


async def test_the_name_of_an_interface_is_not_told_for_an_objects_own():
    media = abstract_of("Media", Book={"of": ("__typename", TYPENAME), "rating": INT})
    both_types = replace(media, variants=(replace(media.variants[0], types=("Book", "Movie")),))
    interface = (by_id("Book", "Movie", typename="Media"),)
    plan = query(
        Sequence(
            (
                root(0, "a", "{media{__typename id}}"),
                entities(1, "b", "__typename ... on Media{rating}", flatten("media.@", representations=interface)),
            )
        ),
        media=many(both_types),
    )
    answers = {
        "a": {"data": {"media": [{"__typename": "Book", "id": "1"}, {"__typename": "Movie", "id": "2"}]}},
        "b": {"data": {"_e": [{"__typename": "Media", "rating": 1}, {"__typename": "Media", "rating": 2}]}},
    }
    compiled, expected = await both(plan, answers)
    assert [one["of"] for one in expected["media"]] == ["Book", "Movie"]
    assert compiled == expected


async def test_a_query_within_an_object_of_three_answers_is_read_from_its_own():
    plan = query(
        Sequence(
            (
                Parallel((root(0, "a", "{in{a}}"), root(1, "b", "{in{b}}"), root(2, "c", "{in{c}}"))),
                root(3, "d", "{d}", path=flatten("in").paths[0]),
            )
        ),
        **{"in": object_of("In", d=INT, a=INT, b=INT, c=INT)},
    )
    answers = {name: {"data": {"in": {name: number}}} for number, name in enumerate("abc")}
    compiled, expected = await both(plan, {**answers, "d": {"data": {"d": 3}}})
    assert expected == {"in": {"d": 3, "a": 0, "b": 1, "c": 2}}
    assert compiled == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": 1, "c": 1}, {"a": 2}),
        ([1, 2, 3], [4]),
        ("text", [1]),
        ([1], "text"),
        ({"a": 1}, 5),
        ("text", 5),
        ({"a": 1}, {"a": 1}),
        (None, {"a": 1}),
        ({"a": 1}, None),
    ],
)
async def test_a_custom_scalar_of_two_answers_is_merged_as_the_interpreter_does_or_left_to_it(first, second):
    plan = query(
        Sequence((root(0, "a", "{in{j}}"), root(1, "b", "{in{j}}"))),
        **{"in": object_of("In", j=JSON)},
    )
    answers = {"a": {"data": {"in": {"j": first}}}, "b": {"data": {"in": {"j": second}}}}
    compiled, expected = await both(plan, answers)
    assert compiled == expected or isinstance(compiled, GaveUp)


@pytest.mark.parametrize(("first", "second"), [(None, {"n": 2}), ({"m": 1}, None), (None, None)])
async def test_a_required_object_of_two_answers_is_represented_as_the_interpreter_does_or_left_to_it(first, second):
    inner = (RepresentationField("m", "m", key=False), RepresentationField("n", "n", key=False))
    needs = by_id(typename="P", extra=(RepresentationField("o", "o", inner=inner, key=False),))
    plan = query(
        Sequence(
            (
                root(0, "a", "{p{id o{m}}}"),
                root(1, "b", "{p{o{m n}}}"),
                entities(2, "c", "... on P{q}", flatten("p", representations=(needs,))),
            )
        ),
        p=object_of("P", q=INT),
    )
    answers = {
        "a": {"data": {"p": {"id": "1", "o": first}}},
        "b": {"data": {"p": {"o": second and {"m": 1, **second}}}},
        "c": lambda body: {"data": {"_e": [{"q": 0 if body["variables"]["r"][0]["o"] is None else 1}]}},
    }
    compiled, expected = await both(plan, answers)
    assert compiled == expected or isinstance(compiled, GaveUp)


@pytest.mark.parametrize("value", ["text", [], 5, {}])
async def test_what_is_no_object_is_none_though_nothing_is_asked_of_it(value):
    conditional = object_of("P", x=("x", INT, ((Given("v", expected=True),),)))
    plan = query(root(0, "a", "query($v:Boolean!){p{x@include(if:$v) __typename}}"), p=conditional)
    compiled, expected = await both(plan, {"a": {"data": {"p": value}}}, {"v": False})
    assert compiled == expected or isinstance(compiled, GaveUp)


@pytest.mark.parametrize("depth", [80, 120, 400])
def test_a_path_that_is_deeper_than_python_indents_is_left_to_the_interpreter(depth, caplog):
    output, document = object_of("P", n=INT), "{id}"
    for _ in range(depth):
        output, document = object_of("P", k=output), f"{{k{document}}}"
    gathered = flatten(".".join(["k"] * depth), representations=(by_id(typename="P"),))
    node = Sequence((root(0, "a", document), entities(1, "b", "... on P{n}", gathered)))
    assert Tier(replace(query(node), output=output)).compile() == (depth == 80)
    assert not caplog.records


@pytest.mark.parametrize("inner", [(), (RepresentationField("m", "m", key=False),)])
async def test_what_an_unknown_entity_lacks_is_not_sent_as_null(inner):
    needs = by_id(typename="P", extra=(RepresentationField("sku", "sku", inner=inner, key=False),))
    plan = query(
        Sequence(
            (
                root(0, "a", "{p{id}}"),
                entities(
                    1,
                    "b",
                    f"... on P{{sku{'{m}' if inner else ''}}}",
                    flatten("p.@", representations=(by_id(typename="P"),)),
                ),
                entities(2, "c", "... on P{fee}", flatten("p.@", representations=(needs,))),
            )
        ),
        p=many(object_of("P", fee=INT)),
    )
    answers = {
        "a": {"data": {"p": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}},
        "b": {"data": {"_e": [None, {"sku": None}, {"sku": {"m": 1}}]}},
        "c": lambda body: {"data": {"_e": [{"fee": int(one["id"])} for one in body["variables"]["r"]]}},
    }
    compiled, expected = await both(plan, answers)
    assert expected == {"p": [{"fee": None}, {"fee": 2}, {"fee": 3}]}
    assert compiled == expected or isinstance(compiled, GaveUp)


async def test_a_type_is_not_looked_for_in_what_is_found_by_it():
    users = abstract_of("Node", User={"of": ("__typename", TYPENAME), "name": STRING}, Bot={"name": STRING})
    found = flatten("users.@", representations=(by_id("User", "Bot"),))
    plan = query(
        Sequence((root(0, "a", "{users{__typename id}}"), entities(1, "b", "__typename ...on Node{name}", found))),
        users=many(users),
    )
    answers = {
        "a": {"data": {"users": [{"__typename": "User", "id": "1"}, {"__typename": "Bot", "id": "1"}]}},
        "b": {"data": {"_e": [{"__typename": "User", "name": "Ada"}, {"__typename": "Bot", "name": "R2"}]}},
    }
    compiled, expected = await both(plan, answers)
    assert expected == {"users": [{"of": "User", "name": "Ada"}, {"name": "R2"}]}
    assert compiled == expected


async def test_walks_through_two_answers_at_once_are_shared_as_well():
    """Friends have their `id` from one subgraph and their `code` from another; all three fetches need both."""
    code = (RepresentationField("code", "code"),)
    one, other = by_id(typename="P", extra=code), Representation((), "P", (*code, RepresentationField("id", "id")))
    friends = "users.@.pals.@"
    plan = query(
        Sequence(
            (
                root(0, "a", "{users{pals{id}}}"),
                root(1, "b", "{users{pals{code}}}"),
                entities(2, "c", "... on P{m}", flatten(friends, representations=(one,))),
                entities(3, "d", "... on P{n}", flatten(friends, representations=(other,))),
                entities(4, "e", "... on P{o}", flatten(friends, representations=(one,))),
            )
        ),
        users=many(object_of("U", pals=many(object_of("P", m=INT, n=INT, o=INT)))),
    )
    ids = [["1", "2"], None, ["2", "3", "1"], []]
    codes = [["x", "y"], None, ["y", "x", "x"], []]

    def users(key, lists):
        return {"data": {"users": [{"pals": values and [{key: value} for value in values]} for values in lists]}}

    def asked(key, factor):
        def answer(body):
            found = [{key: factor * int(one["id"]) + (one["code"] == "y")} for one in body["variables"]["r"]]
            return {"data": {"_e": found}}

        return answer

    answers = {"a": users("id", ids), "b": users("code", codes)}
    answers |= {"c": asked("m", 10), "d": asked("n", 100), "e": asked("o", 1000)}
    compiled, expected = await both(plan, answers)
    assert expected["users"][2]["pals"][0] == {"m": 21, "n": 201, "o": 2001}
    assert compiled == expected
    texts = "\n".join(write_script(plan).texts)
    assert "for h0, h1 in p0(S):" in texts
    assert "for h0, h1 in S.f0:" in texts
