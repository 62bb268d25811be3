"""What an execution is given, and what it gives back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from kong_federation.executor.exact import read_json
from kong_federation.transport import Transport

JsonObject: TypeAlias = dict[str, Any]
Introspection: TypeAlias = Callable[[str, JsonObject], Awaitable[JsonObject]]


PROTOCOL_HEADERS: Final = (
    ("content-type", "application/json"),
    ("accept", "application/graphql-response+json, application/json;q=0.9"),
)
"""What every request to a subgraph has to say of itself; the executor relies on the caller for it."""


class SubgraphTarget:
    """
    Where one subgraph is for one request.

    Args:
        url: Absolute URL.
        timeout: Seconds for one exchange.
        headers: What is sent, `PROTOCOL_HEADERS` first; names in lower case. Subgraphs that get the same headers best
            share one tuple.
    """

    __slots__ = ("headers", "timeout", "url")

    def __init__(self, url: str, timeout: float, headers: tuple[tuple[str, str], ...] = PROTOCOL_HEADERS) -> None:
        self.url: Final = url
        self.timeout: Final = timeout
        self.headers: Final = headers


_UNLIMITED: Final[Mapping[str, int]] = MappingProxyType({})


class ExecutionContext:
    """
    All that an execution needs from its surroundings.

    A plain class, like all that is made for each request: it is compiled, and then as cheap as can be.

    Args:
        transport: Carries the requests.
        targets: By subgraph name; a subgraph that is missing here counts as one that cannot be reached.
        introspect: Answers introspection: document and variables in, `data` out. What it returns is copied, so it may
            be shared between requests.
        max_entities: By subgraph name, how many entities one request asks for at most; more are asked for in several
            requests. A subgraph that is missing here is asked for any number.
        mask_errors: Whether the messages and extensions of subgraphs are hidden from the client.
        deadline: `time.monotonic()` after which fetches end with SUBREQUEST_TIMEOUT.
        request_id: Kong's id of the client's request; travels to all subgraphs.
        asked: The name of each subgraph is put there when a request is sent to it.
        max_errors: How many errors are reported at most, at least one; one subgraph error counts once for each place
            where its entity stands, so a small answer could otherwise become a large one.
    """

    __slots__ = (
        "asked",
        "deadline",
        "introspect",
        "mask_errors",
        "max_entities",
        "max_errors",
        "request_id",
        "targets",
        "transport",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - it is all that an execution needs
        self,
        transport: Transport,
        targets: Mapping[str, SubgraphTarget],
        introspect: Introspection,
        max_entities: Mapping[str, int] = _UNLIMITED,
        mask_errors: bool = True,
        deadline: float | None = None,
        request_id: str = "",
        asked: list[str] | None = None,
        max_errors: int = 1000,
    ) -> None:
        self.transport: Final = transport
        self.targets: Final = targets
        self.introspect: Final = introspect
        self.max_entities: Final = max_entities
        self.mask_errors: Final = mask_errors
        self.deadline: Final = deadline
        self.request_id: Final = request_id
        self.asked: Final = asked
        self.max_errors: Final = max_errors


class Result:
    """
    The answer to one operation.

    Args:
        data: Response keys and values in the specification's order; None if a null reached the root. It is there to be
            written by `write_json`: numbers are written as the subgraphs did.
        errors: Members of the GraphQL response's `errors`, ready to be written by `write_json`.
        stream: Further parts of an answer that comes in parts.
        body: The whole answer as JSON, if it has been written already; then there are no errors, and `data` is read
            from it by who asks.
    """

    __slots__ = ("_data", "body", "errors", "stream")

    def __init__(
        self,
        data: JsonObject | None,
        errors: tuple[JsonObject, ...] = (),
        stream: AsyncIterator[JsonObject] | None = None,
        body: bytes | None = None,
    ) -> None:
        self._data: Final = data
        self.errors: Final = errors
        self.stream: Final = stream
        self.body: Final = body

    @property
    def data(self) -> JsonObject | None:
        """What has been answered."""
        if self.body is None:
            return self._data
        data: JsonObject = read_json(self.body)["data"]
        return data

    def __repr__(self) -> str:
        return f"Result({self.data!r}, {self.errors!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        return self.data == other.data and self.errors == other.errors and self.stream is other.stream

    __hash__ = None  # type: ignore[assignment]
