"""One definition, three judges: Kong by its schema, the plugin when it reads, and a JSON Schema agree on everything."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from kong_federation.errors import FederationErrors
from kong_federation.kong.schema import kong_record, plugin_schema
from kong_federation.settings import Settings, fields_of, in_any_case, json_schema, parse_settings
from kong_federation.settings.checks import Conditional, checks_of
from kong_federation.settings.parse import _record
from kong_federation.standin.schema import complete, uncheckable, without_nulls
from tests.settings.vocabulary import Whole, configurations


def judged(record, config):
    """What Kong, the plugin and the JSON Schema find; the plugin is handed what Kong makes of the configuration."""
    schema = kong_record(record)
    filled, kong = complete(schema, config, "config")
    own = []
    handed = config if kong else without_nulls({"type": "record", **schema}, filled)
    _record(record, handed, (), own)
    written = list(Draft202012Validator(json_schema(record)).iter_errors(config))
    return bool(kong), bool(own), bool(written)


def agree(record, config):
    kong, own, written = judged(record, config)
    assert own == kong
    # Python's `$` lets a final line break through; and a JSON Schema counts characters, not bytes.
    if not any(odd in json.dumps(config) for odd in ("\\n", "\\u")):
        assert written == kong


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, derandomize=True, max_examples=300)
@given(configurations(Whole))
def test_the_judges_agree_on_every_word_of_the_vocabulary(config):
    agree(Whole, config)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, derandomize=True, max_examples=150)
@given(configurations(Settings))
def test_the_judges_agree_on_the_settings(config):
    agree(Settings, config)


def test_kong_is_told_the_checks_in_its_own_words():
    assert kong_record(Whole)["entity_checks"] == [
        {"only_one_of": ["here", "there"]},
        {"mutually_exclusive": ["many", "few"]},
    ]
    parts = kong_record(Whole)["fields"][-1]["parts"]
    assert parts["len_max"] == 2
    assert parts["elements"]["entity_checks"] == [
        {
            "conditional": {
                "if_field": "op",
                "if_match": {"one_of": ["insert", "rename"]},
                "then_field": "value",
                "then_match": {"required": True},
                "then_err": "needs value where op is insert or rename",
            }
        },
        {"at_least_one_of": ["named", "matching"]},
    ]
    value = parts["elements"]["fields"][1]["value"]
    assert (value["referenceable"], value["encrypted"]) == (True, True)


def test_the_stand_in_can_check_all_of_it():
    assert uncheckable({"fields": plugin_schema()["fields"]}, "plugin") == []
    assert uncheckable(kong_record(Whole), "whole") == []


def records(record):
    yield record
    for declared in fields_of(record):
        if declared.record is not None:
            yield from records(declared.record)


@pytest.mark.parametrize("record", list(records(Settings)), ids=lambda record: record.__name__)
def test_checks_are_about_fields_without_defaults(record):
    fields = {declared.name: declared for declared in fields_of(record)}
    for check in checks_of(record):
        names = (check.if_field, check.then_field) if isinstance(check, Conditional) else check.names
        assert all(fields[name].default in (None, ()) for name in names)


def test_a_word_in_any_case_is_one_pattern_for_all():
    assert in_any_case("te-x") == "^[Tt][Ee][-][Xx]$"


def test_what_kong_lets_through_the_plugin_still_reads_itself():
    with pytest.raises(FederationErrors):
        parse_settings({"supergraph": {"sdl": "x"}, "subgraphs": [{"name": "a"}, {"name": "a"}]})
