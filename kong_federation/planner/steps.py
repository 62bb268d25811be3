"""Fetches under construction: mutable, linked, and not yet in waves. `emit` turns them into plan nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kong_federation.operation import ALWAYS, Conjunction, Want, When, union
from kong_federation.plan import OperationKind, Path
from kong_federation.planner.data import DataField, DataNode
from kong_federation.planner.decisions import Way
from kong_federation.planner.parts import Part
from kong_federation.querygraph import FieldMove
from kong_federation.selection import SelectionSet
from kong_federation.supergraph import ContextArgument


@dataclass(slots=True, eq=False)
class TreeField:
    """
    A field in a fetch's document.

    Args:
        data: Its data key.
        move: The field in the subgraph.
        variables: Variables its arguments use.
        types: Runtime types, as the search knows them, that it is asked for.
        when: Under which conditions.
        tree: What is selected below; None for leaves.
        contextual: Arguments that are filled from further up, with the variables that carry them.
    """

    data: DataField
    move: FieldMove
    variables: frozenset[str]
    types: set[str]
    when: When
    tree: Tree | None
    contextual: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True, eq=False)
class Tree:
    """
    A selection set in a fetch's document.

    Args:
        static_type: The type it is on in the subgraph; empty for `_entities`, where each field stands on its own type.
        fields: In the order they were asked for.
        typename: Whether `__typename` is asked for.
    """

    static_type: str
    fields: dict[tuple[DataField, str, SelectionSet], TreeField] = field(default_factory=dict)
    typename: bool = False

    def add(self, data: DataField, way: Way, want: Want, runtime_type: str, when: When) -> TreeField:
        """
        Ask for a field, or for more of one that is asked for already.

        Types whose field leads to another type, or provides something else, each have their own selection below it.
        """
        move = way.move
        key = (data, move.type_name, way.provided)
        known = self.fields.get(key)
        if known is None:
            tree = Tree(move.type_name) if want.shape is not None else None
            known = self.fields[key] = TreeField(data, move, want.variables, {runtime_type}, when, tree)
            return known
        known.types.add(runtime_type)
        known.when = union(known.when, when)
        return known


@dataclass(slots=True, eq=False)
class Input:
    """
    What represents objects of one runtime type to a subgraph.

    Args:
        typename: What the representation says as `__typename`.
        keys: Key fields.
        requires: What `@requires` adds.
    """

    typename: str
    keys: tuple[Want, ...]
    requires: list[Want] = field(default_factory=list)

    def disagrees(self, keys: Iterable[Want], requires: Iterable[Want]) -> bool:
        """
        Whether a representation cannot carry more requirements: it has another key, or a field with other arguments.

        Objects that come by different ways may be known by different keys. And two fields may require
        `price(currency: "USD")` and `price(currency: "EUR")`; a representation has one `price`.
        """
        if frozenset(self.keys) != frozenset(keys):
            return True
        carried = {want.name: want.arguments for want in (*self.keys, *self.requires)}
        return any(carried.get(want.name, want.arguments) != want.arguments for want in requires)


@dataclass(slots=True, eq=False)
class Context:
    """
    A value that a step takes from objects further up.

    Args:
        argument: Which argument it fills and what is selected for it.
        variable: The variable that carries it.
        site: Where the objects are that it is taken from.
        inputs: Runtime type of these objects -> the selection as wants.
    """

    argument: ContextArgument
    variable: str
    site: Site
    inputs: dict[str, tuple[Want, ...]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Site:
    """
    A place where objects are, as a path and as a node of the data tree.

    Args:
        path: From the root.
        node: The data there.
        answer: The place in the answer, by response keys.
    """

    path: Path
    node: DataNode
    answer: Path = ()


@dataclass(slots=True, eq=False)
class Step:
    """
    A request to a subgraph, for the objects of one site.

    Args:
        graph: The subgraph.
        kind: What its document is.
        site: Where its objects are; the root's for root fetches.
        tree: What it selects.
        origins: The steps that bring its objects to the site.
        needs: Steps that must come before it.
        when: The condition it as a whole stands under.
        inputs: Runtime type -> representation; empty for root fetches.
        typed: Whether representations are chosen by the objects' `__typename`.
        alone: Whether it must keep its condition, because what it requires stands under that condition too.
        contexts: What it takes from further up; its entities then share no request with others.
        part: The deferred part it is for; None: the first answer.
    """

    graph: str
    kind: OperationKind
    site: Site
    tree: Tree
    origins: set[Step | None]
    needs: set[Step]
    when: Conjunction = frozenset()
    inputs: dict[str, Input] = field(default_factory=dict)
    typed: bool = False
    alone: bool = False
    contexts: list[Context] = field(default_factory=list)
    part: Part | None = None


def unconditional(when: When, step: Step) -> When:
    """A field's condition within a step: nothing of what the step as a whole stands under."""
    return ALWAYS if when == (step.when,) else when
