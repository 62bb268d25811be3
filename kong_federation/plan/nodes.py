"""
The plan of one operation, as data.

The planner writes it, the executor reads it, caches store it. Nodes have no behaviour; everything is frozen, hashable
and made of strings, numbers, booleans and tuples, so that `codec` can put it on disk and on the wire.

**The data tree.** All subgraph answers of one operation are merged into one tree of JSON objects, whose property names
are *data keys*. A fetch's document already asks for its fields under data keys (as GraphQL aliases), so nothing is
renamed at run time. Where two fetches need the same field with other arguments, or one response name has two types in
one selection, the planner gives them different data keys; they can never clash. The answer to the client is read from
the data tree by the `Output` tree, which says for each response key the data key it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias


class OperationKind(StrEnum):
    """The three kinds of GraphQL operations."""

    QUERY = "query"
    MUTATION = "mutation"
    SUBSCRIPTION = "subscription"


# --- Paths into the data tree ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """Go to the value of a property; absent or null ends the walk there."""

    name: str


@dataclass(frozen=True, slots=True)
class Each:
    """Go to every item of a list; a list of lists has two of these. Null items end the walk there."""


@dataclass(frozen=True, slots=True)
class OnTypes:
    """Go on only where the object's `__typename` is one of these."""

    names: tuple[str, ...]


PathStep: TypeAlias = Key | Each | OnTypes
Path: TypeAlias = tuple[PathStep, ...]


# --- Fetches -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RepresentationField:
    """
    One property of an entity representation.

    Args:
        name: The property's name in the representation (the subgraph's field name).
        source: The data key its value is read from.
        types: Runtime types of the object it is read for; empty: all.
        inner: What is taken of an object (or of each object in a list); empty for leaves.
        key: Whether it belongs to the `@key`; an entity whose key is null or absent cannot be asked for. A field that
            is there for `@requires` may be null, but if it is absent the entity is not asked for either.
    """

    name: str
    source: str
    types: tuple[str, ...] = ()
    inner: tuple[RepresentationField, ...] = ()
    key: bool = True


@dataclass(frozen=True, slots=True)
class Representation:
    """
    How objects of some runtime types are represented to a subgraph.

    Args:
        types: Runtime types (`__typename` in the data tree) it is for; empty: any object, with or without `__typename`.
        typename: What is sent as `__typename` (for an interface object, the interface's name); empty: the object's own.
        fields: Key fields, then what `@requires` asks for.
    """

    types: tuple[str, ...]
    typename: str
    fields: tuple[RepresentationField, ...]


@dataclass(frozen=True, slots=True)
class ContextValue:
    """
    A variable that has another value for each entity: what `@fromContext` takes of an object further up.

    Entities with different values cannot share a request.

    Args:
        variable: Its name in the fetch's document.
        depth: How many steps of the flatten's path lead to the object it is taken from.
        fields: Where it is on that object: one leaf for each of the object's types; `name` and `key` do not matter.
    """

    variable: str
    depth: int
    fields: tuple[RepresentationField, ...]


