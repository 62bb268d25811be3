"""
What workers and the builder say to each other, as bytes; no I/O here.

Everything is msgpack, which delimits itself. A worker sends `Order`s; the builder sends one `Hello` or `Failed` per
connection, and then a `Reply` per order in any order. What a job is to do is packed on its own, so that the builder
passes it on to a planning process without reading it, and knows equal jobs by equal bytes.

    worker → builder             [number, timeout, patience, job, background]
                                                                         an order; number 0: nobody waits for a reply,
                                                                         and without a job: are you alive?
    builder → worker             ["hello", {subgraph: url}, [label, ...]]  loaded
                                 ["failed", [finding, ...]]              not loadable
                                 [number, done, bytes]                   a plan or JSON; or packed findings
    builder ↔ planning process   [timeout, job] → [done, bytes]
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import msgpack

from kong_federation.errors import CATALOGUE, FederationError
from kong_federation.limits import Limits

# A plan or an introspection answer may be large; a message beyond this is not one of ours.
_LARGEST_MESSAGE = 256 * 1024 * 1024

# Limits that are about bodies, answers and time; no operation is planned or refused because of them.
_NOT_OF_OPERATIONS = frozenset({"max_body_size", "max_response_size", "deadline"})

PING = 0
"""The number of an order whose job nobody waits for; without a job it asks for a sign of life."""


@dataclass(frozen=True, slots=True)
class Order:
    """
    One job a worker wants done.

    Args:
        number: Unique on its connection; `PING` is special.
        timeout: Milliseconds the job may run for.
        patience: Milliseconds it may wait before it is begun.
        job: What `pack_job` gave.
        background: Whether live requests go first.
    """

    number: int
    timeout: int
    patience: int
    job: bytes
    background: bool = False


@dataclass(frozen=True, slots=True)
class Hello:
    """
    The builder has loaded the supergraph.

    Args:
        subgraphs: Its subgraphs' names and addresses.
        labels: The labels of its progressive overrides, sorted.
    """

    subgraphs: Mapping[str, str]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The builder cannot load the supergraph."""

    findings: tuple[FederationError, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one order: what was asked for if `done`, otherwise packed findings."""

    number: int
    done: bool
    content: bytes


@dataclass(frozen=True, slots=True)
class PlanJob:
    """Measure, parse, validate and plan an operation."""

    document: str
    operation_name: str | None
    labels: frozenset[str]
    limits: Limits


@dataclass(frozen=True, slots=True)
class IntrospectionJob:
    """Answer an introspection query."""

    document: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PopularJob:
    """Say which operations are used most; at most so many."""

    most: int


@dataclass(frozen=True, slots=True)
class UsesJob:
    """Remember how often operations were used since the last time, by `plan_digest`."""

    uses: tuple[tuple[bytes, int], ...]


Job: TypeAlias = PlanJob | IntrospectionJob | PopularJob | UsesJob


@dataclass(frozen=True, slots=True)
class Operation:
    """What a client asks to have planned."""

    document: str
    name: str | None
    labels: frozenset[str]


class Reader:
    """Bytes in, messages out; half a message waits for its other half."""

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker(
            use_list=True, strict_map_key=False, max_buffer_size=_LARGEST_MESSAGE, max_bin_len=_LARGEST_MESSAGE
        )

    def feed(self, data: bytes) -> Iterator[Any]:
        """
        The messages that are whole with these bytes, unpacked.

        Raises:
            ValueError: The bytes are not msgpack, or the message is too large.
        """
        try:
            self._unpacker.feed(data)
            yield from self._unpacker
        except (msgpack.exceptions.UnpackException, msgpack.exceptions.ExtraData) as error:
            raise ValueError("not msgpack") from error


def pack_order(order: Order) -> bytes:
    """An order as bytes."""
    return _pack([order.number, order.timeout, order.patience, order.job, order.background])


def unpack_order(message: Any) -> Order:
    """The order a message is."""
    return Order(*message)


def pack_greeting(greeting: Hello | Failed) -> bytes:
    """The first message of a connection as bytes."""
    if isinstance(greeting, Hello):
        return _pack(["hello", dict(greeting.subgraphs), list(greeting.labels)])
    return _pack(["failed", pack_findings(greeting.findings)])


def unpack_greeting(message: Any) -> Hello | Failed:
    """The greeting a message is."""
    kind, content, *labels = message
    return Hello(content, tuple(*labels)) if kind == "hello" else Failed(unpack_findings(content))


def pack_reply(reply: Reply) -> bytes:
    """A reply as bytes."""
    return _pack([reply.number, reply.done, reply.content])


def unpack_reply(message: Any) -> Reply:
    """The reply a message is."""
    return Reply(*message)


def pack_job(job: Job) -> bytes:
    """A job as bytes; equal jobs give equal bytes."""
    match job:
        case PlanJob():
            return _pack(["plan", *_operation(job), asdict(job.limits)])
        case IntrospectionJob():
            return _pack(["introspect", job.document, dict(job.variables)])
        case PopularJob():
            return _pack(["popular", job.most])
        case UsesJob():
            return _pack(["uses", job.uses])


def unpack_job(message: Any) -> Job:
    """The job a message is."""
    kind, *members = message
    match kind:
        case "introspect":
            return IntrospectionJob(*members)
        case "popular":
            return PopularJob(*members)
        case "uses":
            return UsesJob(tuple((digest, count) for digest, count in members[0]))
    document, operation_name, labels, limits = members
    return PlanJob(document, operation_name, frozenset(labels), Limits(**limits))


def read_job(job: bytes) -> Job:
    """The job that was packed."""
    return unpack_job(msgpack.unpackb(job, strict_map_key=False))


def plan_digest(job: PlanJob) -> bytes:
    """What tells one plan of a supergraph from another: the operation, and the limits it may be refused for."""
    limits = {name: value for name, value in asdict(job.limits).items() if name not in _NOT_OF_OPERATIONS}
    return hashlib.sha256(_pack([*_operation(job), limits])).digest()


def pack_operation(job: PlanJob) -> bytes:
    """The operation of a job as bytes, for the day it is to be planned anew."""
    return _pack(_operation(job))


def unpack_operation(content: bytes) -> Operation:
    """
    The operation that was packed.

    Raises:
        ValueError: The bytes are something else.
    """
    try:
        document, name, labels = msgpack.unpackb(content)
    except (ValueError, TypeError, msgpack.exceptions.UnpackException) as error:
        raise ValueError("not an operation") from error
    texts = [document, *([] if name is None else [name]), *(labels if isinstance(labels, list) else [None])]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("not an operation")
    return Operation(document, name, frozenset(labels))


def pack_operations(operations: Sequence[tuple[bytes, int]]) -> bytes:
    """Packed operations as bytes, with how often each was used; the most used first."""
    return _pack(operations)


def unpack_operations(content: bytes) -> list[tuple[Operation, int]]:
    """The operations that were packed."""
    return [(unpack_operation(operation), uses) for operation, uses in msgpack.unpackb(content)]


def _operation(job: PlanJob) -> list[Any]:
    return [job.document, job.operation_name, sorted(job.labels)]


def pack_findings(findings: Sequence[FederationError]) -> bytes:
    """Findings as bytes; the code travels by its name."""
    return _pack(
        [
            [finding.code.name, finding.message, finding.path, finding.locations, finding.extensions]
            for finding in findings
        ]
    )


def unpack_findings(content: bytes) -> tuple[FederationError, ...]:
    """The findings that were packed."""
    return tuple(
        FederationError(
            CATALOGUE[name],
            message,
            None if path is None else tuple(path),
            tuple((line, column) for line, column in locations),
            extensions,
        )
        for name, message, path, locations, extensions in msgpack.unpackb(content)
    )


def pack_work(order: Order) -> bytes:
    """What the builder tells a planning process."""
    return _pack([order.timeout, order.job])


def unpack_work(message: Any) -> tuple[int, Any]:
    """The timeout in milliseconds and the unpacked job a message is."""
    timeout, job = message
    return timeout, msgpack.unpackb(job, strict_map_key=False)


def pack_result(content: bytes, *, done: bool) -> bytes:
    """What a planning process tells the builder."""
    return _pack([done, content])


def _pack(message: Any) -> bytes:
    return bytes(msgpack.packb(message))
