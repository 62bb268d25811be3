import pytest

from kong_federation.plan.nodes import Representation, RepresentationField, Sequence
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
    query,
    root,
)

USERS = root(0, "accounts", "{users{__typename id sku org{id}}}")
USER = object_of("User", id=ID, name=STRING)


def user(number, **more):
    return {"__typename": "User", "id": number, **more}


def names(body):
    return {"data": {"_e": [{"name": f"n{one.get('id')}"} for one in body["variables"]["r"]]}}


async def gathered(users, *flattens, types=None):
    """What is asked for these users."""
    plan = query(Sequence((USERS, entities(1, "names", "...on User{name}", *flattens))), users=types or many(USER))
    world = World({"accounts": {"data": {"users": users}}, "names": names})
    result = await world.run(plan)
    asked = [body["variables"]["r"] for body in world.sent_to("names")]
    return result, asked[0] if asked else None


async def test_each_entity_is_asked_for_once_and_told_everywhere():
    result, asked = await gathered([user("1"), user("2"), None, user("1")])
    assert asked == [user("1"), user("2")]
    assert [one and one["name"] for one in result.data["users"]] == ["n1", "n2", None, "n1"]


async def test_keys_that_python_takes_for_equal_are_different():
    _, asked = await gathered([user(1), user("1"), user(2)])
    assert [one["id"] for one in asked] == [1, "1", 2]


async def test_an_object_found_by_two_paths_is_asked_for_once():
    result, asked = await gathered([user("1")], flatten("users.@", "users.@.|User"))
    assert asked == [user("1")]
    assert result.data == {"users": [{"id": "1", "name": "n1"}]}


async def test_no_request_without_representations():
    assert await gathered([]) == await gathered([])
    assert (await gathered([]))[1] is None
    assert (await gathered(None))[1] is None


async def test_other_types_are_left_alone():
    plan = query(
        Sequence((USERS, entities(1, "names", "...on User{name}"))),
        users=many(abstract_of("Node", User={"name": STRING}, Bot={"id": ID})),
    )
    world = World({"accounts": {"data": {"users": [user("1"), {"__typename": "Bot", "id": "b"}]}}, "names": names})
    assert (await world.run(plan)).data == {"users": [{"name": "n1"}, {"id": "b"}]}
    assert world.sent_to("names")[0]["variables"]["r"] == [user("1")]


async def test_types_on_the_path():
    _, asked = await gathered([user("1"), {"__typename": "Bot", "id": "1"}], flatten("users.@.|User|Admin"))
    assert asked == [user("1")]


async def test_the_first_representation_that_fits_counts():
    first = by_id("User", typename="Account")
    rest = Representation((), "", (RepresentationField("sku", "sku"),))
    _, asked = await gathered(
        [user("1", sku="a"), {"__typename": "Bot", "sku": "b"}, {"sku": "c"}],
        flatten("users.@", representations=(first, rest)),
    )
    assert asked == [{"__typename": "Account", "id": "1"}, {"__typename": "Bot", "sku": "b"}]


async def test_an_object_without_a_type_is_represented_by_the_given_one():
    _, asked = await gathered([{"id": "1"}], flatten("users.@", representations=(by_id(typename="Node"),)))
    assert asked == [{"__typename": "Node", "id": "1"}]


def required(**more):
    return flatten("users.@", representations=(by_id("User", extra=(RepresentationField(**more),)),))


@pytest.mark.parametrize("key", [None, "absent"])
async def test_without_a_key_nothing_is_asked(key):
    lacking = {"__typename": "User"} if key else user(None)
    result, asked = await gathered([lacking, user("2")])
    assert asked == [user("2")]
    assert [one["name"] for one in result.data["users"]] == [None, "n2"]


async def test_a_null_key_needs_no_error_but_an_absent_one_does():
    assert codes((await gathered([user(None)]))[0]) == []
    assert codes((await gathered([{"__typename": "User"}]))[0]) == [
        ("RESPONSE_VALIDATION_FAILED", "accounts", ["users", 0, "id"]),
        ("RESPONSE_VALIDATION_FAILED", "names", ["users", 0, "name"]),
    ]


async def test_what_is_required_may_be_null_but_not_absent():
    sku = required(name="sku", source="sku", key=False)
    _, asked = await gathered([user("1", sku=None), user("2")], sku)
    assert asked == [user("1", sku=None)]


async def test_fields_are_read_under_their_data_keys_and_for_their_types():
    both = flatten(
        "users.@",
        representations=(
            by_id(
                "User",
                "Bot",
                extra=(
                    RepresentationField("sku", "sku_1", ("User",)),
                    RepresentationField("serial", "serial", ("Bot",)),
                ),
            ),
        ),
    )
    bot = {"__typename": "Bot", "id": "2", "serial": 7}
    _, asked = await gathered([user("1", sku_1="x"), bot], both)
    assert asked == [user("1", sku="x"), bot]


INNER = (RepresentationField("id", "org_id"), RepresentationField("tag", "tag", key=False))


@pytest.mark.parametrize(
    ("org", "asked"),
    [
        ({"org_id": 1, "tag": None, "more": 2}, {"id": 1, "tag": None}),
        (
            [{"org_id": 1, "tag": "a"}, None, [{"org_id": 2, "tag": "b"}]],
            [{"id": 1, "tag": "a"}, None, [{"id": 2, "tag": "b"}]],
        ),
        ([], []),
        (None, None),
        ({"org_id": None, "tag": 1}, None),
        ({"org_id": 1}, None),
        ([{"org_id": 1}], None),
        ("scalar", None),
    ],
)
async def test_nested_keys(org, asked):
    _, sent = await gathered([user("1", org=org)], required(name="org", source="org", inner=INNER))
    assert sent == (None if asked is None else [user("1", org=asked)])


