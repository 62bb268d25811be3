"""
What a generation remembers of the operations it was asked for.

Plans are bounded in bytes and in number; the bytes are an estimate, see `Prepared.weight`. A plan grows when it is
compiled, and lets go of something when it has been used, so what was used lately is weighed again.

Refusals are kept apart, few and for a short time: an invalid or too costly operation that is sent again and again costs
the builder nothing then, and a flood of different ones cannot push out a single plan. They expire because a refusal for
the time planning took may be due to a busy machine.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cachetools import Cache, LRUCache, TTLCache

from kong_federation.errors import FederationError
from kong_federation.executor import Executable, JsonObject
from kong_federation.gateway.facts import Kind

# What an entry costs beside its contents: keys, the cache's own links.
_MEMORY_PER_ENTRY = 1_000

# Plans that are found without asking the cache, which would cost a microsecond more for each request.
_MOST_RECENT = 256

# Requests whose operation and variables are found without reading them, and the bytes of all such bodies and of the
# longest one. Variables that are written to take much memory take some 25 times the body.
_MOST_REQUESTS = 512
_MOST_REQUEST_BYTES = 524_288
_LONGEST_REQUEST = 4_096

# Of so many answers that could be left to nginx, one is looked at.
_LOOK_AGAIN = 100

_REFUSALS_BYTES = 4_000_000
_REFUSALS_SECONDS = 30.0


class Sizes:
    """
    How large an operation's answers are, as far as they have been seen.

    What is left to nginx is not seen, so now and then one that would be is answered from here.

    Attributes:
        last: Bytes of the last answer that was seen.
    """

    __slots__ = ("_turns", "last")

    def __init__(self) -> None:
        self.last = 0
        self._turns = 0

    def are_large(self, least: int) -> bool:
        """Whether the next answer is expected to have at least so many bytes."""
        if not least:
            return True
        self._turns += 1
        return self.last >= least and self._turns % _LOOK_AGAIN != 0


class Uses:
    """
    How often a plan was used.

    Args:
        digest: By which the node's plan store knows it, see `plan_digest`.
        count: Since it came here, and half of what was carried over from the supergraph before.
    """

    __slots__ = ("_told", "count", "digest")

    def __init__(self, digest: bytes, count: int = 0) -> None:
        self.digest = digest
        self.count = self._told = count

    def untold(self) -> int:
        """How often since this was last asked."""
        new, self._told = self.count - self._told, self.count
        return new


class PlanKey(NamedTuple):
    """What a plan depends on, within a generation."""

    document: str
    operation_name: str | None
    labels: frozenset[str]


@dataclass(eq=False)
class Prepared:
    """
    A plan, ready to run.

    `introspects` and `mutates` say what it does besides asking, which may be switched off. `entry` is what it holds
    beside the executable, in bytes; `size` how many bytes the builder sent, of which `executable` is made, and
    `encoded` their SHA-256; `digest` that of its document in hexadecimal; `sizes` what is known of its answers; `uses`
    how often it was used; `kinds` what is told of its requests (`facts`); `weighed` what the cache counts it as.
    """

    executable: Executable
    introspects: bool
    mutates: bool
    entry: int
    size: int
    encoded: bytes
    digest: str
    sizes: Sizes
    uses: Uses
    kinds: dict[tuple[str, ...], Kind]
    weighed: int = 0

    @property
    def weight(self) -> int:
        """What it is estimated to hold in memory at this moment, in bytes."""
        return self.entry + self.executable.weigh(self.size)


class Refused(NamedTuple):
    """Why an operation is not planned: the same for everybody who asks. `weight` as for plans."""

    findings: tuple[FederationError, ...]
    weight: int


class PlanCache:
    """
    Plans by key, the least recently used given up first; and refusals.

    Args:
        max_bytes: Memory the plans may hold, estimated.
        max_entries: How many plans are held.

    Attributes:
        requests: By the bytes of bodies that came lately, their operation's plan and their variables, coerced; each of
            these plans was asked for since a plan was last put here.
    """

    def __init__(self, max_bytes: int, max_entries: int) -> None:
        self._max_entries = max_entries
        self._plans: LRUCache[PlanKey, Prepared] = LRUCache(max_bytes, getsizeof=lambda one: one.weighed)
        self._refusals: TTLCache[PlanKey, Refused] = TTLCache(
            _REFUSALS_BYTES, _REFUSALS_SECONDS, getsizeof=lambda one: one.weight
        )
        # Those used since a plan was last put here. The cache learns of their use before it has to give one up.
        self._recent: dict[PlanKey, Prepared] = {}
        self._growing: dict[PlanKey, Prepared] = {}
        self.requests: dict[bytes, tuple[Prepared, JsonObject]] = {}
        self._request_bytes = 0

    def __repr__(self) -> str:
        return (
            f"<PlanCache: {len(self._plans)} plans of {self._plans.currsize:.0f} bytes, {len(self._refusals)} refusals>"
        )

    def __len__(self) -> int:
        return len(self._plans)

    def get(self, key: PlanKey) -> Prepared | Refused | None:
        """What is known of an operation."""
        return self._recent.get(key) or self._find(key)

    def remember(self, body: bytes, prepared: Prepared, variables: JsonObject) -> None:
        """
        Remember what a request asks for that may come again in the very same bytes.

        Args:
            body: The bytes.
            prepared: The operation's plan, found here just now: what is not kept here is not kept by this, either.
            variables: Coerced.
        """
        if len(body) <= _LONGEST_REQUEST:
            if len(self.requests) >= _MOST_REQUESTS or self._request_bytes + len(body) > _MOST_REQUEST_BYTES:
                self._forget_requests()
            self._request_bytes += len(body)
            self.requests[body] = prepared, variables

    def put(self, key: PlanKey, outcome: Prepared | Refused) -> None:
        """Remember what was found out, if there is room for it at all."""
        self._settle()
        if isinstance(outcome, Refused):
            with contextlib.suppress(ValueError):
                self._refusals[key] = outcome
            return
        if not self.has_room(outcome.weight):
            outcome.executable.tier.put_off()
        self._keep(key, outcome)
        while len(self._plans) > self._max_entries:
            self._plans.popitem()

    def _find(self, key: PlanKey) -> Prepared | Refused | None:
        # Asking first whether it is there would cost as much again.
        try:
            found = self._plans[key]
        except KeyError:
            return self._refusals.get(key)
        if len(self._recent) >= _MOST_RECENT:
            self._settle()
        self._recent[key] = found
        return found

    def _settle(self) -> None:
        """Tell the cache which plans were used lately, and what they have become."""
        used = self._recent | self._growing
        # All of them first: weighing one may push out others.
        kept = [(key, one) for key, one in used.items() if self._plans.get(key) is one]
        self._recent.clear()
        # What a program holds is known when it is there.
        self._growing = {key: one for key, one in kept if one.executable.tier.is_compiling}
        for key, one in kept:
            # Afresh: in its own place, it would have room made for what it was as well.
            if one.weight != one.weighed and self._plans.pop(key, None) is one:
                self._keep(key, one)
        self._forget_requests()

    def _keep(self, key: PlanKey, prepared: Prepared) -> None:
        prepared.weighed = prepared.weight
        # One plan may be larger than the whole cache; then it is not kept.
        with contextlib.suppress(ValueError):
            self._plans[key] = prepared

    def _forget_requests(self) -> None:
        self.requests.clear()
        self._request_bytes = 0

    def give_up_one(self) -> bool:
        """Forget one plan; whether there was one."""
        self._recent.clear()
        self._growing.clear()
        self._forget_requests()
        if self._plans:
            self._plans.popitem()
            return True
        return False

    def uses(self) -> list[tuple[PlanKey, Uses]]:
        """How often each plan was used; asking is no use."""
        return [(key, Cache.__getitem__(self._plans, key).uses) for key in self._plans]

    def peek(self, key: PlanKey) -> Prepared | None:
        """An operation's plan; asking is no use."""
        return Cache.__getitem__(self._plans, key) if key in self._plans else None

    def knows(self, key: PlanKey) -> bool:
        """Whether the operation's plan is here; asking is no use."""
        return key in self._plans

    def has_room(self, weight: int) -> bool:
        """Whether a plan can be put here without giving up another."""
        return len(self._plans) < self._max_entries and self._plans.currsize + weight <= self._plans.maxsize


def weigh_entry(key: PlanKey, findings: Sequence[FederationError] = ()) -> int:
    """
    Estimate what an entry holds in memory beside a plan, in bytes.

    Args:
        key: The operation's. Its name is the client's and may be as long as a body, also where no operation has it.
        findings: Why it is refused, in texts that may quote all of that.
    """
    texts = (key.document, key.operation_name or "", *(finding.message for finding in findings))
    return _MEMORY_PER_ENTRY + 2 * sum(map(sys.getsizeof, texts))
