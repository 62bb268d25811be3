"""Where the other gateways come from, without npm."""

from __future__ import annotations

import json
import shutil

import pytest

from bench import peers
from bench.peers import DRIVERS, PeersMissingError, built, install
from bench.start import openers


def test_what_is_installed_is_not_installed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    (tmp_path / "installed.json").write_text((DRIVERS / "package.json").read_text())
    said = []
    assert install(said.append, tmp_path) == tmp_path
    assert not said


def test_other_versions_are_installed_anew_and_without_node_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    (tmp_path / "installed.json").write_text("{}")
    with pytest.raises(PeersMissingError, match=r"Node\.js"):
        install(print, tmp_path)


def test_without_npm_ours_are_measured_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(peers, "MODULES", tmp_path)
    monkeypatch.setattr("bench.start.install", lambda say: install(say, tmp_path))
    for variable in ("HIVE_ROUTER_BIN", "COSMO_ROUTER_BIN"):
        monkeypatch.delenv(variable, raising=False)
    notes = []
    assert list(openers([], notes, print)) == [
        "ours",
        "ours, plain Python",
        "floor",
        "ours, stand-in",
        "ours, kong-pdk",
    ]
    assert ["npm" in notes[0], "HIVE_ROUTER_BIN" in notes[1]] == [True, True]


def test_built_routers_are_those_that_the_environment_names(monkeypatch):
    monkeypatch.setenv("HIVE_ROUTER_BIN", "/nowhere/hive_router")
    monkeypatch.delenv("COSMO_ROUTER_BIN", raising=False)
    assert list(built()) == ["hive-router"]


def test_versions_are_exact_because_figures_are_of_versions():
    versions = json.loads((DRIVERS / "package.json").read_text())["dependencies"].values()
    assert all(version[0].isdigit() for version in versions)
