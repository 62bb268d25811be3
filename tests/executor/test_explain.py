from typing import ClassVar

import pytest

from kong_federation.executor import explain
from kong_federation.executor.paths import locate
from kong_federation.executor.places import to_client
from kong_federation.plan.nodes import Given, InputField, Introspect, Parallel, RepresentationField, Sequence
from tests.executor.kit import (
    ID,
    INT,
    STRING,
    World,
    abstract_of,
    by_id,
    codes,
    entities,
    flatten,
    many,
    object_of,
    path,
    query,
    root,
    some,
)

USERS = root(0, "accounts", "{users{__typename id}}")
NAMES = entities(1, "names", "...on User{name address{city}}")
USER = object_of("User", n=("name", some(STRING)))
FRIENDLY = object_of("User", n=("name", STRING), place=("address", object_of("Address", c=("city", STRING))))


def users(*numbers):
    return {"data": {"users": [number and {"__typename": "User", "id": number} for number in numbers]}}


def broken(*where, message="No.", **more):
    return {"message": message, "path": list(where), **more}


async def test_paths_lead_to_every_place_of_an_entity():
    plan = query(Sequence((USERS, NAMES)), people=("users", many(FRIENDLY)), again=("users", many(FRIENDLY)))
    answer = {
        "data": {"_e": [{"name": "a"}, {"name": "b", "address": {"city": None}}]},
        "errors": [broken("_e", 1, "address", "city"), broken("_e", 0, "address")],
    }
    result = await World({"accounts": users("1", None, "2", "1"), "names": answer}).run(plan)
    assert codes(result) == [
        ("DOWNSTREAM_SERVICE_ERROR", "names", where)
        for where in [
            ["people", 2, "place", "c"],
            ["again", 2, "place", "c"],
            ["people", 0, "place"],
            ["again", 0, "place"],
            ["people", 3, "place"],
            ["again", 3, "place"],
        ]
    ]


async def test_paths_of_a_root_fetch_start_at_each_object():
    plan = query(
        Sequence((USERS, root(1, "b", "{c:config{t:theme}}", path=path("users.@")))),
        users=many(object_of("User", config=("c", object_of("Config", theme=("t", STRING))))),
    )
    answer = {"data": {"c": {"t": None}}, "errors": [broken("c", "t")]}
    result = await World({"accounts": users("1", "2"), "b": answer}).run(plan)
    assert [one[2] for one in codes(result)] == [["users", 0, "config", "theme"], ["users", 1, "config", "theme"]]


async def test_paths_go_by_runtime_types():
    node = abstract_of("Node", A={"left": ("x", INT)}, B={"right": ("x", INT)})
    plan = query(root(0, "a", "{nodes{__typename x}}"), nodes=many(node))
    answer = {
        "data": {"nodes": [{"__typename": "B", "x": None}, {"__typename": "A", "x": None}, None]},
        "errors": [broken("nodes", 0, "x"), broken("nodes", 1, "x"), broken("nodes", 2, "x")],
    }
    result = await World({"a": answer}).run(plan)
    assert [one[2] for one in codes(result)] == [
        ["nodes", 0, "right"],
        ["nodes", 1, "left"],
        ["nodes", 2, "left"],
        ["nodes", 2, "right"],
    ]


async def test_a_hidden_field_is_told_at_the_object_that_has_it():
    plan = query(root(0, "a", "{users{price}}"), users=many(object_of("User", id=ID)))
    answer = {"data": {"users": [{"id": "1", "price": None}]}, "errors": [broken("users", 0, "price")]}
    assert codes(await World({"a": answer}).run(plan)) == [("DOWNSTREAM_SERVICE_ERROR", "a", ["users", 0])]


@pytest.mark.parametrize(
    "where",
    [
        None,
        [],
        "x",
        [None],
        [1.5],
        [True],
        ["_e"],
        ["_e", 9],
        ["_e", -1],
        ["_e", "0"],
        ["other", 0],
        [["_e"], 0],
    ],
)
async def test_an_unusable_path_is_replaced_by_where_the_fetch_belongs(where):
    plan = query(Sequence((USERS, NAMES)), people=("users", many(USER)))
    answer = {"data": {"_e": [{"name": None}]}, "errors": [{"message": "No.", "path": where}]}
    result = await World({"accounts": users("1"), "names": answer}).run(plan)
    assert result.data == {"people": [None]}
    assert codes(result) == [("DOWNSTREAM_SERVICE_ERROR", "names", ["people"])]


