"""References to secrets, as Kong takes and resolves them."""

import json

import pytest

from kong_federation.errors import FederationErrors
from kong_federation.pluginserver.info import plugin_info
from kong_federation.standin.declarative import read_configuration
from kong_federation.standin.plugins import read_dump

INFO = read_dump(json.dumps(plugin_info()))


def read(**config):
    document = {"_format_version": "3.0", "plugins": [{"name": INFO.name, "config": config}]}
    return read_configuration(document, {INFO.name: INFO})


def plugin(url, **config):
    read_ = read(supergraph={"sdl": "{vault://env/sdl}"}, subgraphs=[{"name": "a", "url": url}], **config)
    return read_.plugins[0], read_.warnings


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("SDL", "type Query { a: Int }")
    monkeypatch.setenv("SUB_URL", "http://a.example")
    monkeypatch.setenv("KONG_SUB_URL", "http://b.example")
    monkeypatch.setenv("MANY", '{"url": "http://c.example", "port": 80}')


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("{vault://env/sub-url}", "http://a.example"),
        ("{vault://env/SUB_URL}", "http://a.example"),
        ("{vault://env/sub-url?prefix=kong_}", "http://b.example"),
        ("{vault://env/many/url}", "http://c.example"),
    ],
)
def test_a_reference_is_kept_and_what_it_stands_for_is_handed_on(reference, url):
    read_, warnings = plugin(reference)
    assert read_.config["subgraphs"][0]["url"] == reference
    assert read_.handed["subgraphs"][0]["url"] == url
    assert read_.handed["supergraph"]["sdl"] == "type Query { a: Int }"
    assert not warnings


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("{vault://env/nothing}", "the environment has no variable NOTHING"),
        ("{vault://env/}", "it names nothing"),
        ("{vault://[env/x}", "it is no URL"),
        ("{vault://env/many/port}", "the variable MANY is no JSON object with a string 'port'"),
        ("{vault://env/sdl/x}", "the variable SDL is no JSON object with a string 'x'"),
        ("{vault://aws/x}", "the stand-in has no vault 'aws', only 'env'"),
    ],
)
def test_what_cannot_be_resolved_is_empty_and_said(reference, said):
    read_, warnings = plugin(reference)
    assert read_.handed["subgraphs"][0]["url"] == ""
    assert warnings == (f"plugins[1]: {reference}: {said}; an empty text takes its place, as in Kong",)


def test_a_reference_is_a_text_like_any_other_where_the_schema_does_not_allow_it():
    with pytest.raises(FederationErrors):
        read(supergraph={"path": "{vault://env/sdl}"}, subgraphs=[{"name": "a", "url": "vault://env/x"}])


def test_checks_between_fields_leave_out_what_is_not_known_yet():
    both = {"sdl": "{vault://env/sdl}", "path": "/x"}
    assert read(supergraph=both).plugins[0].config["supergraph"]["path"] == "/x"
    with pytest.raises(FederationErrors):
        read(supergraph={**both, "sdl": "type Query { a: Int }"})
