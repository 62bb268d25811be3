"""What is asked of the gateway, and what it has to answer."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.world import WORKLOAD, Tables, monolith

OPERATIONS = {
    "big": (WORKLOAD / "operation.graphql").read_text(),
    "hop2": "{ topProducts { upc name reviews { id body } } }",
    "users": "{ users { id name } }",
}


@dataclass(slots=True)
class Question:
    """
    An operation and its right answer.

    A right answer is parsed and compared once; the same bytes again are known to be right, so checking every answer of
    a load test costs the client one comparison of memory.

    Args:
        name: For the table.
        request: The body of the HTTP request.
        expected: The answer as JSON values.
    """

    name: str
    request: bytes
    expected: Any
    _right: bytes | None = field(default=None, init=False)

    def is_right(self, answer: bytes) -> bool:
        """Whether an answer deep-equals the expected one."""
        if answer == self._right:
            return True
        if not answer or orjson.loads(answer) != self.expected:
            return False
        self._right = answer
        return True


def questions() -> list[Question]:
    """The three operations; *big* with the workload's own expected answer, the others with the monolith's."""
    whole = monolith(Tables.load())
    expected = {name: whole.answer({"query": text}) for name, text in OPERATIONS.items()}
    expected["big"] = json.loads((WORKLOAD / "expected.json").read_text())
    return [Question(name, orjson.dumps({"query": text}), expected[name]) for name, text in OPERATIONS.items()]


def fresh(question: Question) -> Question:
    """
    *big* as a text that no cache has seen, with the same subrequests and the same answer.

    Only the operation's name differs, so the subgraphs' memory stays warm and the difference in time is the gateway's.
    """
    text = OPERATIONS["big"].replace("query TestQuery", f"query Fresh_{secrets.token_hex(8)}")
    return Question("fresh", orjson.dumps({"query": text}), question.expected)
