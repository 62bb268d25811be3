"""A supergraph under construction: types and fields with what they are in each subgraph, and its SDL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_HEAD = """schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)
  @link(url: "https://specs.apollo.dev/context/v0.1", for: SECURITY)
{
  query: Query
%s}

scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
"""


@dataclass(slots=True)
class FieldDraft:
    """
    A field.

    Args:
        type: Its type in the supergraph.
        arguments: SDL with parentheses, or empty.
        joins: Subgraph -> arguments of its `join__field`, as SDL values; no subgraph: it comes by an interface object.
        inaccessible: Hidden from clients.
    """

    type: str
    arguments: str = ""
    joins: dict[str, dict[str, str]] = field(default_factory=dict)
    inaccessible: bool = False

    def in_force(self, graph: str) -> bool:
        """Whether a subgraph resolves it (maybe with requirements, maybe only under a label)."""
        return graph in self.joins and "external" not in self.joins[graph]


@dataclass(slots=True)
class TypeDraft:
    """
    A type.

    Args:
        kind: `type`, `interface`, `union`, `enum`, `input` or `scalar`.
        graphs: Subgraph -> its keys there: text -> whether `_entities` takes it.
        fields: By name.
        implements: Subgraph -> interfaces.
        members: Subgraph -> union members.
        objects: Subgraphs where an interface is an object type.
        values: Of an enum.
        hidden: Values of an enum that are hidden from clients.
        inaccessible: Hidden from clients.
        contexts: Names of the contexts that its objects set.
    """

    kind: str
    graphs: dict[str, dict[str, bool]] = field(default_factory=dict)
    fields: dict[str, FieldDraft] = field(default_factory=dict)
    implements: dict[str, set[str]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    objects: set[str] = field(default_factory=set)
    values: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    inaccessible: bool = False
    contexts: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Draft:
    """A supergraph."""

    graphs: tuple[str, ...]
    types: dict[str, TypeDraft] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)

    def sdl(self) -> str:
        """The supergraph's text."""
        mutation = "  mutation: Mutation\n" if "Mutation" in self.types else ""
        graphs = "".join(f'  {graph} @join__graph(name: "{graph.lower()}", url: "")\n' for graph in self.graphs)
        types = "\n".join(_type(name, draft) for name, draft in self.types.items())
        return f"{_HEAD % mutation}\nenum join__Graph {{\n{graphs}}}\n\n{types}"


def _type(name: str, draft: TypeDraft) -> str:
    interfaces = sorted({interface for found in draft.implements.values() for interface in found})
    head = f"{draft.kind} {name}"
    if interfaces:
        head += f" implements {' & '.join(interfaces)}"
    lines = [head, *(f"  {directive}" for directive in _directives(draft))]
    match draft.kind:
        case "union":
            members = sorted({member for found in draft.members.values() for member in found})
            lines[-1] += f" = {' | '.join(members)}"
            return "\n".join(lines) + "\n"
        case "scalar":
            return "\n".join(lines) + "\n"
        case "enum":
            body = [
                f"  {value} {' '.join(f'@join__enumValue(graph: {graph})' for graph in draft.graphs)}"
                f"{' @inaccessible' if value in draft.hidden else ''}"
                for value in draft.values
            ]
        case _:
            body = [_field(field_name, field_draft) for field_name, field_draft in draft.fields.items()]
    return "\n".join([*lines, "{", *body, "}"]) + "\n"


def _directives(draft: TypeDraft) -> Iterator[str]:
    for graph, keys in draft.graphs.items():
        extra = ", isInterfaceObject: true" if graph in draft.objects else ""
        for key, resolvable in keys.items():
            how = "" if resolvable else ", resolvable: false"
            yield f'@join__type(graph: {graph}, key: "{key}"{how}{extra})'
        if not keys:
            yield f"@join__type(graph: {graph}{extra})"
    if draft.inaccessible:
        yield "@inaccessible"
    for context in sorted(draft.contexts):
        yield f'@context(name: "{context}")'
    for graph, interfaces in draft.implements.items():
        for interface in sorted(interfaces):
            yield f'@join__implements(graph: {graph}, interface: "{interface}")'
    for graph, members in draft.members.items():
        for member in sorted(members):
            yield f'@join__unionMember(graph: {graph}, member: "{member}")'


def _field(name: str, draft: FieldDraft) -> str:
    joins = []
    for graph, arguments in draft.joins.items():
        given = "".join(f", {key}: {value}" for key, value in arguments.items())
        joins.append(f"@join__field(graph: {graph}{given})")
    hidden = " @inaccessible" if draft.inaccessible else ""
    return f"  {name}{draft.arguments}: {draft.type} {' '.join(joins) or '@join__field'}{hidden}"
