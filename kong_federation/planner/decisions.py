"""What the search decides, as values that the builder of fetches follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from kong_federation.operation import Shape, Want
from kong_federation.planner.cost import NOTHING, Calls
from kong_federation.querygraph import FieldMove, KeyMove, RootMove
from kong_federation.selection import SelectionSet


@dataclass(frozen=True, slots=True)
class Origin:
    """
    A subgraph in which an object is at hand when its position is reached.

    Args:
        graph: The subgraph.
        provided: What the path to the object provides there though it is external.
        wave: The first wave in which a request can start from it.
        calls: What it took to have it at hand there, counted from the position.
    """

    graph: str
    provided: SelectionSet = ()
    wave: int = 0
    calls: Calls = NOTHING


# A want that nobody can resolve from where the search looked, for one runtime type.
Missing: TypeAlias = frozenset[tuple[Want, str]]

COMPLETE: Missing = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """
    How an object gets into a subgraph.

    Args:
        move: By key or at a root.
        wave: The wave of the request.
        calls: That request and all that must come before it.
        wants: The key fields as wants.
        sources: For each of them the subgraph, already entered, that it is taken from.
    """

    move: KeyMove | RootMove
    wave: int
    calls: Calls
    wants: tuple[Want, ...] = ()
    sources: tuple[FieldMove, ...] = ()


@dataclass(frozen=True, slots=True)
class Demand:
    """What `@requires` asks for and how it is had."""

    wants: tuple[Want, ...]
    decision: Decision


@dataclass(frozen=True, slots=True)
class Source:
    """
    One way a want is resolved.

    Args:
        move: The field in the subgraph that resolves it.
        shape: What is selected below; less than the want's own shape where several sources share the work.
        provided: What is provided below though it is external.
        entry: Set where the object must enter the subgraph with what `demand` says in its representation.
        demand: What `@requires` asks for.
        calls: The requests it costs.
        late: How much is fetched in later waves, see `cost`.
        missing: What stays unresolved below.
    """

    move: FieldMove
    shape: Shape | None
    calls: Calls
    late: int = 0
    missing: Missing = COMPLETE
    entry: Entry | None = None
    demand: Demand | None = None
    provided: SelectionSet = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """
    How the wants of one object are resolved.

    Args:
        sources: For each want, in order; several where only together they deliver it; none for `__typename`.
        entries: How the subgraphs are entered that the sources use and that are no origins.
        calls: The requests it costs.
        late: How much is fetched in later waves, see `cost`.
        missing: What stays unresolved.
    """

    sources: tuple[tuple[Source, ...], ...]
    entries: Mapping[str, Entry] = field(default_factory=dict)
    calls: Calls = NOTHING
    late: int = 0
    missing: Missing = COMPLETE


@dataclass(frozen=True, slots=True)
class PositionDecision:
    """
    How all objects at one position are resolved.

    Args:
        by_type: Runtime type -> (origins, decision). Below an interface object that need not be told apart, the
            interface itself.
        calls: The requests it costs.
        late: How much is fetched in later waves, see `cost`.
        missing: What stays unresolved.
        discovery: Set where an interface object's real type must be asked for first: how its subgraph is entered.
    """

    by_type: Mapping[str, tuple[tuple[Origin, ...], Decision]]
    calls: Calls = NOTHING
    late: int = 0
    missing: Missing = COMPLETE
    discovery: Entry | None = None
