"""`@context` and `@fromContext` in plans."""

import re
from pathlib import Path

import pytest

from kong_federation.errors import FederationError
from kong_federation.plan import decode_plan, encode_plan, show_plan
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph

TEXT = (Path(__file__).parents[1] / "worlds" / "context" / "supergraph.graphql").read_text()


def plan(operation: str) -> str:
    found = Planner(load_supergraph(TEXT)).plan(operation)
    assert decode_plan(encode_plan(found)) == found
    return show_plan(found)


def test_the_value_is_taken_from_the_nearest_object_that_sets_the_context() -> None:
    text = plan("{ customers { basket { price } } }")

    assert '$_kf0_currency = "customers.@" { currency }' in text
    assert "users" in text
    assert "price(currency: $_kf0_currency)" in text


def test_the_clients_arguments_stay() -> None:
    assert "price(digits: 3, currency: $_kf0_currency)" in plan("{ customers { basket { price(digits: 3) } } }")


def test_clients_may_call_their_variables_as_we_call_ours() -> None:
    text = plan(
        "query($representations: Boolean!, $_kf0_currency: Int!) "
        "{ customers @skip(if: $representations) { basket { price(digits: $_kf0_currency) } } }"
    )

    assert "price(digits: $_kf0_currency, currency: $_kf0_currency_)" in text
    assert "_entities(representations:$representations_)" in text


def test_entities_with_contexts_share_no_request() -> None:
    text = plan("{ customers { basket { price } } visitor { basket { price } } }")

    assert text.count('Fetch(service: "prices")') == 2
    assert '$_kf0_currency = "visitor" { locale { currency } }' in text


def test_a_context_that_nothing_sets_is_the_supergraphs_fault() -> None:
    broken = Planner(load_supergraph(re.sub(r"\n  @context\(.*\)", "", TEXT)))

    with pytest.raises(FederationError, match="sets the context") as caught:
        broken.plan("{ customers { basket { price } } }")
    assert caught.value.code.name == "NO_PLAN"
