"""What is noted while one request is answered; its facts are read off at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kong_federation.gateway.cache import Prepared
from kong_federation.gateway.facts import Facts, Kind
from kong_federation.gateway.identity import bytewise
from kong_federation.plan import OperationKind

# Which subgraphs one operation asks may depend on its variables and on what they answer.
_MOST_KINDS: Final = 16

_LONGEST_CODE: Final = 100
_LONGEST_NAME: Final = 256  # characters; a name may be as long as a document

HIT, MISS = "hit", "miss"

# Asking an enumeration's member for its value is a call.
_TYPES: Final = {kind: kind.value for kind in OperationKind}


class Tally:
    """Kept for one request."""

    __slots__ = ("_begun", "asked", "error_code", "errors", "plan_cache", "prepared")

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self.asked: list[str] = []
        self.prepared: Prepared | None = None
        self.plan_cache = HIT
        self.errors = 0
        self.error_code = ""

    def failed(self, errors: Sequence[Mapping[str, Any]]) -> None:
        """Note the errors of the answer, as they are written; there may be none."""
        self.errors = len(errors)
        if errors:
            # A subgraph whose errors are not masked may have written anything here.
            code = errors[0].get("extensions", {}).get("code")
            self.error_code = bytewise(code[:_LONGEST_CODE]) if isinstance(code, str) else ""

    def passed(self, subgraph: str) -> Facts:
        """What is known of a request that is left to nginx, which asks one subgraph."""
        self.asked.append(subgraph)
        facts = self.facts(0)
        return facts._replace(kind=facts.kind._replace(passed=True))

    def facts(self, response_bytes: int) -> Facts:
        """What is known now; `response_bytes` is the size of the answer's body."""
        prepared = self.prepared
        kind: Kind | None = None
        if prepared is not None and not self.errors:
            key = (self.plan_cache, *self.asked)
            kind = prepared.kinds.get(key)
            if kind is None and len(prepared.kinds) < _MOST_KINDS:
                kind = prepared.kinds[key] = self._kind()
        duration = int((time.perf_counter() - self._begun) * 1_000_000) / 1000
        return Facts(kind or self._kind(), response_bytes, duration)

    def _kind(self) -> Kind:
        prepared = self.prepared
        plan = prepared.executable.plan if prepared is not None else None
        return Kind(
            operation_name=plan.operation_name[:_LONGEST_NAME] if plan is not None else "",
            operation_type=_TYPES[plan.kind] if plan is not None else "",
            operation_hash=prepared.digest if prepared is not None else "",
            plan_cache=self.plan_cache if prepared is not None or self.plan_cache == MISS else "",
            subgraphs=tuple(dict.fromkeys(self.asked)),
            subrequests=len(self.asked),
            errors=self.errors,
            error_code=self.error_code,
        )
