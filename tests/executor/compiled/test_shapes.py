from kong_federation.executor.compiled.shapes import read_shape

OBJECTS = frozenset({"A", "B"})


def test_every_key_is_known_with_what_is_below():
    shape = read_shape("{ x:a { id } b ...F } fragment F on Query { c { d } }")
    assert set(shape.fields) == {"x", "b", "c"}
    below = shape.below("x", None, OBJECTS)
    assert below is not None
    assert set(below.fields) == {"id"}
    assert shape.below("b", None, OBJECTS) is None


def test_conditions_on_objects_hold_for_these_alone_and_others_may_hold():
    shape = read_shape("{ ... on A { a } ... on Node { n } ... on Node { ... on B { b } } }")
    assert shape.may_have("a", ("A",), OBJECTS)
    assert not shape.may_have("a", ("B",), OBJECTS)
    assert shape.may_have("n", ("A",), OBJECTS)
    assert not shape.may_have("b", ("A",), OBJECTS)
    assert shape.may_have("b", None, OBJECTS)


def test_what_is_asked_for_in_several_places_is_joined():
    shape = read_shape("{ x { a } ... on A { x { b } } ... on B { x { c } } }")
    below = shape.below("x", ("A",), OBJECTS)
    assert below is not None
    assert set(below.fields) == {"a", "b"}


def test_fragments_that_are_spread_often_are_read_once():
    levels = 40
    fragments = " ".join(
        f"fragment F{level} on T {{ x {{ ...F{level + 1} }} y {{ ...F{level + 1} }} }}" for level in range(levels)
    )
    shape = read_shape(f"{{ ...F0 }} {fragments} fragment F{levels} on T {{ z }}")
    for _ in range(levels):
        below = shape.below("x", None, OBJECTS)
        assert below is not None
        shape = below
    assert set(shape.fields) == {"z"}


def test_a_field_is_surely_there_if_neither_a_type_nor_a_variable_can_leave_it_out():
    shape = read_shape(
        "query($v: Boolean!) { a b @include(if: $v) ... @skip(if: $v) { c } ... on A { d } ...F e @skip(if: $v) e }"
        " fragment F on Query { f }"
    )
    assert [key for key in shape.fields if shape.surely_has(key)] == ["a", "e"]
