"""What is told about one request to whoever keeps logs: Kong's log plugins, other plugins on the route."""

from __future__ import annotations

from typing import Final, NamedTuple

from kong_federation.gateway.identity import bytewise

NAME: Final = "graphql"
"""The facts' name in Kong's log entries and in `kong.ctx.shared`."""


class Kind(NamedTuple):
    """
    What requests have in common: of those with one operation and without errors, nearly always all of it.

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


class Facts(NamedTuple):
    """
    About one request that was answered.

    Args:
        kind: What others have in common with it.
        response_bytes: The answer's body.
        duration: Milliseconds from the gateway's first look to its answer.
    """

    kind: Kind = Kind()
    response_bytes: int = 0
    duration: float = 0.0

    def members(self) -> dict[str, str | int | float]:
        """
        The facts by the names they are logged under; what is empty is left out, numbers are always there.

        Subgraphs are one text, because Kong turns an empty list into an object.
        """
        kind = self.kind
        texts = {
            "operation_name": kind.operation_name,
            "operation_type": kind.operation_type,
            "operation_hash": kind.operation_hash,
            "plan_cache": kind.plan_cache,
            "subgraphs": ",".join(map(bytewise, kind.subgraphs)),
            "error_code": kind.error_code,
        }
        known: dict[str, str | int | float] = {name: text for name, text in texts.items() if text}
        known["subrequests"] = kind.subrequests
        if kind.passed:
            known["passthrough"] = "yes"
        else:
            known["errors"] = kind.errors
            known["response_bytes"] = self.response_bytes
        known["duration_ms"] = self.duration
        return known
