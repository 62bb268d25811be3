"""Ask a gateway the audit's questions, one at a time, and note what each answer cost and what is wrong with it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spec.audit.score import HEADERS, faults
from spec.audit.suite import Question, Suite
from spec.audit.world import World
from spec.exchange import Answer, ask

_TIMEOUT = 10.0  # seconds, as in the audit
_REQUEST_ID = "REQUESTID"


@dataclass(frozen=True, slots=True)
class Result:
    """
    One question, asked.

    Args:
        suite: Where it comes from.
        question: What was asked.
        answer: What came back.
        faults: What is wrong with it; nothing: it passes.
        requests: What the gateway asked the subgraphs.
    """

    suite: Suite
    question: Question
    answer: Answer
    faults: list[str]
    requests: list[dict[str, Any]]

    @property
    def passed(self) -> bool:
        return not self.faults


def results(suites: Sequence[Suite], gateway: str, world: World, only: str | None = None) -> Iterator[Result]:
    """
    Each question's result, as it comes.

    Args:
        suites: Whose questions are asked.
        gateway: URL of the host that serves `/SUITE/graphql`.
        world: The subgraphs behind it.
        only: The one test to ask; None: all of them.
    """
    for suite in suites:
        for question in suite.questions():
            if only in {None, question.id}:
                yield _asked(suite, _fresh(question), gateway, world)


def _asked(suite: Suite, question: Question, gateway: str, world: World) -> Result:
    world.forget()
    url = f"{gateway}/{suite.name}/graphql"
    answer = ask("POST", url, {"query": question.query}, headers=HEADERS, timeout=_TIMEOUT)
    return Result(suite, question, answer, faults(question, answer), world.requests())


def _fresh(question: Question) -> Question:
    """The question with an id of its own where it asks for one, so that it can be asked twice."""
    if _REQUEST_ID not in question.query:
        return question
    token = secrets.token_hex(8)
    data = json.loads(json.dumps(question.data).replace(_REQUEST_ID, token))
    return replace(question, query=question.query.replace(_REQUEST_ID, token), data=data)