class TestMasking:
    ERROR: ClassVar = {
        "message": "at db:5432",
        "path": ["x"],
        "locations": [1],
        "extensions": {"code": "DB", "stack": "s", "service": "fake"},
    }

    async def told(self, error, *, mask):
        answer = {"data": {"x": None}, "errors": [error]}
        world = World({"a": answer}, mask_errors=mask)
        return (await world.run(query(root(0, "a", "{x}"), x=INT))).errors

    async def test_by_default_nothing_of_the_text_is_shown(self):
        (error,) = await self.told(self.ERROR, mask=True)
        assert error == {
            "message": "A subgraph reported an error.",
            "path": ["x"],
            "extensions": {"code": "DOWNSTREAM_SERVICE_ERROR", "service": "a"},
        }

    async def test_unmasked_text_and_extensions_pass(self):
        (error,) = await self.told(self.ERROR, mask=False)
        assert error == {
            "message": "at db:5432",
            "path": ["x"],
            "extensions": {"code": "DB", "stack": "s", "service": "a"},
        }

    @pytest.mark.parametrize(
        "error", [None, 1, "x", [], {}, {"message": 1, "extensions": []}, {"message": {}, "path": ["x"]}]
    )
    async def test_errors_that_are_none(self, error):
        (told,) = await self.told(error, mask=False)
        assert told["message"] == "A subgraph reported an error."
        assert told["extensions"] == {"code": "DOWNSTREAM_SERVICE_ERROR", "service": "a"}

    async def test_extensions_that_are_too_deep_to_be_written(self):
        deep = {}
        for _ in range(150):
            deep = {"a": deep}
        (told,) = await self.told({"message": "No.", "path": ["x"], "extensions": deep}, mask=False)
        assert told["extensions"] == {"code": "DOWNSTREAM_SERVICE_ERROR", "service": "a"}

    async def test_a_failure_names_nothing_but_its_kind(self):
        world = World({}, mask_errors=True)
        (error,) = (await world.run(query(root(0, "a", "{x}"), x=INT))).errors
        assert error["message"] == "A subgraph could not be reached or answered with an HTTP error."


