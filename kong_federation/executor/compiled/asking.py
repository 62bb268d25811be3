"""What compiled plans do with each request: write its body, send it, take its answer."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET

from kong_federation.executor.compiled.state import State
from kong_federation.executor.compiled.support import SUPPORT, odd
from kong_federation.executor.request import Answer, Question, send
from kong_federation.transport import SubgraphResponse


class Piece(NamedTuple):
    """
    One of the requests of a fetch that asks for too many entities for one.

    Args:
        body: Of the request.
        counts: How many representations it has of each selection.
    """

    body: bytes
    counts: tuple[int, ...]


class Pieces:
    """The answers to come to all pieces of a request; what is awaited are these answers."""

    def __init__(self, pieces: list[Piece], answers: list[Answer]) -> None:
        self.pieces = pieces
        self.answers = answers

    def __await__(self) -> Generator[Any, None, Pieces]:
        for answer in self.answers:
            yield from answer.__await__()
        return self


def body_of(state: State, number: int, lists: tuple[list[Any], ...] = ()) -> bytes | list[Piece]:
    """Write the body of a request with its representations, or several bodies if these are too many for one."""
    question = state.questions[number]
    if question.constant is not None:
        return question.constant
    if lists:
        most = state.context.max_entities.get(question.subgraph)
        if most is not None and (longest := max(map(len, lists))) > most:
            return [_piece(state, question, lists, start, start + most) for start in range(0, longest, most)]
    return question.body(state.variables, lists)


def _piece(state: State, question: Question, lists: tuple[list[Any], ...], start: int, end: int) -> Piece:
    parts = [listed[start:end] for listed in lists]
    return Piece(question.body(state.variables, parts), tuple(map(len, parts)))


def sent(state: State, number: int, body: bytes | list[Piece]) -> Answer | Pieces:
    """Send a request, or all pieces of it, and note it; its answer to come."""
    if isinstance(body, list):
        return Pieces(body, [_sent(state, number, piece.body) for piece in body])
    return _sent(state, number, body)


def _sent(state: State, number: int, body: bytes) -> Answer:
    answer = send(state.questions[number], body, state.context)
    state.sent.append((number, body, answer))
    return answer


def data_of(state: State, number: int, answered: SubgraphResponse | Pieces) -> Any:
    """The data of an answer without errors, as a record; of pieces, with the entities of all of them."""
    if not isinstance(answered, Pieces):
        return _data_of(state, number, answered)
    whole: Any = None
    for piece, answer in zip(answered.pieces, answered.answers, strict=True):
        data = _data_of(state, number, answer.result())
        lists = [getattr(data, name) for name in data.__struct_fields__]
        if [len(listed) if type(listed) is list else -1 for listed in lists] != [*piece.counts]:
            # The list as a whole may still be as long as what was asked for.
            odd()
        if whole is None:
            whole = data
        else:
            for name, listed in zip(data.__struct_fields__, lists, strict=True):
                getattr(whole, name).extend(listed)
    return whole


def _data_of(state: State, number: int, response: SubgraphResponse) -> Any:
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
