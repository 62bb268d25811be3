"""
Generated supergraphs and operations that are larger and more entangled than anybody's, to attack the planner with.

Each world is the text of a supergraph. They differ in what they multiply: implementations, shared value types,
subgraphs per field, hops between subgraphs, requirements that need each other.
"""

from __future__ import annotations

from collections.abc import Iterable

_PRELUDE = """
schema @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
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


def supergraph(graphs: int, *types: str) -> str:
    """A supergraph of subgraphs `G0`, `G1`, ..."""
    values = " ".join(f'G{number} @join__graph(name: "g{number}", url: "http://g{number}")' for number in range(graphs))
    return "\n".join((_PRELUDE, f"enum join__Graph {{ {values} }}", *types))


def joined(kind: str, name: str, graphs: Iterable[int], fields: Iterable[str], key: str = "", above: str = "") -> str:
    """A type that stands in subgraphs, with one key and maybe an interface in all of them."""
    held = tuple(graphs)
    by_key = f', key: "{key}"' if key else ""
    head = "".join(f" @join__type(graph: G{number}{by_key})" for number in held)
    implements = f" implements {above}" if above else ""
    head += "".join(f' @join__implements(graph: G{number}, interface: "{above}")' for number in held if above)
    return f"{kind} {name}{implements}{head} {{\n  " + "\n  ".join(fields) + "\n}"


def field(text: str, *graphs: int) -> str:
    """A field that subgraphs resolve."""
    return text + "".join(f" @join__field(graph: G{number})" for number in graphs)


def interface_world(implementations: int) -> str:
    """
    An interface whose fields are spread over three subgraphs.

    `next` is in the first, `other` in the second; each implementation has a field of its own in each of the three.
    """
    fields = ["id: ID!", field("name: String", 0), field("price: Int", 1), field("stock: Int", 2)]
    fields += [field("next: Item", 0), field("other: Item", 1)]
    types = [
        joined(
            "type",
            f"I{number}",
            range(3),
            [*fields, *(field(f"own{graph}_{number}: Int", graph) for graph in range(3))],
            key="id",
            above="Item",
        )
        for number in range(implementations)
    ]
    query = joined("type", "Query", range(3), [field("items: [Item]", 0), field("others: [Item]", 1)])
    return supergraph(3, query, joined("interface", "Item", range(3), fields, key="id"), *types)


def values_world(levels: int, graphs: int) -> str:
    """Nested value types that all subgraphs share; each level has a field that one subgraph alone knows."""
    every = tuple(range(graphs))
    types = []
    for level in range(levels + 1):
        fields = [field(f"alone{graph}: Int", graph) for graph in every]
        if level < levels:
            fields += [field(f"{side}: V{level + 1}", *every) for side in ("left", "right")]
        types.append(joined("type", f"V{level}", every, [field("shared: Int", *every), *fields]))
    return supergraph(graphs, joined("type", "Query", every, [field("value: V0", *every)]), *types)


def wide_world(graphs: int, fields: int, holders: int) -> str:
    """An entity with many fields, each in several subgraphs, with values and entities below some of them."""
    listed = ["id: ID!"]
    for number in range(fields):
        type_name = "Wide" if number % 10 == 0 else "Value" if number % 10 == 5 else "Int"
        listed.append(field(f"f{number}: {type_name}", *((number * 7 + step * 3) % graphs for step in range(holders))))
    every = tuple(range(graphs))
    value = joined("type", "Value", every, ["shared: Int", "more: Int"])
    query = joined("type", "Query", [0], [field("wide: Wide", 0)])
    return supergraph(graphs, query, joined("type", "Wide", every, listed, key="id"), value)


def ring_world(graphs: int) -> str:
    """An entity that each subgraph finds by the key that only the one before it has."""
    heads = "".join(f' @join__type(graph: G{number}, key: "k{number}")' for number in range(graphs))
    fields = [field(f"k{number}: ID!", number, (number - 1) % graphs) for number in range(graphs)]
    fields += [field(f"f{number}: Int", number) for number in range(graphs)]
    fields += [field(f"link{number}: Linked", number) for number in range(graphs)]
    linked = f"type Linked{heads} {{\n  " + "\n  ".join(fields) + "\n}"
    return supergraph(graphs, joined("type", "Query", [0], [field("start: Linked", 0)]), linked)


def union_world(members: int) -> str:
    """A union of entities that three subgraphs know parts of; `same` has another type in every second member."""
    names = [f"M{number}" for number in range(members)]
    head = "".join(f" @join__type(graph: G{graph})" for graph in range(2))
    head += "".join(f' @join__unionMember(graph: G{graph}, member: "{name}")' for name in names for graph in range(2))
    types = [
        joined(
            "type",
            name,
            range(3),
            [
                "id: ID!",
                field(f"same: {'Int' if number % 2 else 'Int!'}", number % 3),
                field(f"own{number}: Int", (number + 1) % 3),
                field("more: Any", 0, 1),
            ],
            key="id",
        )
        for number, name in enumerate(names)
    ]
    query = joined("type", "Query", range(2), [field("any: [Any]", 0, 1)])
    return supergraph(3, query, f"union Any{head} = {' | '.join(names)}", *types)


def requiring_world(fields: int) -> str:
    """An entity each of whose fields requires all others, each in a subgraph of its own: nobody can start."""
    every = tuple(range(fields + 1))
    listed = ["id: ID!"]
    for number in range(fields):
        others = " ".join(f"f{other}" for other in range(fields) if other != number)
        homes = "".join(f" @join__field(graph: G{graph}, external: true)" for graph in range(fields) if graph != number)
        listed.append(f'f{number}: Int @join__field(graph: G{number}, requires: "{others}"){homes}')
    query = joined("type", "Query", [fields], [field("start: Tangled", fields)])
    return supergraph(fields + 1, query, joined("type", "Tangled", every, listed, key="id"))


def chain_world(fields: int) -> str:
    """An entity each of whose fields requires the one before it, in turns in two subgraphs."""
    listed = ["id: ID!", field("f0: Int", 0)]
    for number in range(1, fields):
        home, other = number % 2, (number - 1) % 2
        before = f'requires: "f{number - 1}"'
        listed.append(f"f{number}: Int @join__field(graph: G{home}, {before}) @join__field(graph: G{other})")
        listed[-1] = (
            f"f{number}: Int @join__field(graph: G{home}, {before}) @join__field(graph: G{other}, external: true)"
        )
    query = joined("type", "Query", [0], [field("start: Chained", 0)])
    return supergraph(2, query, joined("type", "Chained", range(2), listed, key="id"))


def nested(levels: int, name: str, inside: str) -> str:
    """A selection of one field below itself, so many levels deep."""
    return f"{name} {{ " * levels + inside + " }" * levels
