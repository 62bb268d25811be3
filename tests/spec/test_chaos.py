"""The chaos suite: it finds what is wrong, and its short form finds nothing."""

import re
import subprocess
import sys
from collections import Counter

import aiohttp
import pytest
from aiohttp import web

from spec.chaos.faults import FAULTS
from spec.chaos.load import Load, Outcome, Question, ask
from spec.chaos.run import Report, _count_orders
from spec.chaos.subgraphs import running
from spec.child import ROOT

QUESTION = Question({"query": "{ a { b } }"}, {"a": [{"b": 1}, {"b": 2}]})
LINE = re.compile(r"CHAOS faults=(\d+) requests=(\d+) wrong=(\d+) lost=(\d+) errors=(\d+)")


def error(code, data=None):
    return {"errors": [{"message": "m", "extensions": {"code": code}}], "data": data}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {"data": {"a": [{"b": 1}, {"b": 2}]}}, Outcome.RIGHT),
        (200, {"data": {"a": [{"b": 2}, {"b": 1}]}}, Outcome.WRONG),
        (200, {"data": {"a": [{"b": 1}]}}, Outcome.WRONG),
        (500, {"data": {"a": [{"b": 1}, {"b": 2}]}}, Outcome.WRONG),
        (200, {"data": None}, Outcome.WRONG),
        (200, [], Outcome.WRONG),
        (503, error("ALLOWED"), Outcome.ERROR),
        (503, error("OTHER"), Outcome.WRONG),
        (200, error("ALLOWED", {"a": [{"b": None}, {"b": 2}]}), Outcome.ERROR),
        (200, error("ALLOWED", {"a": [{"b": 3}, None]}), Outcome.WRONG),
        (500, {"message": "An unexpected error occurred"}, Outcome.ERROR),
        (502, {"message": "An unexpected error occurred"}, Outcome.WRONG),
        (None, None, Outcome.LOST),
    ],
)
async def test_answers_are_judged(status, body, outcome):
    async def answer(request):
        if status is None:
            request.transport.abort()
        return web.json_response(body, status=status or 200)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
            found = await ask(session, url, QUESTION, lambda: frozenset({"ALLOWED", "KONG_500"}))
    finally:
        await runner.cleanup()
    assert found.outcome is outcome


async def test_orders_are_counted():
    async with running() as world:
        async with aiohttp.ClientSession() as session:
            for order in ("once", "twice", "twice"):
                query = {"query": f'mutation {{ buy(order: "{order}") {{ order }} }}'}
                async with session.post(world.urls["shop"], json=query) as response:
                    assert await response.json() == {"data": {"buy": {"order": order}}}
        report = Report()
        _count_orders(world, Load("", 1, 1, confirmed={"once", "twice", "never"}), report)
    assert world.orders == Counter(once=1, twice=2)
    assert (report.wrong, report.failed) == (2, True)
    assert report.failures == [
        "at the end: order twice was carried out 2 times",
        "order never was confirmed and not carried out",
    ]


def test_every_fault_has_a_name_of_its_own():
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert 5 <= sum(fault.short for fault in FAULTS) < len(FAULTS)


@pytest.mark.skipif(sys.platform != "linux", reason="it finds processes in /proc, which only Linux has")
def test_the_short_form_loses_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "spec.chaos", "--short"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    found = LINE.fullmatch(done.stdout.splitlines()[-1])
    assert found, done.stdout + done.stderr
    faults, requests, wrong, lost, _ = map(int, found.groups())
    assert (done.returncode, wrong, lost) == (0, 0, 0), done.stdout
    assert faults == sum(fault.short for fault in FAULTS)
    assert requests > 100
