"""What may be set about planning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlannerOptions:
    """
    Limits of one planning.

    Args:
        max_steps: Steps of work: fields collected, candidates costed, fields put out. About 20 microseconds and a
            kilobyte each; the largest operations known need some ten thousand.
        timeout: Seconds.
    """

    max_steps: int = 200_000
    timeout: float = 2.0
