"""The doctor's command: against a deployment that is well, and against broken ones."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from kong_federation.cli.__main__ import main
from kong_federation.kong.schema import plugin_schema
from kong_federation.standin import StandIn
from tests.doctor.served import GRAPH, JSON, Served, admin

ROOT = Path(__file__).parents[2]
SUPERGRAPH = ROOT / "examples" / "supergraph.graphql"
NAMES = ("accounts", "products", "inventory", "reviews")


def declared(url, **config):
    subgraphs = [{"name": name, "url": f"{url}/{name}"} for name in NAMES]
    settings = {"supergraph": {"path": str(SUPERGRAPH)}, "subgraphs": subgraphs, **config}
    plugin = {"name": "graphql-federation", "config": settings}
    return {"_format_version": "3.0", "routes": [{"name": "graphql", "paths": ["/graphql"], "plugins": [plugin]}]}


@pytest.fixture
def doctor(capsys):
    def call(*arguments):
        status = main(["doctor", *map(str, arguments), "--json"])
        told = json.loads(capsys.readouterr().out)
        assert sum(told["summary"].values()) == len(told["findings"])
        return status, told["findings"]

    return call


def states(findings, check):
    return [finding["state"] for finding in findings if finding["check"] == check]


async def test_a_deployment_that_is_well(doctor, capsys, tmp_path):
    with Served({f"/{name}": GRAPH for name in NAMES}) as served:
        path = tmp_path / "kong.yml"
        path.write_text(yaml.safe_dump(declared(served.url, limits={"max_body_size": 8000})))
        dump = tmp_path / "dump.json"
        assert main(["dump", "--output", str(dump)]) == 0
        async with StandIn(path, port=0, workers=1, admin_port=0) as standin:
            status, findings = await asyncio.to_thread(
                doctor, path, "--admin-url", standin.admin_url, "--dump", dump, "--timeout", 30
            )
            assert status == 0
            assert {finding["state"] for finding in findings} == {"ok"}
            assert [finding["advice"] for finding in findings if finding["advice"]] == []
            assert states(findings, "server") == ["ok"] * 3
            assert states(findings, "subgraphs") == ["ok"] * 4

            assert await asyncio.to_thread(main, ["doctor", str(path), "--socket", str(standin.socket)]) == 0
            said = capsys.readouterr().out
            assert "\nsubgraphs\n  ok       accounts at" in said
            assert said.rstrip().endswith("11 ok, 0 failed")


def test_a_kong_yml_alone(doctor, tmp_path):
    with Served({f"/{name}": GRAPH for name in NAMES[1:]}) as served:
        path = tmp_path / "kong.yml"
        path.write_text(yaml.safe_dump(declared(served.url)))
        status, findings = doctor(path)
    assert status == 1
    assert states(findings, "server") == ["skipped"]
    assert sorted(states(findings, "subgraphs")) == ["failed", "ok", "ok", "ok"]
    assert all(finding["advice"] for finding in findings if finding["state"] != "ok")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: b: c", "1:5: mapping values are not allowed here"),
        ("_format_version: '3.0'", "nothing enables the plugin"),
        (None, "No such file or directory"),
    ],
)
def test_a_kong_yml_that_is_none(doctor, tmp_path, text, says):
    path = tmp_path / "kong.yml"
    if text is not None:
        path.write_text(text)
    status, findings = doctor(path)
    assert status == 1
    assert any(says in finding["text"] for finding in findings if finding["state"] == "failed"), findings


def failed(findings, check):
    return [finding["text"] for finding in findings if finding["check"] == check and finding["state"] != "ok"]


def test_an_admin_api_that_is_none(doctor):
    with Served({}) as served:
        status, findings = doctor("--admin-url", served.url)
    assert status == 1
    assert "not as an Admin API does" in failed(findings, "kong")[0]
    status, findings = doctor("--admin-url", served.url)
    assert "nothing listens there" in failed(findings, "kong")[0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """One that nobody has signed, as Kong makes itself for its Admin API."""
    folder = tmp_path_factory.mktemp("certificate")
    key, signed = folder / "key.pem", folder / "certificate.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*words, "-keyout", key, "-out", signed], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text(key.read_text() + signed.read_text())
    return both


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine to make a certificate")
def test_kongs_own_certificate_is_taken_when_told_to(doctor, certificate):
    with Served(admin(), certificate) as served:
        _, findings = doctor("--admin-url", served.url)
        assert "TLS failed: CERTIFICATE_VERIFY_FAILED" in failed(findings, "kong")[0]
        _, findings = doctor("--admin-url", served.url, "--insecure")
        assert findings[1]["text"] == "Kong 3.9.3"


def root(version="3.9.3", plugin="0.1.0", **configuration):
    known = {"graphql-federation": {"version": plugin, "priority": 5}}
    told = {"version": version, "plugins": {"available_on_server": known}, "configuration": configuration}
    return (200, JSON, told)


def test_a_kong_that_is_too_old_or_does_not_know_the_plugin(doctor):
    with Served(admin(root=root("3.4.2"), **{"plugins/enabled": (200, JSON, {"enabled_plugins": []})})) as served:
        status, findings = doctor("--admin-url", served.url)
    assert status == 1
    assert failed(findings, "kong")[:2] == [
        "Kong 3.4.2 is too old",
        "this Kong does not know the plugin graphql-federation",
    ]


def test_a_kong_that_has_another_versions_schema(doctor):
    with Served(admin(root=root(plugin="0.0.9"))) as served:
        _, findings = doctor("--admin-url", served.url)
    assert "it knows the plugin in version 0.0.9, and this is" in failed(findings, "kong")[0]


def test_a_kong_that_was_not_restarted(doctor):
    """Versions say the same, but Kong read the schema before a setting was added."""
    schema = plugin_schema()
    config = schema["fields"][1]["config"]["fields"]
    config[:] = [entry for entry in config if "planning" not in entry]
    with Served(admin(**{"schemas/plugins/graphql-federation": (200, JSON, schema)})) as served:
        _, findings = doctor("--admin-url", served.url)
    (said,) = [text for text in failed(findings, "kong") if "other settings" in text]
    assert "config.planning, config.planning.cache_max_bytes" in said


def test_a_kong_that_started_the_server_itself(doctor):
    """Kong/kong#14260: the version is still in a header."""
    with Served(admin(root=(500, JSON, {"message": "An unexpected error occurred"}))) as served:
        _, findings = doctor("--admin-url", served.url)
    assert findings[1]["text"] == "Kong 3.9.3"
    assert failed(findings, "kong")[0] == "GET / of the Admin API answers 500"
    assert states(findings, "server") == ["skipped"]


