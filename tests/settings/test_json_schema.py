"""The JSON Schema: it takes what Kong takes, and it is right as a schema."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from kong_federation.settings import Settings, json_schema
from tests.settings.vocabulary import Whole, configurations

ROOT = Path(__file__).parents[2]


def errors(config, record=Settings):
    return list(Draft202012Validator(json_schema(record)).iter_errors(config))


def test_it_is_a_schema_of_its_dialect():
    Draft202012Validator.check_schema(json_schema())
    assert json.loads(json.dumps(json_schema())) == json_schema()


def test_the_smallest_configuration_is_right_and_an_empty_one_is_not():
    assert not errors({"supergraph": {"path": "x"}})
    assert errors({})
    assert errors({"supergraph": {}})
    assert errors({"supergraph": {"path": "x", "sdl": "y"}})
    assert errors({"supergraph": {"path": "x"}, "limitz": {}})


@pytest.mark.parametrize(
    ("config", "right"),
    [
        ({"here": "a"}, True),
        ({"here": None, "there": "http://a"}, True),
        ({"there": "{vault://env/x}"}, True),
        ({"there": "ftp://a"}, False),
        ({"here": "a", "there": "http://a"}, False),
        ({"here": "a", "many": 10, "few": 1}, False),
        ({"here": "a", "many": 9}, False),
        ({"here": "a", "words": []}, False),
        ({"here": "a", "words": ["a", "b", "c"]}, False),
        ({"here": "a", "parts": [{"op": "insert", "named": "a"}]}, False),
        ({"here": "a", "parts": [{"op": "insert", "named": "a", "value": "x"}]}, True),
        ({"here": "a", "parts": [{"op": "remove", "named": "a"}]}, True),
        ({"here": "a", "parts": [{"op": "remove"}]}, False),
        ({"here": "a", "parts": [{"op": "remove", "named": "TE"}]}, False),
        ({"here": "a", "parts": [{"op": "remove", "matching": "a"}]}, False),
    ],
)
def test_every_word_of_the_vocabulary_is_carried_over(config, right):
    assert (errors(config, Whole) == []) is right


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(configurations(Settings))
def test_defaults_are_shown_but_never_filled_in(config):
    before = json.dumps(config, sort_keys=True)
    errors(config)
    assert json.dumps(config, sort_keys=True) == before


def test_the_kept_one_is_up_to_date():
    kept = json.loads((ROOT / "docs" / "configuration.schema.json").read_text(encoding="utf-8"))
    assert kept == json_schema(), "print it anew: make generated"
