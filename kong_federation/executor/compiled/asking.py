"""What compiled plans do with each request: write its body, send it, take its answer."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import UNSET

from kong_federation.executor.compiled.state import State
from kong_federation.executor.compiled.support import SUPPORT, odd
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


def data_of(state: State, number: int, response: SubgraphResponse) -> Any:
    """The data of an answer without errors, as a record."""
    text = response.body
    state.received += len(text)
    if state.questions[number].exact and _has_minus_zero(text):
        # The one number that the parser does not keep.
        odd()
    answer = state.decoders[number].decode(text)
    data, errors = answer.k_data, answer.k_errors
    if data is None or data is UNSET or (errors is not UNSET and errors is not None and errors != []):
        odd()
    return data


async def introspected(state: State, number: int) -> Any:
    """What the gateway itself answers, as a record."""
    question = state.questions[number]
    data = await state.context.introspect(question.document, question.used(state.variables))
    return msgspec.convert({"data": data}, state.decoders[number].type).k_data


# It begins with what is searched for as fast as memory is read; dates and UUIDs are full of that, but rarely go on so.
_MINUS_ZERO: Final = re.compile(rb"-0[,\]}\s]")


def _has_minus_zero(text: bytes) -> bool:
    """Whether a number may be written as `-0`. A string may have it, too, which costs time and nothing else."""
    return any(text[found.start() - 1] in b":[, \n\r\t" for found in _MINUS_ZERO.finditer(text))


KNOWN: Final = {**SUPPORT, "body_of": body_of, "data_of": data_of, "introspected": introspected, "sent": sent}
"""The names that compiled text may use."""
