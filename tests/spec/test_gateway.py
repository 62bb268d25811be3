"""The black-box suites: a short form of `make spec`, and that they can fail."""

import re
from contextlib import contextmanager

import pytest

from spec.gateway import __main__ as program
from spec.gateway.case import Suite, equal
from spec.gateway.kong_host import KongHost
from spec.gateway.routes import document
from spec.gateway.standin_host import StandInHost

# The stand-in's own behaviour has tests; loads and replacements take their seconds.
SHORT = ["answers", "who asks", "neighbours", "pass-through", "operator"]


def test_the_suites_pass_on_the_stand_in(capsys):
    arguments = [word for name in SHORT for word in ("--suite", name)]
    status = program.main(["--mode", "external", *arguments])
    told = capsys.readouterr().out
    assert status == 0, told
    *lines, last = told.splitlines()
    total = len([line for line in lines if line.startswith("passed ")])
    assert total >= 35
    assert last == f"SPEC host=standin {total}/{total}"
    skipped = [line for line in lines if line.startswith("SKIPPED")]
    assert len(skipped) + total == len(lines)
    assert all(re.match(r"SKIPPED on standin, which has no [a-z, -]+: ", line) for line in skipped)


class Nowhere(StandInHost):
    @contextmanager
    def running(self, document):
        yield


def test_a_case_that_fails_is_told(monkeypatch, capsys):
    suite = Suite("bad")

    @suite.case("one is two")
    def _(scene):
        equal(1, 2)

    @suite.case("nothing works")
    def _(scene):
        raise ValueError("broken")

    @suite.case("of another mode", modes=("managed",))
    def _(scene):
        raise AssertionError

    monkeypatch.setattr(program, "SUITES", (suite,))
    monkeypatch.setattr(program, "StandInHost", Nowhere)
    assert program.main(["--mode", "external"]) == 1
    told = capsys.readouterr().out
    assert "FAILED standin, external: bad: one is two\n    found 1, expected 2" in told
    assert "ValueError: broken" in told
    assert told.endswith("SPEC host=standin 0/2\n")


@pytest.mark.parametrize("mode", ["external", "managed"])
def test_a_real_kong_is_told_where_the_plugin_server_is(tmp_path, mode):
    text = KongHost(tmp_path, mode)._configuration(1, 2, 3)
    said = dict(line.split(" = ", 1) for line in text.splitlines())
    assert said["plugins"] == "bundled,graphql-federation"
    assert said["pluginserver_graphql_federation_socket"] == str(tmp_path / "s.socket")
    assert said["pluginserver_graphql_federation_query_cmd"].endswith(" dump")
    start = said.get("pluginserver_graphql_federation_start_cmd")
    assert (start is not None) == (mode == "managed")
    assert start is None or f"serve --socket {tmp_path / 's.socket'}" in start


def test_hosts_get_the_routes_they_can_serve(tmp_path):
    full = document(tmp_path, "http://127.0.0.1:1", KongHost.plugins())
    short = document(tmp_path, "http://127.0.0.1:1", StandInHost.plugins())
    names = [{route["name"] for route in one["routes"]} for one in (full, short)]
    assert names[1] < names[0]
    assert {"cors", "jwt", "logged"} <= names[0] - names[1]
    needed = {plugin for suite in program.SUITES for case in suite.cases for plugin in case.needs}
    assert needed <= KongHost.plugins(), "no case is skipped everywhere"