@dataclass(frozen=True, slots=True)
class Flatten:
    """
    One `_entities` selection of a fetch: gather objects, represent them, merge what comes back into them.

    Args:
        paths: Where the objects are; objects found by several paths are asked for once.
        variable: Name of the variable that carries the representations.
        key: Response key of this `_entities` selection in the fetch's document.
        representations: The first whose `types` fit an object is used; an object that none fits is left alone.
        contexts: Variables taken from further up; where there are any, there is one path, and no other flatten beside.
    """

    paths: tuple[Path, ...]
    variable: str
    key: str
    representations: tuple[Representation, ...]
    contexts: tuple[ContextValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """
    One request to one subgraph.

    Args:
        id: Number of the fetch within the plan, from 0 in the order of the plan's text.
        subgraph: Name as in `join__Graph`'s `name`.
        kind: What the document is.
        document: GraphQL text, minified, ready to send.
        variables: Those of the client's variables that the document uses; only they are sent.
        flattens: Entity inputs; several where fetches of one wave to one subgraph were batched; empty: a root fetch.
        path: For a root fetch: the objects into which its data is merged (usually `()`, the root of the tree).
        exact: Whether the answer may hold numbers that must stay as they are written: Floats, custom scalars. Reading
            them costs, so a planner that knows better says so.
    """

    id: int
    subgraph: str
    kind: OperationKind
    document: str
    variables: tuple[str, ...] = ()
    flattens: tuple[Flatten, ...] = ()
    path: Path = ()
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Introspect:
    """
    `__schema` and `__type` of the operation, answered by the gateway itself.

    Args:
        document: A query that holds only the introspection fields, under data keys.
        variables: Those of the client's variables that it uses.
    """

    document: str
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sequence:
    """Run the nodes one after the other."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
    """Run the nodes at the same time."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """
    Run one of two nodes by a Boolean variable of the client.

    Args:
        variable: Name without the `$`; it is non-null by validation.
        when_true: Run if it is true, may be None.
        when_false: Run if it is false, may be None.
    """

    variable: str
    when_true: Node | None
    when_false: Node | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Room for subscriptions: `primary` opens the stream, `rest` runs for each event. Refused by the executor today."""

    primary: Fetch
    rest: Node | None


@dataclass(frozen=True, slots=True)
class Deferred:
    """
    One deferred part of an answer.

    Which fields it delivers is said by the output (`OutputField.part`).

    Args:
        label: What the client calls it.
        path: The objects it adds to, by response keys, not data keys; below lists, each of them for itself.
        node: What fetches it, after the primary and the parts in `after`; None if others fetch it along.
        variable: It is deferred only if this variable is true; otherwise it belongs to the answer it is part of. None:
            always.
        after: Numbers of the parts that come before it, because it stands in them or needs what they fetch.
    """

    label: str | None
    path: Path
    node: Node | None
    variable: str | None = None
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Defer:
    """
    An operation that is answered in parts; it stands at the root of a plan. The executor refuses to answer in parts.

    Args:
        primary: What the first answer needs.
        deferred: The later parts; each has its index as its number.
        otherwise: What is run instead if the variables of all parts are false; None if a part is always deferred, or if
            nothing is to be fetched.
    """

    primary: Node | None
    deferred: tuple[Deferred, ...]
    otherwise: Node | None = None


Node: TypeAlias = Fetch | Introspect | Sequence | Parallel | Condition | Subscription | Defer


# --- The client's variables --------------------------------------------------------------------------------------


class NoDefault:
    """The one value `NO_DEFAULT`: there is no default, which is not the same as the default `null`."""

    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT = NoDefault()


@dataclass(frozen=True, slots=True)
class Written:
    """A default as JSON text, because it holds a number that would not be the same after it was read."""

    text: str


@dataclass(frozen=True, slots=True)
class InputField:
    """
    A variable, or a field of an input object.

    Args:
        name: Without `$`.
        type: GraphQL text such as `[ID!]!`.
        default: JSON value, `Written`, or `NO_DEFAULT`.
    """

    name: str
    type: str
    default: Any = field(default=NO_DEFAULT, hash=False)


@dataclass(frozen=True, slots=True)
class EnumInput:
    """An enum that variables use: its public values."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectInput:
    """An input object that variables use."""

    name: str
    fields: tuple[InputField, ...]
    one_of: bool = False


InputType: TypeAlias = EnumInput | ObjectInput


# --- What the client gets ----------------------------------------------------------------------------------------


class LeafKind(StrEnum):
    """What values a leaf may have; custom scalars are not looked at."""

    INT = "Int"
    FLOAT = "Float"
    STRING = "String"
    BOOLEAN = "Boolean"
    ID = "ID"
    ENUM = "enum"
    CUSTOM = "custom"
    TYPENAME = "__typename"


@dataclass(frozen=True, slots=True)
class Leaf:
    """
    A scalar or an enum.

    Args:
        kind: How a value is checked. TYPENAME is the name of the object's runtime type: taken from the object's
            `__typename`, or, where the object can only be of one type, that type's name without looking.
        name: The type's name in the schema, for error texts.
        values: An enum's public values; others become null with an error.
    """

    kind: LeafKind
    name: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Composite:
    """
    An object, interface or union.

    Args:
        name: The type's name in the schema.
        abstract: Whether objects must carry `__typename`; if not, `variants` has one member.
        variants: What is answered for which runtime types. They exclude each other and cover all possible types of the
            public schema; an object of another type becomes null with an error.
    """

    name: str
    abstract: bool
    variants: tuple[Variant, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    of: OutputType


@dataclass(frozen=True, slots=True)
class NonNull:
    """Not null: a null in its place makes the nearest nullable parent null, with an error."""

    of: OutputType


OutputType: TypeAlias = Leaf | Composite | ListOf | NonNull


@dataclass(frozen=True, slots=True)
class Given:
    """One `@include(if: $variable)` (`expected` true) or `@skip(if: $variable)` (`expected` false)."""

    variable: str
    expected: bool


@dataclass(frozen=True, slots=True)
class OutputField:
    """
    One field of the answer.

    Args:
        key: Response key.
        source: Data key.
        type: What is expected there.
        when: Alternatives of tests that must all hold; the field is answered if any alternative holds. Empty: always.
        part: Number of the deferred part that it comes in; None: it comes with the object that it is a field of.
    """

    key: str
    source: str
    type: OutputType
    when: tuple[tuple[Given, ...], ...] = ()
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """
    The fields, in the specification's order, that objects of these runtime types are answered with.

    A response key may stand in several places, if its place depends on variables; of these one holds at most.
    """

    types: tuple[str, ...]
    fields: tuple[OutputField, ...]


# --- The whole ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """
    All that is needed to run one operation, without the schema.

    Args:
        kind: Query, mutation or subscription.
        operation_name: The operation's own name, or empty.
        node: What to run; None if nothing has to be fetched (`{ __typename }`).
        output: The root of the answer; its data is the root of the data tree.
        variables: The operation's variables in order.
        inputs: The input types that the variables use, by name.
        whole: Whether the node is one fetch whose answer is, byte for byte, what clients get: nothing has to be
            renamed, ordered, told apart or hidden.
    """

    kind: OperationKind
    operation_name: str
    node: Node | None
    output: Composite
    variables: tuple[InputField, ...] = ()
    inputs: tuple[InputType, ...] = ()
    whole: bool = False
