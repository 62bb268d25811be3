"""The floor's answers, through its protocol: they are what its figures stand on."""

from __future__ import annotations

import orjson
import pytest

from bench.floor import KNOWN, NAMES
from bench.questions import questions
from bench.world import Tables, subgraph


class FromMemory:
    """Runs an operation on subgraphs in this process."""

    def __init__(self):
        tables = Tables.load()
        self.graphs = [subgraph(name, tables) for name in NAMES]
        self.waves = []

    def answer(self, operation):
        wave = next(operation)
        while True:
            self.waves.append(len(wave))
            try:
                wave = operation.send([self.graphs[graph].answer(orjson.loads(body))["data"] for graph, body in wave])
            except StopIteration as stop:
                return stop.value


@pytest.mark.parametrize(("name", "waves"), [("big", [2, 1, 2, 1]), ("hop2", [1, 1]), ("users", [1])])
def test_the_floor_answers_as_expected_in_order(name, waves):
    question = next(one for one in questions() if one.name == name)
    memory = FromMemory()
    answer = memory.answer(KNOWN[orjson.loads(question.request)["query"]]())
    assert memory.waves == waves
    assert answer == orjson.dumps(question.expected), "the order of fields counts"
