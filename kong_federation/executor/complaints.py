"""
What operators are told of subgraphs that fail.

Clients see the kind of a failure and nothing more, so the log has to say the rest: whether the name is unknown, the
connection refused, the status 401. A subgraph that is down fails every request, so there is a line for the first
failure of a kind and then one every ten seconds, which says how many there were in between.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import Final

from kong_federation.errors import FederationError

_LOG: Final = logging.getLogger(__name__)

_PAUSE: Final = 10.0  # seconds between two lines on the same
_MOST: Final = 1_000  # kinds of failures of subgraphs that are remembered; more are forgotten all at once


class Complaints:
    """What was told lately; one for a process."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def __repr__(self) -> str:
        return f"<Complaints: {len(self._told)}>"

    def tell(self, subgraph: str, failure: FederationError, request_id: str) -> None:
        """
        Tell of a failed request to a subgraph, or count it.

        Args:
            subgraph: Its name.
            failure: Why.
            request_id: Kong's, of the client's request; may be empty.
        """
        kind = (subgraph, failure.code.name)
        now = monotonic()
        told, silent = self._told.get(kind, (float("-inf"), 0))
        if now - told < _PAUSE:
            self._told[kind] = (told, silent + 1)
            return
        if len(self._told) >= _MOST:
            self._told.clear()
        self._told[kind] = (now, 0)
        more = f"; {silent} more since the last line on this" if silent else ""
        _LOG.warning("subgraph %s failed: %s (request %s%s)", subgraph, failure, request_id or "-", more)


COMPLAINTS: Final = Complaints()
