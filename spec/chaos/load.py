"""
The load: a bounded number of clients that ask all the time, and compare every answer with the one they expect.

    right    the whole answer, as expected
    error    an answer that says what went wrong, in a way that the fault of the moment allows
    wrong    any other answer
    lost     no answer
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, Final

import aiohttp

from spec.chaos.subgraphs import PRODUCTS, left

# What Kong itself says when it had no answer of the plugin server; a code of ours, for the table of what is allowed.
KONG_500: Final = "KONG_500"
_UNEXPECTED: Final = "An unexpected error occurred"

_PATIENCE: Final = aiohttp.ClientTimeout(total=20)
_POPULAR: Final = "{ products { id name left } }"


class Outcome(Enum):
    RIGHT = "right"
    ERROR = "error"
    WRONG = "wrong"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Question:
    """
    One request, and what it should bring.

    Args:
        body: Sent as JSON.
        data: The `data` that is right.
        order: What it orders, if it is a mutation.
    """

    body: dict[str, Any]
    data: dict[str, Any]
    order: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came back.

    Args:
        outcome: How it is judged.
        codes: Of its errors.
        began: When it was asked, monotonic seconds.
        ended: When the answer was there.
        text: What was not understood.
    """

    outcome: Outcome
    codes: tuple[str, ...]
    began: float
    ended: float
    text: str = ""


@dataclass(slots=True)
class Load:
    """
    The clients.

    Args:
        url: Of the graph.
        clients: How many ask at the same time.
        pause: Seconds each rests between two requests.
    """

    url: str
    clients: int
    pause: float
    allowed: frozenset[str] = frozenset()
    answers: list[Answer] = field(default_factory=list)
    ordered: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)
    in_flight: int = 0

    async def run(self) -> None:
        """Ask until cancelled; what is under way then is still answered."""
        ending = asyncio.Event()
        # A connection for each request: when nginx is reloaded, its old workers close those that rest, and who is
        # writing to one at this moment gets no answer, whatever is behind Kong.
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(timeout=_PATIENCE, connector=connector) as session:
            clients = [asyncio.create_task(self._client(session, number, ending)) for number in range(self.clients)]
            try:
                await asyncio.gather(*clients)
            finally:
                ending.set()
                await asyncio.gather(*clients, return_exceptions=True)

    async def _client(self, session: aiohttp.ClientSession, number: int, ending: asyncio.Event) -> None:
        # They do not start in step.
        await asyncio.sleep(self.pause * number / self.clients)
        for question in _questions(number):
            if ending.is_set():
                return
            if question.order:
                self.ordered.add(question.order)
            self.in_flight += 1
            try:
                answer = await asyncio.shield(ask(session, self.url, question, partial(self._allowed, self.allowed)))
            finally:
                self.in_flight -= 1
            self.answers.append(answer)
            if question.order and answer.outcome is Outcome.RIGHT:
                self.confirmed.add(question.order)
            await asyncio.sleep(self.pause)

    def _allowed(self, at_first: frozenset[str]) -> frozenset[str]:
        return at_first | self.allowed


def _questions(number: int) -> Iterator[Question]:
    popular = [{"id": each["id"], "name": each["name"], "left": left(each["id"])} for each in PRODUCTS]
    for turn in itertools.count(number):
        match turn % 5:
            case 0:
                order = uuid.uuid4().hex
                query = "mutation Buy($order: ID!) { buy(order: $order) { order } }"
                yield Question({"query": query, "variables": {"order": order}}, {"buy": {"order": order}}, order)
            case 1:
                text = uuid.uuid4().hex
                yield Question(
                    {"query": "query($t: String!) { echo(text: $t) }", "variables": {"t": text}}, {"echo": text}
                )
            case _:
                yield Question({"query": _POPULAR}, {"products": popular})


async def ask(
    session: aiohttp.ClientSession, url: str, question: Question, allowed: Callable[[], frozenset[str]]
) -> Answer:
    """
    Send one question and judge its answer.

    Args:
        session: Carries it.
        url: Of the graph.
        question: What is asked.
        allowed: Gives the codes of errors that may come at the moment.
    """
    began = time.monotonic()
    try:
        async with session.post(url, json=question.body) as response:
            status, content = response.status, await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Answer(Outcome.LOST, (), began, time.monotonic(), f"{type(error).__name__}: {error}")
    ended = time.monotonic()
    try:
        body = json.loads(content)
    except ValueError:
        return Answer(Outcome.WRONG, (), began, ended, f"{status} {content[:200]!r}")
    if status == 200 and body == {"data": question.data}:
        return Answer(Outcome.RIGHT, (), began, ended)
    codes = _codes(status, body)
    fine = bool(codes) and set(codes) <= allowed() and _is_part(body.get("data"), question.data)
    return Answer(Outcome.ERROR if fine else Outcome.WRONG, codes, began, ended, f"{status} {json.dumps(body)[:300]}")


def _codes(status: int, body: Any) -> tuple[str, ...]:
    if not isinstance(body, dict):
        return ()
    if status == 500 and body.get("message") == _UNEXPECTED:
        return (KONG_500,)
    errors = body.get("errors")
    if not isinstance(errors, list):
        return ()
    return tuple(str(error.get("extensions", {}).get("code")) for error in errors)


def _is_part(got: Any, whole: Any) -> bool:
    """Whether what is there is right; null stands for what an error took away."""
    if got is None:
        return True
    if isinstance(got, dict) and isinstance(whole, dict):
        return got.keys() == whole.keys() and all(_is_part(got[name], whole[name]) for name in got)
    if isinstance(got, list) and isinstance(whole, list):
        return len(got) == len(whole) and all(map(_is_part, got, whole))
    return bool(got == whole)
