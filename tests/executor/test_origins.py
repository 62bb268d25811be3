from kong_federation.executor.origins import Origins
from kong_federation.plan.nodes import Introspect
from tests.executor.kit import entities, flatten, path, root

SOURCES = (
    root(0, "a", "query Q{u:users{...F}}fragment F on User{id ...on User{sku}}"),
    entities(1, "b", "...on User{name org{id}}", flatten("u.@", "me")),
    root(2, "c", "{config{x}}", path=path("u.@")),
    Introspect("{__schema{types{name}}}"),
    entities(3, "d", "...on Org{title}", flatten("u.@.org")),
)


def test_what_each_source_fills():
    origins = Origins(SOURCES)
    assert origins.fills == (
        {("u",), ("u", "id"), ("u", "sku")},
        {(*at, *rest) for at in [("u",), ("me",)] for rest in [("name",), ("org",), ("org", "id")]},
        {("u", "config"), ("u", "config", "x")},
        {("__schema",), ("__schema", "types"), ("__schema", "types", "name")},
        {("u", "org", "title")},
    )
    assert origins.of(("u", "id")) == [0]
    assert [origins.target(number) for number in range(5)] == [
        ("u",),
        (),
        ("u", "config"),
        ("__schema",),
        ("u", "org", "title"),
    ]


def test_what_a_loss_drags_along():
    origins = Origins(SOURCES)
    assert origins.dependencies == (frozenset(), {0}, {0}, frozenset(), {1})
    assert origins.lost({0}) == {0, 1, 2, 4}
    assert origins.lost({1}) == {1, 4}
    assert origins.lost({3}) == {3}
