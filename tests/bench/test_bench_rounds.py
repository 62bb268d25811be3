"""Turns, their comparison before they are timed, and who is left out; with lanes that answer from memory."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace

import orjson
import pytest

from bench import rounds
from bench.clients import BenchError
from bench.gateways import FLOOR, OURS, Gateway
from bench.graphs import WORKLOAD_GRAPH
from bench.questions import Question, questions
from bench.rounds import Conditions, compare_answers, turns

ASKED = [Question("users", b"{}", {"data": 1}), Question("wide", b"{}", {"data": 1}, lanes=1)]


class Lane:
    """Answers, until it is told to fail."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = 0

    async def ask(self, _request):
        await asyncio.sleep(0)
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self):
        pass


def gateway(name, answer=b'{"data":1}'):
    child = SimpleNamespace(process=SimpleNamespace(pid=os.getpid()))
    return Gateway(name, child, {WORKLOAD_GRAPH: [Lane(answer), Lane(answer)]})


@pytest.fixture
def conditions():
    counts = iter(range(0, 10_000, 3))
    stats = SimpleNamespace(read=lambda: (next(counts), 0.0))
    return Conditions(stats, seconds=0.01, rounds=2, warm_up=0.005, alone=0.005)


def test_the_floor_is_only_asked_what_it_knows():
    found = turns([gateway(OURS), gateway(FLOOR)], WORKLOAD_GRAPH, ASKED)
    assert [(turn.question.name, turn.gateway.name) for turn in found] == [
        ("users", OURS),
        ("users", FLOOR),
        ("wide", OURS),
    ]


def test_a_graph_that_a_gateway_does_not_serve_is_no_turn():
    assert not list(turns([gateway(OURS)], "another", ASKED))


async def test_a_peer_that_answers_otherwise_is_not_timed_and_that_is_said():
    notes = []
    peers = [gateway(OURS), gateway("peer", b'{"data":2}'), gateway("broken", BenchError("it closed"))]
    right = await compare_answers(list(turns(peers, WORKLOAD_GRAPH, ASKED[:1])), notes)
    assert [turn.gateway.name for turn in right] == [OURS]
    assert ["another answer" in notes[0], "it closed" in notes[1]] == [True, True]


@pytest.mark.parametrize("name", [OURS, FLOOR])
async def test_a_wrong_answer_of_ours_ends_the_run(name):
    with pytest.raises(BenchError, match="another answer"):
        await compare_answers(list(turns([gateway(name, b'{"data":2}')], WORKLOAD_GRAPH, ASKED[:1])), [])


async def test_rounds_give_medians_and_leave_out_who_fails(conditions):
    notes = []
    peers = [gateway(OURS), gateway("peer", BenchError("it closed"))]
    found = await rounds.rounds(list(turns(peers, WORKLOAD_GRAPH, ASKED)), conditions, notes)
    assert {(row.gateway, row.operation) for row in found} == {(OURS, "users"), (OURS, "wide")}
    assert all(row.answers > 0 and row.wrong == 0 and row.cpu_ms >= 0 for row in found)
    assert len(notes) == 2
    assert "failed under load" in notes[0]
    with pytest.raises(BenchError, match="it closed"):
        await rounds.rounds(
            list(turns([gateway(OURS, BenchError("it closed"))], WORKLOAD_GRAPH, ASKED)), conditions, []
        )


async def test_everybody_is_warm_before_the_first_round(conditions):
    names = [OURS, "peer"]
    await rounds.rounds(list(turns([gateway(name) for name in names], WORKLOAD_GRAPH, ASKED)), conditions, [])
    assert set(conditions.warmth) == {(name, question.name) for name in names for question in ASKED}
    assert all(one.requests > 0 for one in conditions.warmth.values())


async def test_a_gateway_is_warmed_on_many_operations_by_turns():
    one = gateway(OURS)
    found = await rounds.warm_mixed(list(turns([one], WORKLOAD_GRAPH, ASKED)), 0.01)
    assert found.requests == sum(lane.asked for lane in one.lanes[WORKLOAD_GRAPH])


async def test_a_question_has_no_more_clients_than_it_wants(conditions):
    one = gateway(OURS)
    await rounds.rounds(list(turns([one], WORKLOAD_GRAPH, ASKED[1:])), conditions, [])
    assert one.lanes[WORKLOAD_GRAPH][0].asked > 0
    assert one.lanes[WORKLOAD_GRAPH][1].asked == 0


def test_every_cold_request_is_new_and_its_answer_is_known():
    cold = next(question for question in questions() if question.name == "cold")
    (first, one), (second, other) = cold.next(), cold.next()
    assert first != second
    answer = orjson.dumps(cold.expected)
    assert cold.is_right(answer.replace(b'"name"', b'"' + one + b'"'), one)
    assert not cold.is_right(answer.replace(b'"name"', b'"' + one + b'"'), other)
