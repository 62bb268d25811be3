"""What is asked of the gateways, and what they have to answer."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.world import ENTRIES, WORKLOAD, Tables, monolith

OPERATIONS = {
    "big": (WORKLOAD / "operation.graphql").read_text(),
    "hop2": "{ topProducts { upc name reviews { id body } } }",
    "users": "{ users { id name } }",
    "passthrough": "{ entries(first: 250) { id number text } }",
    "wide": f"{{ entries(first: {ENTRIES}) {{ id number text note }} }}",
    "mutation": 'mutation { addEntry(text: "goods returned") { id text note } }',
}
COLD = "cold"
FEW = {"wide": 4}  # clients; a slow gateway needs seconds for sixteen answers of 1 MB


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
        lanes: Clients that ask it at the same time, at most.
    """

    name: str
    request: bytes
    expected: Any
    lanes: int = 1_000
    _right: bytes | None = field(default=None, init=False)

    def next(self) -> tuple[bytes, bytes]:
        """A request to send, and what `is_right` wants to know of it."""
        return self.request, b""

    def is_right(self, answer: bytes, _mark: bytes = b"") -> bool:
        """Whether an answer deep-equals the expected one."""
        if answer == self._right:
            return True
        if not answer or orjson.loads(answer) != self.expected:
            return False
        self._right = answer
        return True


class Cold(Question):
    """
    *hop2* with an alias that nobody has used before, so every request is an operation that no cache knows.

    The subgraphs know such aliases by their form (`subgraphs.ALIAS`).
    """

    def next(self) -> tuple[bytes, bytes]:
        alias = f"a{secrets.token_hex(8)}".encode()
        return self.request.replace(b"name", alias + b": name"), alias

    def is_right(self, answer: bytes, mark: bytes = b"") -> bool:
        return Question.is_right(self, answer.replace(mark, b"name"))


def questions() -> list[Question]:
    """All of them; *big* with the workload's own expected answer, the others with the monolith's."""
    whole = monolith(Tables.load())
    expected = {name: whole.answer({"query": text}) for name, text in OPERATIONS.items()}
    expected["big"] = json.loads((WORKLOAD / "expected.json").read_text())
    asked = [
        Question(name, orjson.dumps({"query": text}), expected[name], FEW.get(name, 1_000))
        for name, text in OPERATIONS.items()
    ]
    return [*asked, Cold(COLD, orjson.dumps({"query": OPERATIONS["hop2"]}), expected["hop2"])]


def fresh(question: Question) -> Question:
    """
    *big* as a text that no cache has seen, with the same subrequests and the same answer.

    Only the operation's name differs, so the subgraphs' memory stays warm and the difference in time is the gateway's.
    """
    text = OPERATIONS["big"].replace("query TestQuery", f"query Fresh_{secrets.token_hex(8)}")
    return Question("fresh", orjson.dumps({"query": text}), question.expected)
