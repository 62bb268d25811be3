"""
Supergraphs of any size, all of the same fabric, so that only size differs.

Four types in five are entities in a row. Each is in two subgraphs, every fourth in three, and shares one with the
following, to which it has a reference; another reference leads far away. One type in ten is an object that hangs on an
entity, one in twenty an enum that such an object has, one in twenty an interface of three entities. Every subgraph has
a few root fields. Nothing is random: the same size is the same text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

HEAD = """schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) {
  query: Query
}
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String,
  external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false,
  resolvable: Boolean! = true, isInterfaceObject: Boolean! = false)
  repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
"""
ROOTS_PER_SUBGRAPH = 3


@dataclass(frozen=True, slots=True)
class Size:
    """How large a supergraph is."""

    subgraphs: int
    types: int

    @property
    def entities(self) -> int:
        """How many types are entities."""
        return self.types - 4 * (self.types // 20)

    def owners(self, entity: int) -> tuple[int, ...]:
        """The subgraphs of an entity."""
        also = (entity + self.subgraphs // 2,) if entity % 4 == 1 else ()
        return tuple(dict.fromkeys(place % self.subgraphs for place in (entity, entity + 1, *also)))


def supergraph(size: Size) -> str:
    """The SDL."""
    graphs = [f'  G{n} @join__graph(name: "g{n}", url: "http://127.0.0.1:4200/g{n}")' for n in range(size.subgraphs)]
    parts = [HEAD, "enum join__Graph {", *graphs, "}", *_query(size)]
    for entity in range(size.entities):
        parts += _entity(entity, size)
    for group in range(size.types // 20):
        parts += _group(group, size)
    return "\n".join(parts) + "\n"


def operations(size: Size) -> dict[str, str]:
    """
    What is planned, by name: *short* asks one entity of two subgraphs; *chain* follows six references and asks each
    entity for the fields of its first two subgraphs; *fan* has eight branches of three references.
    """
    chain = fan = "id"
    for _ in range(6):
        chain = f"id f0 f1 next {{ {chain} }}"
    for _ in range(3):
        fan = f"id f0 f1 next {{ {fan} }}"
    roots = ROOTS_PER_SUBGRAPH * size.subgraphs
    return {
        "short": "{ r0 { id f0 f1 } }",
        "chain": f"{{ r0 {{ {chain} }} }}",
        "fan": "{ " + " ".join(f"b{n}: r{n % roots} {{ {fan} }}" for n in range(8)) + " }",
    }


def _query(size: Size) -> Iterator[str]:
    joins = " ".join(f"@join__type(graph: G{n})" for n in range(size.subgraphs))
    yield f"type Query {joins} {{"
    for number in range(ROOTS_PER_SUBGRAPH * size.subgraphs):
        entity = number % size.entities
        yield f"  r{number}: E{entity} @join__field(graph: G{size.owners(entity)[0]})"
    yield "}"


def _entity(entity: int, size: Size) -> Iterator[str]:
    owners = size.owners(entity)
    joins = " ".join(f'@join__type(graph: G{graph}, key: "id")' for graph in owners)
    group, place = divmod(entity, 16)
    implements = ""
    if place < 3 and group < size.types // 20:
        joined = (f'@join__implements(graph: G{graph}, interface: "I{group}")' for graph in owners)
        implements = f" implements I{group} {' '.join(joined)}"
    yield f"type E{entity}{implements} {joins} {{"
    yield "  id: ID!"
    for number, graph in enumerate(owners):
        yield f"  f{number}: String @join__field(graph: G{graph})"
    for name, distance in (("next", 1), ("far", size.subgraphs)):
        other = (entity + distance) % size.entities
        shared = [graph for graph in reversed(owners) if graph in size.owners(other)]
        if shared:  # all but where the row ends
            yield f"  {name}: E{other} @join__field(graph: G{shared[0]})"
    if place in {5, 11} and group < size.types // 20:
        yield f"  extra: V{2 * group + place // 6} @join__field(graph: G{owners[0]})"
    yield "}"


def _group(group: int, size: Size) -> Iterator[str]:
    """Two objects, an enum and an interface, which belong to sixteen entities."""
    for number, place in enumerate((5, 11)):
        graph = size.owners(16 * group + place)[0]
        also = f"kind: N{group}" if number == 0 else "z: [Float!]"
        yield f"type V{2 * group + number} @join__type(graph: G{graph}) {{ x: Int y: String {also} }}"
    graph = size.owners(16 * group + 5)[0]
    yield f"enum N{group} @join__type(graph: G{graph}) {{"
    yield f"  A @join__enumValue(graph: G{graph}) B @join__enumValue(graph: G{graph})"
    yield "}"
    graphs = sorted({graph for place in range(3) for graph in size.owners(16 * group + place)})
    yield f"interface I{group} {' '.join(f'@join__type(graph: G{graph})' for graph in graphs)} {{ id: ID! }}"
