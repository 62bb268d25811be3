import pytest

from kong_federation.selection import Field, InlineFragment, fields_on, narrow, parse_field_set, show


@pytest.mark.parametrize(
    "text",
    ["id", "id name", "organization { id owner { id } }", "... on Book { isbn } id", 'price(currency: "USD") weight'],
)
def test_a_field_set_survives_parsing_and_showing(text: str) -> None:
    assert show(parse_field_set(text)) == text


def test_outer_braces_do_not_matter() -> None:
    assert parse_field_set("{ id }") == parse_field_set("id")


def test_arguments_have_one_spelling() -> None:
    assert parse_field_set("f(b: 1, a: 2)") == parse_field_set("f(a: 2 b: 1)")


@pytest.mark.parametrize("text", ["", "{", "id }", "...F", "id } { name"])
def test_what_is_no_field_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"field set|fields and inline"):
        parse_field_set(text)


def test_fields_on_an_object_follow_its_types() -> None:
    selections = parse_field_set("id ... on Book { isbn } ... on Magazine { issue }")

    assert [field.name for field in fields_on(selections, {"Book", "Product"})] == ["id", "isbn"]


def test_narrowing_goes_below_a_field_through_fragments() -> None:
    selections = (
        InlineFragment("Book", (Field("author", "", (Field("name"),)),)),
        Field("author", "", (Field("id"),)),
    )

    assert show(narrow(selections, "author", {"Book"})) == "name id"
    assert narrow(selections, "title", {"Book"}) == ()
