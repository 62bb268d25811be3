"""Work that rests after each piece."""

from pathlib import Path

from kong_federation.executor.compiled import compile_plan
from kong_federation.gateway import breath
from kong_federation.gateway.breath import Breath
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph

TEXT = (Path(__file__).parents[2] / "bench" / "workload" / "supergraph.graphql").read_text()


def test_rest_is_in_proportion_to_work(monkeypatch):
    clock, rests = [0.0], []
    monkeypatch.setattr(breath.time, "thread_time", lambda: clock[0])
    monkeypatch.setattr(breath.time, "sleep", rests.append)
    breathe = Breath()
    for worked in (0.0001, 0.0001, 0.001, 0.002, 0.0):
        clock[0] += worked
        breathe()
    assert [round(rest, 6) for rest in rests] == [0.0048, 0.008]


def test_compiling_lets_the_thread_breathe():
    plan = Planner(load_supergraph(TEXT)).plan("{ me { reviews { body product { name } } } }")
    breaths = []
    compile_plan(plan, lambda: breaths.append(1))
    assert len(breaths) > 2
