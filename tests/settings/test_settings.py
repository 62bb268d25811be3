"""Reading a configuration: the face `parse_settings`, and what is derived from the definition."""

import contextlib
import dataclasses
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kong_federation.errors import FederationErrors
from kong_federation.settings import Settings, fields_of, parse_settings, reference

MINIMAL = {"supergraph": {"sdl": "schema { query: Query }"}}


def findings(config):
    with pytest.raises(FederationErrors) as caught:
        parse_settings(config)
    assert {error.code.name for error in caught.value.errors} == {"CONFIGURATION_INVALID"}
    return {".".join(map(str, error.path)): error.message for error in caught.value.errors}


def test_the_minimal_configuration_has_the_documented_defaults():
    settings = parse_settings(MINIMAL)
    assert settings.supergraph.poll_interval == 10_000
    assert settings.subgraph_defaults.connect_timeout == 5_000
    assert settings.subgraph_defaults.read_timeout == 30_000
    assert settings.operations.introspection is False
    assert settings.limits.max_tokens == 15_000
    assert settings.limits.max_depth is None
    assert settings.planning.timeout == 2_000
    assert settings.security.csrf_headers == ("x-apollo-operation-name", "apollo-require-preflight")


def test_settings_are_hashable_so_that_hosts_can_key_gateways_by_them():
    assert hash(parse_settings(MINIMAL)) == hash(parse_settings(MINIMAL))


def test_null_means_absent_because_kong_fills_nulls():
    config = {
        "supergraph": {"sdl": "x", "path": None, "poll_interval": None},
        "subgraphs": None,
        "limits": {"max_depth": None, "max_tokens": None},
        "operations": None,
    }
    assert parse_settings(config) == parse_settings({"supergraph": {"sdl": "x"}})


def test_lua_has_one_empty_table_and_one_kind_of_number():
    settings = parse_settings({**MINIMAL, "subgraphs": {}, "limits": {"deadline": 5.0}, "operations": []})
    assert settings.subgraphs == ()
    assert settings.limits.deadline == 5


def test_the_keys_kong_adds_are_left_out():
    added = {"__seq__": 1, "__key__": "k", "route_id": "r", "service_id": None, "$refs": {}}
    assert parse_settings({**MINIMAL, **added}) == parse_settings(MINIMAL)


def test_all_findings_are_reported_together_with_their_paths():
    found = findings(
        {
            "supergraph": {"sdl": "x", "path": "y"},
            "lmits": {},
            "limits": {"deadline": 55_001, "max_tokens": True, "max_aliases": 1.5},
            "operations": {"get": "yes"},
            "subgraphs": [{"url": "ftp://x"}, {"name": "a"}, 5],
            "subgraph_defaults": {"headers": {"request": [{"op": "append", "named": "Host"}]}},
            "security": {"csrf_headers": ["a b", ""]},
        }
    )
    assert found == {
        "lmits": "lmits is not a known field",
        "supergraph": "supergraph needs exactly one of sdl, path",
        "limits.deadline": "limits.deadline must be between 1 and 55000, not 55001",
        "limits.max_tokens": "limits.max_tokens must be a whole number, not true or false",
        "limits.max_aliases": "limits.max_aliases must be a whole number, not a fraction",
        "operations.get": "operations.get must be true or false, not a string",
        "subgraphs.0.name": "subgraphs.0.name is required",
        "subgraphs.0.url": "subgraphs.0.url must be an http or https URL",
        "subgraphs.2": "subgraphs.2 must be a record, not a number",
        "subgraph_defaults.headers.request.0.op": "subgraph_defaults.headers.request.0.op must be one of propagate, "
        "insert, remove",
        "subgraph_defaults.headers.request.0.named": "subgraph_defaults.headers.request.0.named must not be Host",
        "security.csrf_headers.0": "security.csrf_headers.0 must be a header name",
        "security.csrf_headers.1": "security.csrf_headers.1 must not be empty",
    }


def test_a_header_name_does_not_end_in_a_line_break():
    assert "security.csrf_headers.0" in findings({**MINIMAL, "security": {"csrf_headers": ["x\n"]}})


def test_a_supergraph_is_required_and_a_subgraph_is_named_once():
    assert findings({}) == {"supergraph": "supergraph needs exactly one of sdl, path"}
    assert findings({**MINIMAL, "subgraphs": [{"name": "a"}, {"name": "a"}]}) == {
        "subgraphs.1.name": "subgraphs.1.name is there twice"
    }