def test_a_kong_that_connects_elsewhere(doctor, tmp_path):
    servers = [{"name": "graphql-federation", "socket": "/nowhere/kong.socket"}]
    with Served(admin(root=root(pluginservers=servers))) as served:
        _, findings = doctor("--admin-url", served.url, "--socket", tmp_path / "other.socket")
        assert failed(findings, "server")[0].startswith("Kong connects to /nowhere/kong.socket")
        _, findings = doctor("--admin-url", served.url)
        assert failed(findings, "server") == ["/nowhere/kong.socket is not there"]


def test_bodies_that_would_come_as_files(doctor):
    plugin = {"id": "p", "name": "graphql-federation", "route": {"id": "r"}, "service": None}
    plugin["config"] = {"supergraph": {"sdl": SUPERGRAPH.read_text()}}
    answers = admin(
        root=root(nginx_http_client_body_buffer_size="8k"),
        plugins=(200, JSON, {"data": [plugin], "next": None}),
        routes=(200, JSON, {"data": [{"id": "r", "name": "graphql", "service": None}], "next": None}),
    )
    with Served(answers) as served:
        _, findings = doctor("--admin-url", served.url, "--timeout", 2)
    assert any("Kong keeps bodies up to 8k in memory" in text for text in failed(findings, "kong"))


def test_lists_that_come_in_pages_are_read_to_the_end(doctor):
    routes = {"data": [{"id": "r", "name": "one"}], "next": "/routes?offset=x"}
    plugin = {"name": "graphql-federation", "route": {"id": "r2"}, "config": {"supergraph": {"path": "/x"}}}
    answers = admin(routes=(200, JSON, routes), plugins=(200, JSON, {"data": [plugin], "next": None}))
    answers["/routes?offset=x"] = (200, JSON, {"data": [{"id": "r2", "name": "two"}], "next": None})
    with Served(answers) as served:
        _, findings = doctor("--admin-url", served.url)
    assert any("plugin on route two: the configuration is right" in finding["text"] for finding in findings)


@pytest.mark.parametrize(
    ("content", "state", "says"),
    [
        (None, "failed", "No such file or directory"),
        ("{}", "failed", "is no dump that Kong could read"),
        ("older", "warning", "is of version 0.0.9"),
    ],
)
def test_a_dump_that_is_not_this_versions(doctor, tmp_path, capsys, content, state, says):
    path = tmp_path / "dump.json"
    if content == "older":
        main(["dump"])
        content = capsys.readouterr().out.replace('"Version":"0.1.0"', '"Version":"0.0.9"')
    if content is not None:
        path.write_text(content)
    _, findings = doctor("--dump", path)
    assert findings[1]["state"] == state
    assert says in findings[1]["text"]
    # What is no dump is perhaps another file, which must not be overwritten.
    assert f"kong-federation dump --output {'FILE' if content == '{}' else path}" in findings[1]["advice"]


@pytest.mark.parametrize("arguments", [[], ["--timeout", "0", "kong.yml"], ["--timeout", "x", "kong.yml"]])
def test_called_wrongly(arguments, capsys):
    try:
        status = main(["doctor", *arguments])
    except SystemExit as error:
        status = error.code
    assert status == 2
    assert "kong-federation doctor" in capsys.readouterr().err


@pytest.mark.parametrize("answers", [True, False])
def test_credentials_of_the_admin_api_are_not_printed(doctor, answers):
    with Served({"/": (404, JSON, b"{}")}) as served:
        place = served.url.removeprefix("http://") if answers else "127.0.0.1:9"
        status, findings = doctor("--admin-url", f"http://admin:hunter2@{place}", "--timeout", 5)
    assert status == 1
    assert place in str(findings)
    assert "hunter2" not in str(findings)
