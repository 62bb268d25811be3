"""
Planning ahead what is used most, so gently that live requests do not feel it.

One operation at a time, planned by a process of low priority, with a pause after each: no more of them in a second than
allowed, and after a hard one as long as it took, so that the other half of the time is for live requests alone. What
cannot be planned is passed over: the supergraph it was asked of is another one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import SERVICE_UNAVAILABLE
from kong_federation.gateway.cache import PlanKey
from kong_federation.gateway.generation import Generation
from kong_federation.settings import WarmupSettings

# The longest rest after a hard operation, in ordinary pauses.
_LONGEST_REST = 10

_LOG = logging.getLogger("kong_federation.gateway")


async def warm_up(
    generation: Generation,
    wanted: Sequence[tuple[PlanKey, int]],
    settings: WarmupSettings,
    previous: Generation | None = None,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> int:
    """
    Fetch or make plans, until the time is over.

    Args:
        generation: That is to have them.
        wanted: Operations and how often they were used, the most used first.
        settings: How many, how fast, how long.
        previous: That of the supergraph before; what it has prepared is used where the plan is the same.
        pause: Waits so many seconds.

    Returns:
        How many plans came.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + settings.timeout / 1000
    interval = 1 / settings.items_per_second
    warmed = 0
    for key, uses in wanted[: settings.max_operations]:
        began = loop.time()
        if began >= end:
            break
        try:
            async with asyncio.timeout_at(end):
                warmed += await generation.warm(key, uses // 2, previous.prepared(key) if previous else None)
        except TimeoutError:
            break
        except (FederationError, FederationErrors) as error:
            findings = error.errors if isinstance(error, FederationErrors) else (error,)
            if any(finding.code is SERVICE_UNAVAILABLE for finding in findings):
                break
        except Exception:  # noqa: BLE001 - whoever asks for this operation is told, and the others can be planned
            _LOG.exception("an operation could not be planned ahead")
        spent = loop.time() - began
        await pause(max(interval - spent, min(spent, _LONGEST_REST * interval)))
    return warmed