class TestFailedFetches:
    async def test_one_error_explains_all_nulls(self):
        plan = query(Sequence((USERS, NAMES)), people=("users", many(USER)))
        result = await World({"accounts": users("1", "2"), "names": 503}).run(plan)
        assert result.data == {"people": [None, None]}
        assert codes(result) == [("SUBREQUEST_HTTP_ERROR", "names", ["people"])]

    async def test_what_depends_on_a_failed_fetch_is_explained(self):
        prices = entities(
            2, "prices", "...on User{price}", flatten("users.@.address", representations=(by_id("Address"),))
        )
        plan = query(
            Sequence((USERS, entities(1, "names", "...on User{address{__typename id}}"), prices)),
            users=many(object_of("User", id=ID, address=some(object_of("Address", price=some(INT))))),
        )
        result = await World({"accounts": users("1"), "names": 503, "prices": 500}).run(plan)
        assert result.data == {"users": [None]}
        assert codes(result) == [("SUBREQUEST_HTTP_ERROR", "names", ["users"])]

    async def test_a_key_that_a_failed_fetch_would_have_given(self):
        sku = by_id("User", extra=(RepresentationField("sku", "sku"),))
        plan = query(
            Sequence(
                (
                    USERS,
                    entities(1, "skus", "...on User{sku}"),
                    entities(2, "stock", "...on User{count}", flatten("users.@", representations=(sku,))),
                )
            ),
            users=many(object_of("User", id=ID, count=INT)),
        )
        result = await World({"accounts": users("1"), "skus": 503, "stock": 500}).run(plan)
        assert result.data == {"users": [{"id": "1", "count": None}]}
        assert [one[:2] for one in codes(result)] == [("SUBREQUEST_HTTP_ERROR", "skus")]
        # The same, when the entity is not found: a null of a subgraph, and no error at all.
        result = await World({"accounts": users("1"), "skus": {"data": {"_e": [None]}}, "stock": 500}).run(plan)
        assert codes(result) == []
        # And when the subgraph leaves the key out: an error, and the whole chain is told.
        result = await World({"accounts": users("1"), "skus": {"data": {"_e": [{}]}}, "stock": 500}).run(plan)
        assert codes(result) == [("RESPONSE_VALIDATION_FAILED", "stock", ["users", 0, "count"])]

    async def test_an_answer_of_null_is_not_excused_by_a_fetch_before(self):
        plan = query(
            Sequence(
                (
                    Parallel((USERS, root(1, "bosses", "{boss{__typename id}}"))),
                    entities(2, "ages", "...on User{age}", flatten("users.@", "boss")),
                )
            ),
            users=many(object_of("User", age=some(INT))),
            boss=object_of("User", age=some(INT)),
        )
        answer = {"data": {"_e": [{"age": None}]}}
        result = await World({"accounts": users("1"), "bosses": 503, "ages": answer}).run(plan)
        assert codes(result) == [
            ("SUBREQUEST_HTTP_ERROR", "bosses", ["boss"]),
            ("RESPONSE_VALIDATION_FAILED", "ages", ["users", 0, "age"]),
        ]

    async def test_a_long_chain_of_missing_keys_has_one_reason(self):
        def step(number, source):
            extra = (RepresentationField(source, source),) if source else ()
            return entities(
                number,
                "s",
                f"...on User{{k{number}}}",
                flatten("users.@", representations=(by_id("User", extra=extra),)),
            )

        plan = query(
            Sequence((USERS, step(1, None), step(2, "k1"), step(3, "k2"), step(4, "k3"))),
            users=many(object_of("User", k1=INT, k4=INT)),
        )
        result = await World({"accounts": users("1"), "s": {"data": {"_e": [None]}}}).run(plan)
        assert (result.data, result.errors) == ({"users": [{"k1": None, "k4": None}]}, ())
        result = await World({"accounts": users("1"), "s": {"data": {"_e": [{"k2": 1}]}}}).run(plan)
        assert [one[2] for one in codes(result)] == [["users", 0, "k1"], ["users", 0, "k4"]]

    async def test_a_failed_fetch_does_not_excuse_another(self):
        plan = query(
            Sequence((USERS, Parallel((NAMES, entities(2, "ages", "...on User{age}"))))),
            users=many(object_of("User", name=STRING, age=some(INT))),
        )
        result = await World(
            {
                "accounts": users("1"),
                "names": 503,
                "ages": {"data": {"_e": [{"age": None}]}},
            }
        ).run(plan)
        assert codes(result) == [
            ("SUBREQUEST_HTTP_ERROR", "names", ["users"]),
            ("RESPONSE_VALIDATION_FAILED", "ages", ["users", 0, "age"]),
        ]

    async def test_a_fetch_for_several_fields_of_the_root_has_no_path(self):
        plan = query(root(0, "a", "{x y}"), x=INT, y=INT)
        assert codes(await World({"a": 500}).run(plan)) == [("SUBREQUEST_HTTP_ERROR", "a", None)]

    async def test_fragments_of_a_document_are_followed(self):
        document = "query{...F}fragment F on Query{me{...G ...on User{name}}}fragment G on User{id}"
        plan = query(root(0, "a", document), user=("me", some(object_of("User", id=some(ID), name=STRING))))
        assert codes(await World({"a": 500}).run(plan)) == [("SUBREQUEST_HTTP_ERROR", "a", ["user"])]
        result = await World({"a": {"data": {"me": {"name": "x"}}}}).run(plan)
        assert codes(result) == [("RESPONSE_VALIDATION_FAILED", "a", ["user", "id"])]


class TestEntities:
    PLAN = query(Sequence((USERS, NAMES)), people=("users", many(USER)))

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"_e": None},
            {"_e": {}},
            {"_e": []},
            {"_e": [{"name": "a"}] * 3},
            {"_e": [{"name": "a"}, "x"]},
            {"_e": [{"name": "a"}, []]},
        ],
    )
    async def test_lists_that_are_not_what_was_asked_for(self, data):
        result = await World({"accounts": users("1", "2"), "names": {"data": data}}).run(self.PLAN)
        assert codes(result) == [("SUBREQUEST_MALFORMED_RESPONSE", "names", ["people"])]

    async def test_a_missing_list_with_errors_is_explained_by_them(self):
        answer = {"data": {"_e": None}, "errors": [{"message": "Missing keys"}]}
        (error,) = (await World({"accounts": users("1"), "names": answer}).run(self.PLAN)).errors
        assert error["message"] == "Missing keys"

    async def test_no_entity_is_no_error_for_what_may_be_null(self):
        plan = query(Sequence((USERS, NAMES)), users=many(object_of("User", id=ID, name=STRING)))
        result = await World({"accounts": users("1"), "names": {"data": {"_e": [None]}}}).run(plan)
        assert (result.data, result.errors) == ({"users": [{"id": "1", "name": None}]}, ())

    async def test_no_entity_is_an_error_for_what_must_not_be_null(self):
        result = await World({"accounts": users("1"), "names": {"data": {"_e": [None]}}}).run(self.PLAN)
        assert result.data == {"people": [None]}
        assert codes(result) == [("RESPONSE_VALIDATION_FAILED", "names", ["people", 0, "n"])]

    async def test_no_entity_with_an_error(self):
        answer = {"data": {"_e": [None]}, "errors": [broken("_e", 0)]}
        result = await World({"accounts": users("1"), "names": answer}).run(self.PLAN)
        assert codes(result) == [("DOWNSTREAM_SERVICE_ERROR", "names", ["people", 0])]

    async def test_one_bad_selection_does_not_spoil_the_other(self):
        fetch = entities(
            1,
            "names",
            "...on User{name}",
            flatten("users.@", key="_a", variable="ra"),
            flatten("users.@.friend", key="_b", variable="rb"),
        )
        plan = query(Sequence((USERS, fetch)), users=many(object_of("User", name=STRING, friend=USER)))
        world = World(
            {
                "accounts": {
                    "data": {"users": [{"__typename": "User", "id": "1", "friend": {"__typename": "User", "id": "2"}}]}
                },
                "names": {"data": {"_a": [{"name": "a"}], "_b": []}},
            }
        )
        result = await world.run(plan)
        assert result.data == {"users": [{"name": "a", "friend": None}]}
        assert codes(result) == [("SUBREQUEST_MALFORMED_RESPONSE", "names", ["users"])]


