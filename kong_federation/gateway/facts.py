"""
What is told about one request to whoever keeps logs: Kong's log plugins, other plugins on the route.

A tally is kept while a request is answered; the facts are read off it at the end. It stands in for the transport
during the request, because the number of subrequests and their subgraphs are known nowhere else for certain.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from kong_federation.gateway.cache import Prepared
from kong_federation.gateway.identity import bytewise
from kong_federation.plan import OperationKind
from kong_federation.transport import SubgraphRequest, SubgraphResponse, Transport

NAME: Final = "graphql"
"""The facts' name in Kong's log entries and in `kong.ctx.shared`."""

_LONGEST_CODE = 100
_LONGEST_NAME = 256  # characters; a name may be as long as a document

HIT, MISS = "hit", "miss"

# Asking an enumeration's member for its value is a call.
_TYPES: Final = {kind: kind.value for kind in OperationKind}


class Facts(NamedTuple):
    """
    About one request that was answered.

    Args:
        operation_name: As the document has it, cut where it is very long; empty: it has none, or was not understood.
        operation_type: `query` or `mutation`; empty: it was not understood.
        operation_hash: SHA-256 of the document in hexadecimal, which is also the id of persisted queries; empty: it
            was not understood.
        plan_cache: Whether the plan was there already, `hit` or `miss`; empty: none was needed.
        subgraphs: Those that were asked, in order.
        subrequests: How many requests they got.
        errors: How many errors the answer has.
        error_code: The code of the first.
        passed: Whether the request was left to nginx; then nothing is known of the answer.
        response_bytes: The answer's body.
        duration: Milliseconds from the gateway's first look to its answer.
    """

    operation_name: str = ""
    operation_type: str = ""
    operation_hash: str = ""
    plan_cache: str = ""
    subgraphs: tuple[str, ...] = ()
    subrequests: int = 0
    errors: int = 0
    error_code: str = ""
    passed: bool = False
    response_bytes: int = 0
    duration: float = 0.0

    def members(self) -> dict[str, str | int | float]:
        """
        The facts by the names they are logged under; what is empty is left out, numbers are always there.

        Subgraphs are one text, because Kong turns an empty list into an object.
        """
        texts = {
            "operation_name": self.operation_name,
            "operation_type": self.operation_type,
            "operation_hash": self.operation_hash,
            "plan_cache": self.plan_cache,
            "subgraphs": ",".join(map(bytewise, self.subgraphs)),
            "error_code": self.error_code,
        }
        known: dict[str, str | int | float] = {name: text for name, text in texts.items() if text}
        known["subrequests"] = self.subrequests
        if self.passed:
            known["passthrough"] = "yes"
        else:
            known["errors"] = self.errors
            known["response_bytes"] = self.response_bytes
        known["duration_ms"] = self.duration
        return known


class Tally:
    """
    Kept for one request.

    Args:
        transport: What really carries its subrequests.
    """

    __slots__ = ("_asked", "_begun", "_transport", "error_code", "errors", "plan_cache", "prepared")

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._begun = time.perf_counter()
        self._asked: list[str] = []
        self.prepared: Prepared | None = None
        self.plan_cache = ""
        self.errors = 0
        self.error_code = ""

    def send(self, request: SubgraphRequest) -> Awaitable[SubgraphResponse]:
        """Count a subrequest and pass it on."""
        self._asked.append(request.subgraph)
        return self._transport.send(request)

    async def close(self) -> None:
        """The transport is not ours to close."""

    def failed(self, errors: Sequence[Mapping[str, Any]]) -> None:
        """Note the errors of the answer, as they are written; there may be none."""
        self.errors = len(errors)
        if errors:
            # A subgraph whose errors are not masked may have written anything here.
            code = errors[0].get("extensions", {}).get("code")
            self.error_code = bytewise(code[:_LONGEST_CODE]) if isinstance(code, str) else ""

    def passed(self, subgraph: str) -> Facts:
        """What is known of a request that is left to nginx, which asks one subgraph."""
        self._asked.append(subgraph)
        return self.facts(0)._replace(passed=True)

    def facts(self, response_bytes: int) -> Facts:
        """What is known now; `response_bytes` is the size of the answer's body."""
        prepared = self.prepared
        plan = prepared.executable.plan if prepared is not None else None
        return Facts(
            operation_name=plan.operation_name[:_LONGEST_NAME] if plan is not None else "",
            operation_type=_TYPES[plan.kind] if plan is not None else "",
            operation_hash=prepared.digest if prepared is not None else "",
            plan_cache=self.plan_cache,
            subgraphs=tuple(dict.fromkeys(self._asked)),
            subrequests=len(self._asked),
            errors=self.errors,
            error_code=self.error_code,
            response_bytes=response_bytes,
            duration=round((time.perf_counter() - self._begun) * 1000, 3),
        )
