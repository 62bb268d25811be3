"""What compiled plans do with each request: write its body, send it, take its answer."""

from __future__ import annotations

from typing import Any, Final

import orjson

from kong_federation.executor.compiled.state import State
from kong_federation.executor.compiled.support import SUPPORT, odd
from kong_federation.executor.context import JsonObject
from kong_federation.executor.exact import read_json
from kong_federation.executor.request import Answer, send
from kong_federation.transport import SubgraphResponse


def body_of(state: State, number: int, lists: tuple[list[Any], ...] = ()) -> bytes:
    """Write the body of a request with its representations; it is odd if they are too many for one."""
    question = state.questions[number]
    if question.constant is not None:
        return question.constant
    if lists:
        most = state.context.max_entities.get(question.subgraph)
        if most is not None and max(map(len, lists)) > most:
            odd()
    return question.body(state.variables, lists)


def sent(state: State, number: int, body: bytes) -> Answer:
    """Send a request, and note it; its answer to come."""
    answer = send(state.questions[number], body, state.context)
    state.sent[number] = (body, answer)
    return answer


def data_of(state: State, number: int, response: SubgraphResponse) -> JsonObject:
    """The data of an answer without errors."""
    text = response.body
    state.received += len(text)
    body = read_json(text) if state.questions[number].exact else orjson.loads(text)
    data: JsonObject = body["data"]
    errors = body.get("errors")
    if type(data) is not dict or (errors is not None and errors != []):
        odd()
    return data


KNOWN: Final = {**SUPPORT, "body_of": body_of, "data_of": data_of, "sent": sent}
"""The names that compiled text may use."""
