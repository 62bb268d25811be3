"""The run of the GraphQL-over-HTTP audit, with everything that needs npm told what to say."""

from __future__ import annotations

import json
import stat
import urllib.request
from pathlib import Path

import pytest

from spec.http import __main__ as command
from spec.http import npm, report
from spec.http.npm import MissingError, Verdict
from spec.http.subgraph import running

GOOD = Verdict("A001", "MUST answer", passed=True)
LAX = Verdict("A002", "SHOULD be quick", passed=False, reason="Response status code is not 200")
OPEN = Verdict("A003", "MAY accept a GET", passed=False, reason="no")
NOT_OPEN = Verdict("A004", "MAY NOT run mutations on GET", passed=True)


def test_levels_are_read_off_the_names():
    assert [verdict.level for verdict in (GOOD, LAX, OPEN, NOT_OPEN)] == ["MUST", "SHOULD", "MAY", "MAY"]
    assert Verdict("A005", "WILL do something", passed=False).level == "MUST"


def test_only_what_must_and_should_be_is_counted():
    assert list(report.lines([OPEN, LAX, GOOD, NOT_OPEN])) == [
        "FAIL A002 SHOULD be quick: Response status code is not 200",
        "NOTE A003 MAY accept a GET: no",
        "MUST   1/1",
        "SHOULD 0/1",
        "MAY    1/2",
        "HTTP-AUDIT 1/2",
    ]


def test_what_the_default_security_refuses_is_said_to_be_its_doing():
    allowed = Verdict(OPEN.id, OPEN.name, passed=True)
    broken = Verdict(GOOD.id, GOOD.name, passed=False, reason="broken")
    assert list(report.lines([GOOD, OPEN], [broken, allowed])) == [
        "FAIL A001 MUST answer: broken (only with security.csrf: false)",
        "NOTE A003 MAY accept a GET: no (passes with security.csrf: false)",
        "MUST   1/1 (with security.csrf: false 0/1)",
        "SHOULD 0/0 (with security.csrf: false 0/0)",
        "MAY    0/1 (with security.csrf: false 1/1)",
        "HTTP-AUDIT 1/1",
    ]


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [([GOOD, OPEN], 0), ([GOOD, LAX], 1), ([], 1), ([OPEN], 1)],
    ids=["optional", "wanted", "nothing", "nothing counts"],
)
def test_the_exit_status_is_that_of_what_counts(monkeypatch, capsys, verdicts, status):
    asked = []

    def audit(*arguments):
        asked.append(arguments)
        return verdicts

    monkeypatch.setattr(command, "install", lambda: "node")
    monkeypatch.setattr(command, "audit", audit)
    assert command.main(["--gateway", "http://x.test/graphql", "--header", "A=b=c"]) == status
    assert asked == [("node", "http://x.test/graphql", {"A": "b=c"})]
    assert capsys.readouterr().out.splitlines()[-1].startswith("HTTP-AUDIT ")


def test_a_header_without_a_value_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["--header", "A"])
    assert "must be NAME=VALUE" in capsys.readouterr().err


def test_without_npm_it_says_so_and_ends_with_2(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command.main([]) == 2
    assert "Node.js 18 or newer and npm. Not on PATH: node, npm." in capsys.readouterr().err
    program(tmp_path / "node", "exit 0")
    assert command.main([]) == 2
    assert "Not on PATH: npm." in capsys.readouterr().err


def test_packages_are_installed_where_they_are_not_those_of_the_lock(monkeypatch, tmp_path):
    here, programs = tmp_path / "here", tmp_path / "programs"
    (here / "node_modules").mkdir(parents=True)
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    program(programs / "node", "exit 0")
    program(programs / "npm", "echo no network >&2; exit 1")
    lock(here / "package-lock.json", "2.0.0")
    lock(here / "node_modules" / ".package-lock.json", "1.0.0")
    with pytest.raises(MissingError, match="no network"):
        npm.install(here)
    lock(here / "node_modules" / ".package-lock.json", "2.0.0")
    assert npm.install(here) == str(programs / "node")


def test_the_drivers_lines_are_read(tmp_path):
    driver = tmp_path / "node"
    line = json.dumps({"id": "A001", "name": "MUST answer", "passed": True, "reason": ""})
    program(driver, f"echo '{line}'")
    assert npm.audit(str(driver), "http://x.test", {}, tmp_path) == [GOOD]
    program(driver, "echo broken >&2; exit 1")
    with pytest.raises(MissingError, match="broken"):
        npm.audit(str(driver), "http://x.test", {}, tmp_path)


def test_the_lock_names_what_the_package_asks_for():
    wanted = json.loads((npm.HERE / "package.json").read_text())["dependencies"]
    locked = npm._versions(npm.HERE / "package-lock.json")
    assert locked == {f"node_modules/{name}": version for name, version in wanted.items()}


def test_the_subgraph_answers():
    with running() as url:
        body = json.dumps({"query": "query($n: String) { greeting(name: $n) }", "variables": {"n": "Ada"}}).encode()
        with urllib.request.urlopen(url, body, timeout=10) as answer:
            assert json.load(answer) == {"data": {"greeting": "Hello, Ada!"}}


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def lock(path: Path, version: str) -> None:
    path.write_text(json.dumps({"packages": {"": {}, "node_modules/graphql": {"version": version}}}))
