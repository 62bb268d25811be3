"""What the search decides, as values that the builder of fetches follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from kong_federation.operation import Want
from kong_federation.planner.cost import NOTHING, Calls
from kong_federation.querygraph import FieldMove, KeyMove, RootMove
from kong_federation.selection import SelectionSet


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    A subgraph that delivers the objects of a position.

    Args:
        graph: The subgraph.
        static_type: The position's type there.
        provided: What the path to the position provides there though it is external.
        wave: In which wave the objects are there, counted from the earliest arrival.
    """

    graph: str
    static_type: str
    provided: SelectionSet = ()
    wave: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """
    A subgraph in which an object is at hand.

    Args:
        graph: The subgraph.
        provided: What is resolvable there though it is external.
        wave: The first wave in which a request can start from it.
        calls: What it takes to have it at hand there.
    """

    graph: str
    provided: SelectionSet = ()
    wave: int = 0
    calls: Calls = NOTHING


# A want that nobody can resolve from where the search looked, for one runtime type.
Missing: TypeAlias = frozenset[tuple[Want, str]]
# The subgraphs, among those in which an object is at hand, that a decision makes use of.
Uses: TypeAlias = frozenset[str]

COMPLETE: Missing = frozenset()
UNUSED: Uses = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """
    How an object gets into a subgraph.

    Args:
        move: By key or at a root.
        wave: The wave of the request.
        calls: That request and all that must come before it.
        wants: The key fields as wants.
        sources: For each of them where it is taken from: a subgraph in which the object is at hand by then.
        uses: The origins it starts from.
    """

    move: KeyMove | RootMove
    wave: int
    calls: Calls
    wants: tuple[Want, ...] = ()
    sources: tuple[Source, ...] = ()
    uses: Uses = UNUSED


@dataclass(frozen=True, slots=True)
class Demand:
    """What `@requires` asks for and how it is had."""

    wants: tuple[Want, ...]
    decision: Decision


@dataclass(frozen=True, slots=True)
class Way:
    """
    One subgraph that resolves a want.

    Args:
        move: The field there.
        provided: What is resolvable below it though external.
        wave: In which wave the field's value is there.
        calls: The requests it takes to get there.
        uses: The origins it starts from.
        entry: Set where the object must enter the subgraph with what `demand` says in its representation.
        demand: What `@requires` asks for.
    """

    move: FieldMove
    provided: SelectionSet
    wave: int
    calls: Calls
    uses: Uses
    entry: Entry | None = None
    demand: Demand | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """
    How a want is resolved.

    Args:
        ways: The subgraph that resolves it, or several that share the work below it.
        below: What is decided for the objects below; None for leaves.
        calls: The requests it costs, with all below.
        late: How much is fetched in later waves, see `cost`.
        missing: What stays unresolved below.
    """

    ways: tuple[Way, ...]
    below: PositionDecision | None
    calls: Calls
    late: int = 0
    missing: Missing = COMPLETE


@dataclass(frozen=True, slots=True)
class Decision:
    """
    How the wants of one object are resolved.

    Args:
        sources: For each want, in order; None for `__typename` and for what is missing.
        entries: How the subgraphs are entered that the sources use and that are no origins.
        calls: The requests it costs.
        late: How much is fetched in later waves.
        missing: What stays unresolved.
        uses: The origins it makes use of.
    """

    sources: tuple[Source | None, ...]
    entries: Mapping[str, Entry] = field(default_factory=dict)
    calls: Calls = NOTHING
    late: int = 0
    missing: Missing = COMPLETE
    uses: Uses = UNUSED


@dataclass(frozen=True, slots=True)
class PositionDecision:
    """
    How all objects at one position are resolved.

    Args:
        by_type: Runtime type -> decision. Below an interface object that need not be told apart, the interface itself.
        calls: The requests it costs.
        late: How much is fetched in later waves.
        missing: What stays unresolved.
        uses: The arrivals it makes use of.
        discovery: Set where an interface object's real type must be asked for first: how its subgraph is entered.
        teller: The arrival that can say what the objects are; None where they can be of one type only.
    """

    by_type: Mapping[str, Decision]
    calls: Calls = NOTHING
    late: int = 0
    missing: Missing = COMPLETE
    uses: Uses = UNUSED
    discovery: Entry | None = None
    teller: str | None = None
