"""The reload benchmark: what it asks, how it counts, and one small run."""

import argparse

import orjson
import uvloop

from bench import reload
from bench.reload import Phase, Reload, operations, replace, summary, table
from bench.world import SUPERGRAPH
from examples.children import Children
from kong_federation.plan import encode_plan
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph


def phase(milliseconds, cold=0, wrong=0):
    return Phase([one / 1000 for one in milliseconds], cold, wrong)


def test_operations_differ_and_are_valid():
    documents = [orjson.loads(question.request)["query"] for question in operations()]
    assert len(set(documents)) == len(documents) == 36
    planner = Planner(load_supergraph(SUPERGRAPH.read_text()))
    for document in documents[:: reload.EACH]:
        planner.plan(document)


def test_the_last_line():
    seen = [
        Reload(phase([1.0] * 100), phase([during] * 100, cold=2), phase([1.0] * 100, cold=1, wrong=1), taken)
        for during, taken in ((1.2, 3.0), (9.0, 5.0), (1.4, 4.0))
    ]
    assert summary(seen) == "RELOAD p99_ratio=1.40 cold_plans=9 taken_s=4.0 wrong=3"
    assert len(table(seen).splitlines()) == 10


def test_a_replaced_supergraph_is_another(tmp_path):
    file = tmp_path / "s.graphql"
    file.write_text(SUPERGRAPH.read_text())
    replace(file, 1)
    replace(file, 2)
    assert file.read_text().count("reload1: Int") == file.read_text().count("reload2: Int") == 1
    load_supergraph(file.read_text())
    assert [one.name for one in tmp_path.iterdir()] == ["s.graphql"]


def test_plans_of_the_first_kind_are_others_if_that_is_asked_for(tmp_path):
    file = tmp_path / "s.graphql"
    file.write_text(SUPERGRAPH.read_text())
    seen = []
    for number, changed in ((0, False), (1, False), (2, True), (3, True)):
        replace(file, number, changed=changed)
        planner = Planner(load_supergraph(file.read_text()))
        asked = operations()[:: reload.EACH]
        seen.append([encode_plan(planner.plan(orjson.loads(one.request)["query"])) for one in asked])
    assert seen[0] == seen[1]
    assert seen[1][1:] == seen[2][1:] == seen[3][1:]
    assert len({big for big, *_ in seen[1:]}) == 3


def test_a_small_run(monkeypatch, capsys):
    for name, value in (("BEFORE", 0.3), ("SETTLE", 0.2), ("AFTER", 0.2), ("EACH", 1)):
        monkeypatch.setattr(reload, name, value)
    with Children() as children:
        arguments = argparse.Namespace(reloads=1, rate=60.0, workers=1, cold=False, changed=True)
        assert uvloop.run(reload.run(children, arguments)) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("RELOAD p99_ratio=")
    assert "cold_plans=0 " in last
    assert last.endswith("wrong=0")