def test_a_share_is_a_number_and_a_label_is_named_once():
    said = [{"label": "a", "percent": 0.00000001}, {"label": "b", "percent": 100}]
    assert [one.percent for one in parse_settings({**MINIMAL, "override_labels": said}).override_labels] == [1e-8, 100]
    wrong = [{"label": "a", "percent": 100.1}, {"label": "b", "percent": "5"}, {"label": "c", "percent": True}, {}]
    wrong += [{"label": "d", "percent": float("nan")}, {"label": "e", "header": "x y"}]
    assert findings({**MINIMAL, "override_labels": wrong, "override_stickiness": "ip"}) == {
        "override_labels.0.percent": "override_labels.0.percent must be between 0 and 100, not 100.1",
        "override_labels.1.percent": "override_labels.1.percent must be a number, not a string",
        "override_labels.2.percent": "override_labels.2.percent must be a number, not true or false",
        "override_labels.3.label": "override_labels.3.label is required",
        "override_labels.4.percent": "override_labels.4.percent must be between 0 and 100, not nan",
        "override_labels.5.header": "override_labels.5.header must be a header name",
        "override_stickiness": "override_stickiness must be one of consumer, client, none",
    }
    assert findings({**MINIMAL, "override_labels": [{"label": "a"}, {"label": "a"}]}) == {
        "override_labels.1.label": "override_labels.1.label is there twice"
    }


def test_findings_never_show_a_value_that_may_be_a_secret():
    found = findings({"supergraph": {"sdl": ["very secret"]}, "subgraphs": [{"name": "a", "url": "very secret"}]})
    assert "very secret" not in repr(found)


NAMES = st.sampled_from([field.name for field in fields_of(Settings)])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_any_json_is_settings_or_findings(config):
    with contextlib.suppress(FederationErrors):
        assert isinstance(parse_settings(config), Settings)


def records(record):
    yield record
    for declared in fields_of(record):
        if declared.record is not None:
            yield from records(declared.record)


@pytest.mark.parametrize("record", list(records(Settings)), ids=lambda record: record.__name__)
def test_every_record_is_frozen_and_every_field_says_what_it_is_for(record):
    assert record.__dataclass_params__.frozen
    for declared in fields_of(record):
        assert declared.about.endswith(".")
        assert declared.kind != "integer" or ("between" in declared.rules and "unit" in declared.rules)
        assert declared.rules.keys() <= {
            "about", "unit", "between", "one_of", "match", "err", "not_one_of", "len_min", "len_max", "referenceable",
            "encrypted",
        }  # fmt: skip


def test_defaults_keep_their_own_rules():
    settings = parse_settings(MINIMAL)
    assert (
        parse_settings(
            {**dataclasses.asdict(settings), "subgraphs": [], "supergraph": {"sdl": "schema { query: Query }"}}
        )
        == settings
    )


def test_the_documentation_is_printed_from_the_definition():
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert page.read_text(encoding="utf-8") == reference(), "print it anew: make generated"


def rule_findings(*rules):
    path = "subgraph_defaults.headers.request."
    found = findings({**MINIMAL, "subgraph_defaults": {"headers": {"request": list(rules)}}})
    return {name.removeprefix(path): text.removeprefix(path) for name, text in found.items()}


def test_a_rule_about_headers_has_what_it_needs_and_nothing_else():
    assert rule_findings(
        {"op": "propagate"},
        {"op": "propagate", "named": "a", "matching": "b"},
        {"op": "insert", "matching": "b", "value": "v"},
        {"op": "insert", "named": "a", "value": "v", "value_from": "groups"},
        {"op": "insert", "named": "host", "value": "v\r\nx: y"},
        {"op": "insert", "named": "a", "value_from": "password"},
        {"op": "propagate", "named": "a", "rename": "content-length"},
    ) == {
        "0": "0 needs exactly one of named, matching",
        "1": "1 needs exactly one of named, matching",
        "2": "2 needs named where op is insert",
        "3": "3 takes only one of value, value_from",
        "4.named": "4.named must not be host",
        "4.value": "4.value must be one line of printable ASCII",
        "5.value_from": "5.value_from must be one of consumer_id, consumer_username, consumer_custom_id, "
        "consumer_tags, credential_id, groups, scopes",
        "6.rename": "6.rename must not be content-length",
    }
    assert rule_findings(
        {"op": "propagate", "matching": "("},
        {"op": "propagate", "named": "a", "value": "v"},
        {"op": "remove", "named": "a", "rename": "b"},
        {"op": "insert", "named": "a"},
        {"op": "remove", "matching": "a", "value_from": "groups"},
    ) == {
        "0.matching": "0.matching is not a regular expression: missing ), unterminated subpattern at position 0",
        "1.value": "1.value has no meaning where op is propagate with named",
        "2.rename": "2.rename has no meaning where op is remove with named",
        "3": "3 needs exactly one of value, value_from where op is insert",
        "4.value_from": "4.value_from has no meaning where op is remove with matching",
    }


def test_groups_of_a_label_need_a_place_where_groups_are_told():
    said = {**MINIMAL, "override_labels": [{"label": "a", "consumer_groups": ["g"]}]}
    path = "override_labels.0.consumer_groups"
    assert findings(said) == {path: f"{path} needs identity.groups to say where groups are told"}
    parse_settings({**said, "identity": {"groups": {"header": "x-consumer-groups"}}})


def test_pass_through_cannot_mask_errors():
    path = "passthrough.enabled"
    assert findings({**MINIMAL, "passthrough": {"enabled": True}}) == {
        path: f"{path} needs security.mask_errors to be false: nothing is masked on that way"
    }
    parse_settings({**MINIMAL, "passthrough": {"enabled": True}, "security": {"mask_errors": False}})