async def test_keys_that_are_nested_too_deeply_are_not_asked_for():
    deep = b"[" * 900 + b"]" * 900
    users = b'{"data":{"users":[{"__typename":"User","id":%b},{"__typename":"User","id":"1","sku":%b}]}}' % (deep, deep)
    inner = RepresentationField("sku", "sku", inner=INNER)
    plan = query(
        Sequence(
            (
                USERS,
                entities(
                    1, "names", "...on User{name}", flatten("users.@", representations=(by_id("User", extra=(inner,)),))
                ),
            )
        ),
        users=many(USER),
    )
    world = World({"accounts": users, "names": names})
    await world.run(plan)
    assert world.sent_to("names") == []


async def test_several_selections_of_one_fetch():
    plan = query(
        Sequence(
            (
                USERS,
                entities(
                    1,
                    "names",
                    "...on User{name}",
                    flatten("users.@", key="_a", variable="ra"),
                    flatten("users.@.friend", key="_b", variable="rb"),
                ),
            )
        ),
        users=many(object_of("User", name=STRING, friend=USER)),
    )
    world = World(
        {
            "accounts": {"data": {"users": [user("1", friend=user("2"))]}},
            "names": {"data": {"_a": [{"name": "a"}], "_b": [{"name": "b"}]}},
        }
    )
    assert (await world.run(plan)).data == {"users": [{"name": "a", "friend": {"id": "2", "name": "b"}}]}
    assert world.sent_to("names")[0]["variables"] == {"ra": [user("1")], "rb": [user("2")]}


async def test_an_entity_in_two_places_does_not_become_one_object():
    address = object_of("Address", city=STRING, zip=STRING)
    plan = query(
        Sequence(
            (
                USERS,
                entities(1, "places", "...on User{address{__typename id city}}", flatten("users.@", "boss")),
                entities(2, "zips", "...on Address{zip}", flatten("boss.address", representations=(by_id("Address"),))),
            )
        ),
        users=many(object_of("User", address=object_of("Address", city=STRING, zip=("zip", STRING)))),
        boss=object_of("User", address=address),
    )
    world = World(
        {
            "accounts": {"data": {"users": [user("1")], "boss": user("1")}},
            "places": {"data": {"_e": [{"address": {"__typename": "Address", "id": "a", "city": "X"}}]}},
            "zips": {"data": {"_e": [{"zip": "9"}]}},
        }
    )
    result = await world.run(plan)
    assert result.data["boss"] == {"address": {"city": "X", "zip": "9"}}
    assert result.data["users"] == [{"address": {"city": "X", "zip": None}}]


async def test_an_interface_object_learns_its_type():
    plan = query(
        Sequence(
            (
                root(0, "a", "{media{__typename id}}"),
                entities(
                    1,
                    "b",
                    "...on Media{__typename pages}",
                    flatten("media", representations=(by_id(typename="Media"),)),
                ),
            )
        ),
        media=abstract_of("Media", Book={"pages": INT}),
    )
    world = World(
        {
            "a": {"data": {"media": {"__typename": "Media", "id": "1"}}},
            "b": {"data": {"_e": [{"__typename": "Book", "pages": 3}]}},
        }
    )
    assert (await world.run(plan)).data == {"media": {"pages": 3}}


async def test_an_interface_object_does_not_hide_the_type():
    plan = query(
        Sequence(
            (
                root(0, "a", "{media{__typename id}}"),
                entities(
                    1,
                    "b",
                    "...on Media{__typename pages}",
                    flatten("media", representations=(by_id("Book", typename="Media"),)),
                ),
            )
        ),
        media=abstract_of("Media", Book={"pages": INT}),
    )
    world = World(
        {
            "a": {"data": {"media": {"__typename": "Book", "id": "1"}}},
            "b": {"data": {"_e": [{"__typename": "Media", "pages": 3}]}},
        }
    )
    assert (await world.run(plan)).data == {"media": {"pages": 3}}
    assert world.sent_to("b")[0]["variables"]["r"] == [{"__typename": "Media", "id": "1"}]


@pytest.mark.parametrize(("most", "sizes"), [(2, [2, 2, 1]), (5, [5]), (1, [1] * 5), (1000, [5])])
async def test_too_many_entities_are_asked_for_in_several_requests(most, sizes):
    def names(body):
        asked = [one["id"] for one in body["variables"]["r"]]
        answer = {"data": {"_e": [{"name": None if one == "3" else one} for one in asked]}}
        if "3" in asked:
            answer["errors"] = [{"message": "no", "path": ["_e", asked.index("3"), "name"]}]
        return answer

    users = {"data": {"users": [{"__typename": "User", "id": str(number)} for number in range(5)]}}
    world = World({"users": users, "names": names}, max_entities={"names": most})
    plan = query(
        Sequence((root(0, "users", "{users{__typename id}}"), entities(1, "names", "... on User{name}"))),
        users=many(object_of("User", name=STRING)),
    )
    result = await world.run(plan)
    assert result.data == {"users": [{"name": name} for name in ("0", "1", "2", None, "4")]}
    assert codes(result) == [("DOWNSTREAM_SERVICE_ERROR", "names", ["users", 3, "name"])]
    assert sorted((len(body["variables"]["r"]) for body in world.sent_to("names")), reverse=True) == sizes
