"""A budget of work: searches spend from it and know no clock of their own."""

from __future__ import annotations

import time
from dataclasses import dataclass

from kong_federation.errors import FederationError
from kong_federation.errors.codes import QUERY_PLANNING_LIMIT

# The clock is read once in so many steps: reading it costs about as much as a step.
_STEPS_PER_LOOK = 256


@dataclass(slots=True)
class Budget:
    """
    Steps and time that one piece of work may take.

    Args:
        steps: How many steps may still be spent; a step is the costing of one candidate or the like, microseconds.
        deadline: `time.monotonic()` after which nothing may be spent, or None.
    """

    steps: int
    deadline: float | None = None

    def spend(self, steps: int = 1) -> None:
        """
        Take steps off the budget.

        Raises:
            FederationError: QUERY_PLANNING_LIMIT when it is used up.
        """
        before = self.steps
        self.steps = before - steps
        if self.steps < 0:
            raise FederationError(QUERY_PLANNING_LIMIT, "Planning the operation takes more steps than allowed.")
        if (
            self.deadline is not None
            and before // _STEPS_PER_LOOK != self.steps // _STEPS_PER_LOOK
            and time.monotonic() > self.deadline
        ):
            raise FederationError(QUERY_PLANNING_LIMIT, "Planning the operation takes longer than allowed.")
