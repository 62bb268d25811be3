"""
What workers and the builder say to each other, as bytes; no I/O here.

Everything is msgpack, which delimits itself. A worker sends `Order`s; the builder sends one `Hello` or `Failed` per
connection, and then a `Reply` per order in any order. What a job is to do is packed on its own, so that the builder
passes it on to a planning process without reading it, and knows equal jobs by equal bytes.

    worker → builder             [number, timeout, patience, job]        an order; number 0: are you alive?
    builder → worker             ["hello", {subgraph: url}, [label, ...]]  loaded
                                 ["failed", [finding, ...]]              not loadable
                                 [number, done, bytes]                   a plan or JSON; or packed findings
    builder ↔ planning process   [timeout, job] → [done, bytes]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import msgpack

from kong_federation.errors import CATALOGUE, FederationError
from kong_federation.limits import Limits

# A plan or an introspection answer may be large; a message beyond this is not one of ours.
_LARGEST_MESSAGE = 256 * 1024 * 1024

PING = 0
"""The number of an order that only asks for a sign of life."""


@dataclass(frozen=True, slots=True)
class Order:
    """
    One job a worker wants done.

    Args:
        number: Unique on its connection; `PING` is special.
        timeout: Milliseconds the job may run for.
        patience: Milliseconds it may wait before it is begun.
        job: What `plan_job` or `introspection_job` gave.
    """

    number: int
    timeout: int
    patience: int
    job: bytes


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


Job: TypeAlias = PlanJob | IntrospectionJob


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
    return _pack([order.number, order.timeout, order.patience, order.job])


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
    if isinstance(job, PlanJob):
        return _pack(["plan", job.document, job.operation_name, sorted(job.labels), asdict(job.limits)])
    return _pack(["introspect", job.document, dict(job.variables)])


def unpack_job(message: Any) -> Job:
    """The job a message is."""
    kind, document, *rest = message
    if kind == "introspect":
        return IntrospectionJob(document, rest[0])
    operation_name, labels, limits = rest
    return PlanJob(document, operation_name, frozenset(labels), Limits(**limits))


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
