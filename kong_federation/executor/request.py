"""
One request to a subgraph: its body, and how it is sent.

Everything that is the same for all requests is written at preparation: the body up to the variables is a constant, and
a request without variables and representations has a constant body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, NamedTuple, TypeAlias

import orjson

from kong_federation.errors import FederationError
from kong_federation.errors.codes import SUBREQUEST_HTTP_ERROR, SUBREQUEST_TIMEOUT, VALIDATION_INVALID_TYPE_VARIABLE
from kong_federation.executor.context import ExecutionContext, JsonObject
from kong_federation.executor.exact import write_json
from kong_federation.plan.nodes import Fetch, Introspect, OperationKind
from kong_federation.strands import Promise
from kong_federation.transport import SubgraphRequest, SubgraphResponse

_FUTURES: Final = (Promise, asyncio.Future)

Answer: TypeAlias = Promise[SubgraphResponse] | asyncio.Future[SubgraphResponse]


class Sent(NamedTuple):
    """A request that has been sent, by the number of its fetch, and its answer, which may still be on its way."""

    source: int
    body: bytes
    answer: Answer

    def forget(self) -> None:
        """Give up the answer, or its error, that nobody has asked for."""
        if not self.answer.cancel() and not self.answer.cancelled():
            self.answer.exception()


@dataclass(frozen=True)
class Question:
    """
    What a fetch or an introspection asks, but for the values of its variables.

    Args:
        subgraph: Who is asked; empty for introspection.
        document: GraphQL text.
        names: Those of the client's variables that it uses.
        slots: The variables that carry representations.
        exact: Whether numbers of the answer must stay as they are written.
        safe: Whether it changes nothing.

    Attributes:
        constant: The body of every request, if it is always the same.
    """

    subgraph: str
    document: str
    names: tuple[str, ...]
    slots: tuple[str, ...] = ()
    exact: bool = False
    safe: bool = True
    constant: bytes | None = field(init=False)
    _head: bytes = field(init=False)
    _open: bytes = field(init=False)
    _slots: tuple[bytes, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_head", b'{"query":' + orjson.dumps(self.document))
        object.__setattr__(self, "_open", self._head + b',"variables":{')
        object.__setattr__(self, "constant", None if self.names or self.slots else self._head + b"}")
        object.__setattr__(self, "_slots", tuple(b'"%b":' % name.encode() for name in self.slots))

    def used(self, variables: JsonObject) -> JsonObject:
        """Those of the client's variables that are sent."""
        return {name: variables[name] for name in self.names if name in variables}

    def body(self, variables: JsonObject, lists: Sequence[Any] = ()) -> bytes:
        """
        Write the request's body.

        Args:
            variables: The client's, coerced.
            lists: The representations for each slot: a list of JSON objects, or its text.

        Raises:
            FederationError: VALIDATION_INVALID_TYPE_VARIABLE, a variable cannot be written.
        """
        if not self.names and len(lists) == 1:
            # Nearly all requests for entities.
            (listed,) = lists
            text = listed if type(listed) is bytes else write_json(listed)
            return b"%b%b%b}}" % (self._open, self._slots[0], text)
        members: list[bytes] = []
        if self.names and (used := self.used(variables)):
            try:
                members.append(write_json(used)[1:-1])
            except orjson.JSONEncodeError as error:
                raise FederationError(
                    VALIDATION_INVALID_TYPE_VARIABLE, f"A variable cannot be sent: {error}."
                ) from None
        for slot, listed in zip(self._slots, lists, strict=True):
            members.append(slot + (listed if type(listed) is bytes else write_json(listed)))
        if not members:
            return self._head + b"}"
        return b"%b%b}}" % (self._open, b",".join(members))


def question_of(source: Fetch | Introspect) -> Question:
    """What a node of a plan asks."""
    if isinstance(source, Introspect):
        return Question("", source.document, source.variables)
    return Question(
        source.subgraph,
        source.document,
        source.variables,
        tuple(flatten.variable for flatten in source.flattens),
        source.exact,
        source.kind is OperationKind.QUERY,
    )


def send(question: Question, body: bytes, context: ExecutionContext) -> Answer:
    """
    Send a request.

    Returns:
        The answer to come; it fails with a FederationError if none comes.

    Raises:
        FederationError: SUBREQUEST_HTTP_ERROR or SUBREQUEST_TIMEOUT, nothing can be sent.
    """
    subgraph, deadline, asked = question.subgraph, context.deadline, context.asked
    try:
        target = context.targets[subgraph]
    except KeyError:
        message = f'No address is known for subgraph "{subgraph}".'
        raise FederationError(SUBREQUEST_HTTP_ERROR, message) from None
    timeout = target.timeout
    if deadline is not None:
        timeout = min(timeout, deadline - monotonic())
        if timeout <= 0:
            raise FederationError(SUBREQUEST_TIMEOUT, "No time was left for the request.")
    if asked is not None:
        asked.append(subgraph)
    answer = context.transport.send(
        SubgraphRequest(
            subgraph, target.url, target.headers, body, timeout, safe=question.safe, request_id=context.request_id
        )
    )
    return answer if isinstance(answer, _FUTURES) else asyncio.ensure_future(answer)