async def test_values_nested_too_deeply_to_be_merged():
    deep = b'{"a":' * 1000 + b"1" + b"}" * 1000
    fetches = (root(0, "a", "{x{y}}", exact=False), root(1, "b", "{x{y}}", exact=False))
    plan = query(Sequence(fetches), x=object_of("X", y=INT))
    result = await World({"a": b'{"data":{"x":%b}}' % deep, "b": b'{"data":{"x":%b}}' % deep}).run(plan)
    assert codes(result) == [("SUBREQUEST_MALFORMED_RESPONSE", "b", ["x"])]


async def test_there_is_an_end_to_errors():
    plan = query(Sequence((USERS, NAMES)), people=("users", many(USER)))
    answer = {"data": {"_e": [{"name": None}]}, "errors": [broken("_e", 0, "name")] * 100}
    result = await World({"accounts": users(*"1" * 100), "names": answer}, max_errors=10).run(plan)
    assert len(result.errors) == 10


async def test_a_place_that_the_variables_leave_out_is_not_told():
    plan = query(
        root(0, "a", "{o{x y}}"),
        variables=(InputField("flag", "Boolean!"),),
        o=object_of("O", x=("x", INT, ((Given("flag", True),),)), y=INT),
    )
    answer = {"data": {"o": {"x": None, "y": 1}}, "errors": [broken("o", "x")]}
    for flag, where in ((True, ["o", "x"]), (False, ["o"])):
        assert codes(await World({"a": answer}).run(plan, {"flag": flag})) == [("DOWNSTREAM_SERVICE_ERROR", "a", where)]


async def test_introspection_beside_a_failed_fetch():
    async def introspect(document, variables):
        return {"s": {"x": 1}}

    plan = query(
        Parallel((Introspect("{s:__schema{x}}"), root(0, "a", "{y}"))),
        schema=("s", object_of("__Schema", x=INT)),
        y=INT,
    )
    result = await World({"a": 500}, introspect=introspect).run(plan)
    assert result.data == {"schema": {"x": 1}, "y": None}
    assert codes(result) == [("SUBREQUEST_HTTP_ERROR", "a", ["y"])]


@pytest.mark.parametrize(("errors", "told"), [(1_000, 300), (10, 10)])
async def test_places_are_looked_for_once_however_many_pieces_report_errors(monkeypatch, errors, told):
    """Nobody is told more than some errors, so nothing is found out about the others."""
    looked = []
    monkeypatch.setattr(explain, "locate", lambda *given: looked.append(given) or locate(*given))
    shown = []
    monkeypatch.setattr(explain, "to_client", lambda *given: shown.append(given) or to_client(*given))
    plan = query(
        Sequence((root(0, "a", "{users{id}}"), entities(1, "b", "...on User{name}"))),
        users=many(object_of("User", name=STRING)),
    )

    def answer(body):
        count = len(body["variables"]["r"])
        return {"data": {"_e": [None] * count}, "errors": [{"message": "x", "path": ["_e", at]} for at in range(count)]}

    users = [{"__typename": "User", "id": str(number)} for number in range(300)]
    world = World({"a": {"data": {"users": users}}, "b": answer}, max_errors=errors, max_entities={"b": 10})
    result = await world.run(plan)
    assert len(world.sent) == 31
    assert len(result.errors) == told
    assert len(looked) == 1
    assert len(shown) <= told + 31
